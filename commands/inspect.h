/* SPDX-License-Identifier: MIT */
/* What cbtm inspect says of a kind beside its facts and columns. */
#pragma once
#include "store/store.h"

/* Prints a vocabulary's sizes and the tokens that stand apart: special and added ones; or why it is
 * none (made by hand, without EOD): that is no error to one who looks. */
void inspect_vocabulary(const struct store *s);

/* Prints how a checkpoint's mixtures share tokens out among their experts; nothing if it has none. */
void inspect_experts(const struct store *s);
/* Of weighted sequences: what each source was to have of the tokens, and what it has. */
void inspect_sources(const struct store *s);
/* The same of all sequences of a system, which lie in RUN/SYSTEM; the seed's too, with `seed`. Nothing
 * where there are no weights. */
int report_sources(const char *folder, const char *system, bool seed, struct cbtm_error *e);
