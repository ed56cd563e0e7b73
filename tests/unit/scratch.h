/* SPDX-License-Identifier: MIT */
/* A fresh folder for a test's files, under $TMPDIR or /tmp. As cmocka's set-up and tear-down:
 * *state is its path. */
#pragma once

int scratch_make(void **state);
int scratch_remove(void **state);
/* "FOLDER/NAME", in a static buffer: one at a time. */
const char *scratch_path(void **state, const char *name);
/* Writes a file of the scratch folder, and makes the folders above it; the test fails if it cannot. */
void scratch_write(void **state, const char *name, const char *text);
