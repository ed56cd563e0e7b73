/* SPDX-License-Identifier: MIT */
/*
 * Three small stages for tests of the frame and of the driver:
 *   read:  pages (a part a file of `input`), letters (once), copies (a part; pages and letters)
 *   group: groups (once, of copies), with the option k
 *   make:  thing (a cluster; letters, groups if k > 1), total (once; all things, groups if k > 1)
 * All datasets are of kind "results": row 0 says what went in.
 */
#pragma once
#include "pipeline/run.h"
#include "stage/stage.h"

extern const struct cbtm_stage *const fake_registry[];
extern const struct cbtm_stage fake_read, fake_group, fake_make;

/* In main(): if the program was started as cbtm-NAME it is that stage; *status is its exit status. */
bool fake_is_stage(int argc, char **argv, int *status);
/* Makes FOLDER/cbtm-NAME, which are this program. */
void fake_programs(const char *folder);

/* Writes a text to FOLDER/NAME. */
void fake_file(const char *folder, const char *name, const char *text);
/* A corpus of two files (a.txt, b.txt) and pipeline.yaml in the folder. `text` NULL: a plain one. */
void fake_pipeline(const char *folder, const char *text);
/* Opens the folder's pipeline with settings ("group.k=3", ...; closed by NULL) and its own work/. */
int fake_open(const char *folder, const char *const *set, struct run *run, struct cbtm_error *e);

/* Runs a stage's main with words (closed by NULL), its stdout and stderr going to FOLDER/out. */
int fake_call(const char *folder, const struct cbtm_stage *stage, const char *const *words);
/* The text of a file, in a static buffer. */
const char *fake_read_file(const char *folder, const char *name);
