/* SPDX-License-Identifier: MIT */
/* Which bytes of a text are ASCII word characters, a block at a time. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { ASCII_BLOCK = 64 };

/* Bit i stands for byte i. */
struct ascii_masks {
	uint64_t letters; /* A-Z a-z 0-9 _ */
	uint64_t others;  /* no ASCII */
};

/* Masks of the `size` (at most ASCII_BLOCK) bytes at s. lower (ASCII_BLOCK bytes, the caller's):
 * the bytes with A-Z made a-z; those from `size` on are unspecified. */
struct ascii_masks ascii_block_masks(const char *s, size_t size, char *lower);
/* The same without the processor's vectors. */
struct ascii_masks ascii_block_masks_portable(const char *s, size_t size, char *lower);
