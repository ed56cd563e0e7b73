/* SPDX-License-Identifier: MIT */
/* The curves of a training run: what is published with the weights. No times, no rates. */
#pragma once
#include "base/error.h"
#include "store/store.h"
#include <stdbool.h>

struct curve_point {
	uint64_t step, tokens;          /* tokens: seen so far */
	double loss, lr, gradient_norm; /* of this step's batch; nats a token */
	double balance;                 /* of a mixture: expert_load_balance of this step's batch */
};
struct valid_point {
	uint64_t step;
	double loss;
};
struct history { /* {0} is an empty one */
	struct curve_point *curve;
	struct valid_point *valid;
	size_t curves, valids, curve_cap, valid_cap;
	bool mixes; /* of a mixture: `balance` is one of the curves */
};
void history_free(struct history *h);
int history_add(struct history *h, struct curve_point p, struct cbtm_error *e);
int history_add_valid(struct history *h, struct valid_point p, struct cbtm_error *e);
/* To and from the columns curve.* and valid.* of a checkpoint. Mixtures alone have curve.balance_loss: reading sets
 * `mixes` where it is there. */
int history_write(const struct history *h, struct store_writer *w, struct cbtm_error *e);
int history_read(struct history *h, const struct store *s, struct cbtm_error *e);
