/* SPDX-License-Identifier: MIT */
/* What cbtm inspect says of a kind beside its facts and columns. */
#pragma once
#include "base/buffer.h"
#include "store/store.h"
#include <stdbool.h>

/* Prints a vocabulary's sizes and the tokens that stand apart: special and added ones; or why it is
 * none (made by hand, without EOD): that is no error to one who looks. */
void inspect_vocabulary(const struct store *s);

/* Prints how a checkpoint's mixtures share tokens out among their experts; nothing if it has none. */
void inspect_experts(const struct store *s);
/* What a trained checkpoint's curves and the log of its run come to; nothing of an imported one. */
void inspect_training(const struct store *s);
/* The same as a JSON object, appended; null of one that is no model's (a state to resume from). */
int inspect_training_json(const struct store *s, struct buffer *out, struct cbtm_error *e);

/* The trained models of systems, each once: rows of a table, or members of a JSON array. */
struct training_report {
	bool json;
	struct buffer out;
	char **seen; /* folders */
	size_t n, capacity;
};
/* Adds those whose datasets lie in `folder`, RUN/SYSTEM. */
int training_report_add(struct training_report *r, const char *folder, const char *system,
                        struct cbtm_error *e);
void training_report_free(struct training_report *r);

/* Prints which parameters a checkpoint that was trained here has: the best, the last; which are used. */
void inspect_parameters(const struct store *s);
/* Of weighted sequences: what each source was to have of the tokens, and what it has. */
void inspect_sources(const struct store *s);
/* The same of all sequences of a system, which lie in RUN/SYSTEM; the seed's too, with `seed`. Nothing
 * where there are no weights. */
int report_sources(const char *folder, const char *system, bool seed, struct cbtm_error *e);
