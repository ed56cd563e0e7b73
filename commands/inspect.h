/* SPDX-License-Identifier: MIT */
/* What cbtm inspect says of a kind beside its facts and columns. */
#pragma once
#include "store/store.h"

/* Prints a vocabulary's sizes and the tokens that stand apart: special and added ones. */
int inspect_vocabulary(const struct store *s, struct cbtm_error *e);
