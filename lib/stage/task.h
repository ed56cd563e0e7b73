/* SPDX-License-Identifier: MIT */
/* Doing a task: inputs opened, fingerprint computed, parts made or gone on with, dataset sealed. */
#pragma once
#include "stage/command_line.h"

/* What a task left for others (stage_keep). */
struct stage_kept {
	void *what; /* NULL: nothing */
	void (*forget)(void *what);
	struct digest fingerprint; /* of the task */
};

/* What all tasks of one program run share. */
struct stage_session {
	const struct stage_command *command;
	uint64_t k;
	struct pool *pool;
	const struct cbtm_plugin *plugin; /* opened; NULL: no task so far needed one */
	void *source;                     /* the stage's source plan */
	uint32_t source_parts;
	struct digest ahead; /* of the source's part number ahead_part, if has_ahead */
	uint32_t ahead_part;
	bool has_ahead;
	struct stage_kept kept;
	uint64_t made_along; /* bits of tasks of which this session made parts along with another's */
	bool reported;       /* the error was printed with the task's last line */
};

/* What became of a task; also the word in the last line. */
struct stage_outcome {
	bool skipped;     /* everything was there already */
	const char *path; /* the dataset's folder, or the part's file */
};

/*
 * Does a task for `cluster` (0 if it is not EACH_CLUSTER): the part that --part names, or all of
 * them and then DATASET.json. A task that can be made along is, where its folder and all else that
 * it reads are there: its parts, not its DATASET.json. A part that is sealed with the same fingerprint is left alone.
 */
int stage_task_do(struct stage_session *s, const struct stage_task *task, uint32_t cluster,
                  struct stage_outcome *outcome, struct cbtm_error *e);
/* Plans the source, takes the digest of its first part and begins to read it until it is *enough,
 * for the tasks that need them. */
int stage_source_ahead(struct stage_session *s, const atomic_bool *enough, struct cbtm_error *e);
void stage_session_end(struct stage_session *s);
