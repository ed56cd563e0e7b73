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
