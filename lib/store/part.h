/* SPDX-License-Identifier: MIT */
/* The files of a part: their names, the lock that keeps two writers apart, cleaning up. */
#pragma once
#include "base/error.h"
#include "base/memory.h"

enum { PART_MAX = 100000 };

struct part_files {
	char *folder;
	char *dataset;  /* DATASET.json */
	char *store;    /* part-00000.lmdb: whole, never changed */
	char *manifest; /* part-00000.json: written last */
	char *partial;  /* part-00000.lmdb.partial: what is committed, tails, where blocks are */
	char *blocks;   /* part-00000.lmdb.blocks: the sealed file's values, as they come */
	char *state;    /* part-00000.lmdb.partial.state: may the partial be trusted? */
	char *sealing;  /* part-00000.lmdb.sealing: the sealed file, where it had to be written anew */
	char *lock;     /* part-00000.lock */
};

/* Strings live in the arena. USAGE if part is too large. */
int part_files(const char *folder, uint32_t part, struct arena *a, struct part_files *f,
               struct cbtm_error *e);

/* Splits ".../part-00012.lmdb" or ".json" into folder (into buf, "." if none) and number. */
bool part_of_path(const char *path, char *folder, size_t size, uint32_t *part);

/*
 * Makes the folder, refuses network file systems, takes the lock (BUSY if another writer holds
 * it). Returns the lock's descriptor, or -1.
 */
int part_guard(const struct part_files *f, struct cbtm_error *e);
/* Removes the lock file and lets go of it. fd = -1 is fine. */
void part_unguard(const struct part_files *f, int fd);

/* Removes what an unfinished seal left; also the part that grows if `partial_too`. */
int part_clean(const struct part_files *f, bool partial_too, struct cbtm_error *e);

/* Removes what a killed file_replace of a file whose name begins with `stem` left in the folder. */
int part_clean_replaced(const char *folder, const char *stem, struct cbtm_error *e);
/* ... of the manifest or the state. */
int part_clean_temporaries(const struct part_files *f, struct cbtm_error *e);
/* Takes away an older part's manifest, and DATASET.json, which no longer holds. */
int part_unpublish(const struct part_files *f, struct cbtm_error *e);

/*
 * Unsynced commits survive a killed process but not a crash of the system. The state file says
 * during which boot the partial file was written; part_state_clean after a sync says that any
 * boot may trust it.
 */
int part_state_write(const struct part_files *f, struct cbtm_error *e);
int part_state_clean(const struct part_files *f, struct cbtm_error *e);
bool part_state_is_good(const struct part_files *f);
