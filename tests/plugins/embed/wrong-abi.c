/* SPDX-License-Identifier: MIT */
/* Of another ABI; nothing behind these two numbers may be read. */
#include <cbtm/plugin.h>

CBTM_EXPORT const struct {
	uint32_t abi, size;
} cbtm_plugin = { CBTM_ABI + 1, 8 };
