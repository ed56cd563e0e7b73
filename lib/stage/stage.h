/* SPDX-License-Identifier: MIT */
/*
 * A stage: a program that reads datasets and publishes datasets, declared as data. stage_main()
 * does options, --help, opening, sealing, resume, signals, progress and log; the driver reads the
 * same declarations to plan. A stage's file holds the declaration and one run() a task.
 */
#pragma once
#include "base/digest.h"
#include "base/pool.h"
#include "store/dataset.h"
#include <cbtm/embed.h>
#include <cbtm/param.h>
#include <stdatomic.h>
#include <stdbool.h>

/* How many tasks there are of a kind: one, one a part of the corpus, one a cluster. */
enum stage_each { EACH_ONCE, EACH_PART, EACH_CLUSTER };

/* Which of a dataset's parts (or of k datasets) a task reads. */
enum stage_reads {
	READS_ALL,          /* the whole dataset */
	READS_SAME_PART,    /* the part of the task's own number */
	READS_SAME_CLUSTER, /* of k datasets the one of the task's own number */
	READS_ALL_CLUSTERS  /* all k datasets */
};

struct stage_run;
struct plugin_search;

struct stage_input {
	const char *dataset; /* the task that publishes it: "documents"; NULL closes the list */
	enum stage_reads how;
	/* NULL: always. Else asked with the stage's options and the number of clusters k. */
	bool (*wanted)(const void *options, uint64_t k);
};
#define STAGE_INPUTS 10
bool stage_if_clustered(const void *options, uint64_t k); /* k > 1 */

/* A task publishes one dataset (or one part of it) of the task's own name. */
struct stage_task {
	const char *name;     /* "documents"; unique over all stages; NULL closes the list */
	const char *kind;     /* store kind of what it publishes */
	const char *sentence; /* what it does, for --help and plan */
	uint32_t version;     /* goes up when its result changes; guarded by golden digests */
	enum stage_each each;
	const char *plugin; /* plugin kind that it uses: "embed", "cluster", "compute"; or NULL */
	struct stage_input reads[STAGE_INPUTS];
	/* Writes all rows to run->out from its cursor on, committing as it goes; the frame seals. */
	int (*run)(struct stage_run *run, struct cbtm_error *e);
};

struct stage_amount {
	uint64_t bytes; /* unpacked */
	uint64_t documents;
	bool exact; /* the bytes: no file is packed. Documents are always an estimate */
};

/* Where a corpus comes from: only tokenize has one. Parts are cut by file sizes. */
struct stage_source {
	/* Finds the files, cuts the parts. *plan is freed by `free`. */
	int (*plan)(const void *options, void **plan, uint32_t *parts, struct cbtm_error *e);
	/* The content digest of a part's slice of the input. */
	int (*digest)(void *plan, uint32_t part, struct digest *d, struct cbtm_error *e);
	void (*free)(void *plan);
	/* How much text the files hold, before they are read; NULL: nobody asks. */
	int (*measure)(const void *options, const void *plan, struct stage_amount *amount,
	               struct cbtm_error *e);
	/* Begins to read a part, on a thread that has nothing else to do, until it is *enough; the task
	 * that reads the part finds what was read, and errors. NULL: nothing is read ahead. */
	void (*ahead)(const void *options, void *plan, uint32_t part, const atomic_bool *enough);
};

struct cbtm_stage {
	const char *name;     /* "tokenize" */
	const char *sentence; /* first line of --help */
	const struct cbtm_param *options;
	size_t options_size;
	const char *plugin_param; /* the option that names the plugin ("plugin", "compute"); or NULL */
	const struct stage_source *source; /* or NULL */
	const struct stage_task *tasks;    /* in order of dependence */
	/* The task of what people look at and no task reads: planned where there are clusters (k > 1),
	 * by hand done if its folder is given. NULL: none. */
	const char *for_people;
	/* A task of each part, and a later one that reads its part and whose part the first one's run()
	 * can write in the same pass (run->along). What is not written so the later one makes itself.
	 * NULL: none. */
	const char *together[2];
	/* Checks between options ("heads divides width"); may be NULL. CONFIG error naming the key. k: clusters; 1
	 * where nothing is done for each of them. */
	int (*check)(const void *options, uint64_t k, struct cbtm_error *e);
	size_t heap; /* bytes that its threads take and give back all the time (base/memory.h) */
	const char *example; /* a command that works */
};

/* What a task's run() gets. */
struct stage_run {
	const struct cbtm_stage *stage;
	const struct stage_task *task;
	const void *options;        /* the stage's options struct, checked */
	uint32_t part, parts;       /* of EACH_PART tasks; else 0 of 1 */
	uint32_t cluster, clusters; /* of EACH_CLUSTER tasks; else 0 of k (k as far as known, else 1) */
	struct pool *pool;
	struct store_writer *out;  /* behind its last commit; store_cursor() says where */
	struct digest fingerprint; /* of this task */
	const char *out_dir;       /* the dataset's folder: resume checkpoints lie beside the part */
	void *source;              /* the stage's source plan, or NULL */
	const void *plugin; /* descriptor of the loaded plugin (struct cbtm_embed *...), or NULL */
	const void *plugin_options;  /* its checked options */
	struct stage_inputs *inputs; /* opaque */
	/* The part of the other task that is made `together`, to be written together with this one: with its own `out`, which
	 * may hold more rows or fewer, and its own inputs but for this task's part. NULL: not now. */
	struct stage_run *along;
	struct stage_kept *kept; /* of stage_keep */
};

/* What a task has in memory may serve later tasks of this process, which need not read it again: of
 * all that was kept the last, `forget` frees it. Without run->kept nothing is kept. */
void stage_keep(struct stage_run *r, void *what, void (*forget)(void *what));
/* What the task of this fingerprint kept; NULL: nothing. */
void *stage_kept(const struct stage_run *r, struct digest fingerprint);

/* Opened inputs; owned by the frame. NULL if the input is not wanted here. */
struct dataset *stage_input(struct stage_run *r, const char *dataset);
/* The part of the task's own number of a READS_SAME_PART input; owned by the frame. */
int stage_input_part(struct stage_run *r, const char *dataset, struct store **s,
                     struct cbtm_error *e);
/* The j-th of a READS_ALL_CLUSTERS input; stage_input_count says how many. */
struct dataset *stage_input_at(struct stage_run *r, const char *dataset, size_t j);
size_t stage_input_count(struct stage_run *r, const char *dataset);
/* Loads the embed plugin that made a "state" store (its name and options are facts of it; searched on
 * the operator's plugin path only) and its state. Free with plugin->free. */
int stage_load_embedder(struct stage_run *r, struct dataset *embedder,
                        const struct cbtm_embed **plugin, void **state, struct cbtm_error *e);

/* Lends the checkpoint and vocabulary of these inputs (NULL: none) to the embed plugin's fit(). */
void stage_lend_model(struct stage_run *r, const char *checkpoint, const char *vocabulary);

/* The body of every stage program's main(). Returns the exit status. */
int stage_main(const struct cbtm_stage *stage, int argc, char **argv);

/*
 * Fingerprints (shared by stage programs and driver): of one task, from what decides its result.
 * `inputs` in the order of the task's wanted reads; READS_SAME_PART: the part's fingerprint,
 * READS_ALL: the dataset's, READS_ALL_CLUSTERS: one each.
 */
struct stage_identity {
	const struct cbtm_stage *stage;
	const struct stage_task *task;
	const void *options;
	const struct cbtm_plugin *plugin; /* NULL: none */
	const void *plugin_options;
	const struct plugin_search *search; /* for compute plugins that the plugin's options name */
	uint32_t cluster;                   /* EACH_CLUSTER: its number */
	const struct digest *inputs;
	const char *const
		*input_names; /* their datasets, one each; "source": the part's source files */
	size_t n_inputs;
};
int stage_fingerprint(const struct stage_identity *id, struct digest *fingerprint,
                      struct cbtm_error *e);

/* All stages, in order of the pipeline; ends with NULL. Made by the build from stages/NAME.c. */
extern const struct cbtm_stage *const stage_registry[];
