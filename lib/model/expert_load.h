/* SPDX-License-Identifier: MIT */
/*
 * How the mixtures of a model share tokens out among their experts: sums of what ROUTE says
 * (`load` in <cbtm/compute.h>) over any number of runs of FORWARD.
 */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "model/checkpoint.h"
#include "model/config.h"

struct expert_load { /* {0}: of a model without mixtures */
	uint64_t *layer; /* which layers are mixtures */
	size_t layers, experts;
	double *rows, *choices; /* layers x experts: tokens taken, and with those turned away */
	double tokens, balance; /* balance: sum over tokens and layers of the balance loss */
};

/* Room for a model's mixtures, all sums 0. Free with expert_load_free. */
int expert_load_make(struct expert_load *l, const struct model_config *c, struct cbtm_error *e);
void expert_load_free(struct expert_load *l);
void expert_load_clear(struct expert_load *l);
/* Adds what the program's last FORWARD did with `tokens` tokens. */
int expert_load_add(struct expert_load *l, const struct program *p, uint64_t tokens,
                    struct cbtm_error *e);

/* Mean balance loss of a mixture: 1 where all experts are chosen alike; 0 without tokens. */
double expert_load_balance(const struct expert_load *l);
/* Share of the choices that found no room. */
double expert_load_dropped(const struct expert_load *l);

/* Members of a JSON object: "balance_loss", "dropped", and "layers", for each mixture
 * {"layer","tokens":[of each expert],"dropped"}. */
int expert_load_print(const struct expert_load *l, struct buffer *out, struct cbtm_error *e);
