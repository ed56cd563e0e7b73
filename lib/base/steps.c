/* SPDX-License-Identifier: MIT */
#include "base/steps.h"
#include "base/json.h"
#include <stdatomic.h>

static const char *const names[STEP_COUNT] = {
	[STEP_READ] = "read",     [STEP_DECOMPRESS] = "decompress", [STEP_LINES] = "lines",
	[STEP_PARSE] = "parse",   [STEP_ENCODE] = "encode",         [STEP_APPEND] = "append",
	[STEP_COMMIT] = "commit", [STEP_COMPRESS] = "compress",     [STEP_SEAL] = "seal",
	[STEP_SYNC] = "sync",
};
static atomic_uint_fast64_t nanoseconds[STEP_COUNT];

void steps_clear(void)
{
	for (int i = 0; i < STEP_COUNT; i++)
		atomic_store(&nanoseconds[i], 0);
}

void steps_add(enum step s, double seconds)
{
	if (seconds > 0)
		atomic_fetch_add(&nanoseconds[s], (uint_fast64_t)(seconds * 1e9));
}

double steps_seconds(enum step s)
{
	return (double)atomic_load(&nanoseconds[s]) * 1e-9;
}

int steps_members(struct buffer *b, struct cbtm_error *e)
{
	for (int i = 0; i < STEP_COUNT; i++)
		if (steps_seconds((enum step)i) > 0 &&
		    (json_put_key(b, names[i], e) || json_put_f64(b, steps_seconds((enum step)i), e)))
			return e->name;
	return 0;
}
