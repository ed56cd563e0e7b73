/* SPDX-License-Identifier: MIT */
/* What tests of whole models share: a model's list in a program, with parameters far from their start, so
 * that nothing is zero by accident. */
#pragma once
#include "model/compute_help.h"
#include "model/parameter.h"

/* The precision of the cpu plugin, as its rows say. */
enum { PRECISION_AUTO, PRECISION_FP32, PRECISION_BF16 };

struct fixture_choice {
	const char *plugin;
	struct model_config config; /* V at most 37 */
	bool dropout, masked, checkpointing;
	int precision; /* cpu */
};
struct fixture {
	const struct cbtm_compute *compute;
	struct model_config config;
	struct list *l;
	const struct cbtm_list *list;
	void *program;
	struct cbtm_scalars scalars;
};
void fixture_make(struct fixture *f, const struct fixture_choice *c);
void fixture_free(struct fixture *f);
void fixture_run(struct fixture *f, enum cbtm_section section);
/* Forward and backward: the mean loss, and the balance losses of mixtures. */
double fixture_loss(struct fixture *f);
double *fixture_values(struct fixture *f, const char *name, size_t *n); /* free() it */
void fixture_write(struct fixture *f, const char *name, const double *v, size_t n);
/* Fails the test unless the first 1 / share of a tensor is the same in both, bit for bit. */
void fixture_same(struct fixture *a, struct fixture *b, const char *name, size_t share);
/* The same for all parameters and moments, whole. */
void fixture_same_model(struct fixture *a, struct fixture *b);

/* Fails the test unless all gradients are those of differences of the loss, by `reference`. */
void fixture_check_gradients(const struct fixture_choice *c, double capacity, double balance);
/* Fails the test unless losses of both agree to `loss`, and gradients: each number to `share` of
 * the largest, or (of_length) the error's length to `share` of theirs. */
void fixture_compare(struct fixture *a, struct fixture *b, double loss, double share,
                     bool of_length);
bool fixture_has_bf16(void);
