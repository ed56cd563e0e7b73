/* SPDX-License-Identifier: MIT */
#include "base/fault.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/signals.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef CBTM_FAULT
enum { LONGEST_NAME = 64 };

struct point {
	struct point *next;
	uint64_t passages;
	char name[LONGEST_NAME];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct point *points; /* newest first; lives until the process ends */

static struct point *point_of(const char *name)
{
	struct point *p;

	for (p = points; p; p = p->next)
		if (strcmp(p->name, name) == 0)
			return p;
	p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	snprintf(p->name, sizeof p->name, "%s", name);
	p->next = points;
	points = p;
	return p;
}

static void list_points(void)
{
	FILE *f = fopen(getenv("CBTM_FAIL_LIST"), "a");

	if (!f)
		return;
	for (struct point *p = points; p; p = p->next)
		fprintf(f, "%s %llu\n", p->name, (unsigned long long)p->passages);
	fclose(f);
}

static void list_at_exit(void)
{
	if (getenv("CBTM_FAIL_LIST"))
		atexit(list_points);
}

static int act(const char *action, size_t n, const char *name, struct cbtm_error *e)
{
	char where[LONGEST_NAME + 16];

	snprintf(where, sizeof where, "failpoint %s", name);
	if (n == 4 && memcmp(action, "kill", 4) == 0)
		kill(getpid(), SIGKILL);
	if (n == 4 && memcmp(action, "stop", 4) == 0)
		signals_request_stop();
	errno = n == 6 && memcmp(action, "enospc", 6) == 0 ? ENOSPC
	        : n == 3 && memcmp(action, "eio", 3) == 0  ? EIO
	                                                   : 0;
	return errno ? (int)error_errno(e, CBTM_ERR_IO, where, "failed as asked") : 0;
}

/* Whether "name:n:action" (up to a comma or the end) is this passage; sets where its action is. */
static bool matches(const char *rule, size_t length, const struct point *p, size_t *action)
{
	size_t name = strlen(p->name);
	const char *number = rule + name + 1, *colon;
	uint64_t n;

	if (length < name + 4 || memcmp(rule, p->name, name) != 0 || rule[name] != ':')
		return false;
	colon = memchr(number, ':', length - name - 1);
	if (!colon || !number_parse_u64(number, (size_t)(colon - number), &n) || n != p->passages)
		return false;
	*action = (size_t)(colon + 1 - rule);
	return true;
}

int fault_point(const char *name, struct cbtm_error *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *rules = getenv("CBTM_FAIL"), *hit = NULL;
	size_t length, action, hit_length = 0;
	struct point *p;

	pthread_once(&once, list_at_exit);
	pthread_mutex_lock(&mutex);
	p = point_of(name);
	if (p)
		p->passages++;
	while (p && rules && *rules && !hit) {
		length = strcspn(rules, ",");
		if (matches(rules, length, p, &action)) {
			hit = rules + action;
			hit_length = length - action;
		}
		rules += length;
		rules += *rules == ',';
	}
	pthread_mutex_unlock(&mutex);
	return hit ? act(hit, hit_length, name, e) : 0;
}
#endif
