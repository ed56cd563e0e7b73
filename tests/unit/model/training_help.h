/* SPDX-License-Identifier: MIT */
/* A folder for a test, a dataset of sequences of a small language, and training runs on it. */
#pragma once
#include "model/checkpoint.h"
#include "model/training.h"

/* The folder of this program's tests, below $TMPDIR: made and removed as cmocka's set-up and tear-down. */
extern char *folder;
int test_folder_make(void **state);
int test_folder_remove(void **state);
/* Another one, for the caller to remove and free. */
char *test_folder(void);
/* DIR as a sealed dataset of kind "sequences": `rows` of T + 1 ids and some valid ones. */
void test_sequences(const char *dir, uint64_t rows, uint64_t T, uint64_t clusters);
/* The same, where all clusters together have `all` tokens. */
void test_cluster(const char *dir, uint64_t rows, uint64_t T, uint64_t clusters, uint64_t all);
/* Trains into DIR and seals it; returns the error's name. `t` needs no sequences, out, dir. */
enum cbtm_error_name test_train(struct training t, const char *sequences, const char *start,
                                const char *dir);
/* A task that takes a second: test_config, 30 steps of 6 sequences, micro-batches of 4. */
struct training test_training(void);
/* The digest of the content of the dataset in DIR, as text. */
const char *test_content(const char *dir, char hex[64]);
/* The same of one column of its first part. */
const char *test_column(const char *dir, const char *column, char hex[64]);
/* The cpu plugin's program of test_config with parameters and moments; these filled with x, x + 1, ... */
struct program test_program(void);
void test_fill(struct program *p, float x);
/* The at-th number of a tensor. */
float test_value(struct program *p, const char *tensor, size_t at);
