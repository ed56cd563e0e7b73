/* SPDX-License-Identifier: MIT */
/*
 * Runs a graph's jobs as processes of this machine. A job is ready when all datasets that its task
 * reads are complete; it has succeeded when its part is sealed, whatever its exit status says. A
 * failed job leaves the others running; one that found the disk full may wait (setting->pause). SIGTERM and SIGINT are passed on once; if the driver dies
 * its jobs get SIGTERM.
 */
#pragma once
#include "pipeline/devices.h"
#include "pipeline/graph.h"
#include "pipeline/workspace.h"

struct local_setting {
	const char *bin;  /* folder of the stage programs */
	unsigned jobs;    /* processes at the same time */
	unsigned threads; /* shared out among them */
	bool quiet;       /* only failures are printed */
	bool pause; /* when the disk is full: jobs that failed for it go on when there is more room */
	/* Each job that computes has one of them to itself, and waits for it; others see none. */
	struct devices devices;
	bool anyway; /* start though the estimate is that disk or memory will not do */
};

struct local_report {
	size_t jobs;                  /* that were to do */
	size_t done, failed, linked;  /* linked: of those done, found in another dataset */
	char failures[400];           /* names of the failed ones and their logs */
	enum cbtm_error_name failure; /* of the first one; OK: none */
	bool stopped;
};

/*
 * Runs all wanted jobs whose parts are MISSING (graph_look). `completed` is called after each
 * dataset that became complete. An error is one of the driver's own; failed jobs are in the report.
 */
int local_run(struct graph *g, const struct workspace *w, const struct local_setting *setting,
              int (*completed)(void *arg, struct graph_dataset *d, struct cbtm_error *e), void *arg,
              struct local_report *report, struct cbtm_error *e);
