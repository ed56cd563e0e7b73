/* SPDX-License-Identifier: MIT */
/*
 * Making a part, without rounds: each thread takes what is ready: reads a batch, works on one,
 * appends the first that is worked on (in order), packs a block, commits. So results depend on no
 * thread, none waits for another while anything is left to do, and memory is that of FLOW_SLOTS
 * batches and of the blocks of a commit.
 */
#pragma once
#include "base/pool.h"
#include "base/steps.h"
#include "store/store.h"

enum { FLOW_SLOTS = 4, FLOW_OUTS = 2, FLOW_COMMIT_BYTES = 8 << 20 };

struct flow {
	struct pool *pool;
	/* What is appended to; the first NULL: nothing is packed or committed. */
	struct store_writer *out[FLOW_OUTS];
	enum step step; /* what `work` is; STEP_COUNT: it times itself */
	void *arg;
	/* Reads the next batch into slot 0 .. FLOW_SLOTS - 1; *tasks: of work on it, 0 at the end. One
	 * call at a time, on any thread, beside the other functions for other slots. Its error is
	 * reported when the batches before it are appended, that of `work` likewise. */
	int (*read)(void *arg, unsigned slot, size_t *tasks, struct cbtm_error *e);
	/* One of the tasks, on any thread. The first half of the threads do most of them, so that what one
	 * has learnt of earlier ones, as an encoder words, serves it. */
	int (*work)(void *arg, unsigned slot, size_t task, unsigned thread, struct cbtm_error *e);
	/* Appends the batch; *bytes: of text, what counts for the commit interval. In order, one call at a
	 * time, beside `read` and `work` for other slots; without `out` beside nothing. */
	int (*append)(void *arg, unsigned slot, uint64_t *bytes, struct cbtm_error *e);
	/* Calls store_commit for each; on any thread, but never beside `append`. */
	int (*commit)(void *arg, struct cbtm_error *e);
};

/* Until `read` is at its end and all is appended; what was appended last is not committed yet.
 * STOPPED after a commit. */
int flow_run(const struct flow *f, struct cbtm_error *e);
