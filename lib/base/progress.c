/* SPDX-License-Identifier: MIT */
#include "base/progress.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/log.h"
#include "base/number.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BAR_SECONDS 0.1   /* between two updates of the bar */
#define LINE_SECONDS 10.0 /* between two lines or events */
enum { BAR_WIDTH = 20 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint_fast64_t done_so_far, next_look; /* next_look: microseconds, clock_seconds() */
static atomic_bool running;
static struct {
	char title[64], unit[24], extra[96];
	uint64_t total;
	double start, next_line;
} state;

double clock_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void amount(uint64_t n, char text[16])
{
	if (strcmp(state.unit, "B") == 0)
		number_human_bytes(n, text);
	else
		number_human((double)n, text);
}

/* "42% (4.2M of 10M documents, 34K/s, 2:51 left), loss 3.21". Under the mutex. */
static void describe(uint64_t done, double seconds, char *text, size_t size)
{
	const char *unit = strcmp(state.unit, "B") == 0 ? "" : state.unit, *space = *unit ? " " : "";
	char now[16], all[16], rate[16], left[16];
	double per_second = seconds > 0 ? (double)done / seconds : 0;
	int n;

	amount(done, now);
	amount((uint64_t)per_second, rate);
	if (state.total) {
		uint64_t rest = done < state.total ? state.total - done : 0;
		amount(state.total, all);
		number_human_seconds(per_second > 0 ? (double)rest / per_second : -1, left);
		n = snprintf(text, size, "%3u%% (%s of %s%s%s, %s/s, %s left)",
		             (unsigned)(100.0 * (double)(state.total - rest) / (double)state.total), now,
		             all, space, unit, rate, left);
	} else {
		number_human_seconds(seconds, left);
		n = snprintf(text, size, "%s%s%s (%s/s, %s)", now, space, unit, rate, left);
	}
	if (state.extra[0] && n > 0 && (size_t)n < size)
		snprintf(text + n, size - (size_t)n, ", %s", state.extra);
}

static void draw_bar(uint64_t done, const char *text)
{
	char bar[BAR_WIDTH + 1], line[400];
	unsigned full = 0;

	if (state.total)
		full = done < state.total ? (unsigned)(BAR_WIDTH * ((double)done / (double)state.total))
		                          : BAR_WIDTH;
	for (unsigned i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR_WIDTH] = 0;
	snprintf(line, sizeof line, "%s [%s] %s", state.title, bar, text);
	log_bar(line);
}

static void event(uint64_t done, double seconds, const char *title)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };

	if (!json_put_key(&b, "title", &e) && !json_put_string(&b, title, strlen(title), &e) &&
	    !json_put_key(&b, "done", &e) && !json_put_u64(&b, done, &e) &&
	    !json_put_key(&b, "total", &e) && !json_put_u64(&b, state.total, &e) &&
	    !json_put_key(&b, "unit", &e) && !json_put_string(&b, state.unit, strlen(state.unit), &e) &&
	    !json_put_key(&b, "seconds", &e) &&
	    !json_put_f64(&b, (double)(int64_t)(seconds * 1000) / 1000, &e))
		log_event("progress", b.data);
	buffer_free(&b);
}

/* Shows where things stand: the bar always, a line and an event when due. Under the mutex. */
static void show(double now, bool last)
{
	uint64_t done = atomic_load(&done_so_far);
	bool terminal = log_is_terminal();
	double seconds = now - state.start;
	char text[256];

	describe(done, seconds, text, sizeof text);
	if (terminal && !last)
		draw_bar(done, text);
	if (last)
		log_bar(NULL);
	if (last || now >= state.next_line) {
		state.next_line = now + LINE_SECONDS;
		event(done, seconds, state.title);
		if (!terminal || last)
			log_message(LOG_INFO, "%s: %s", state.title, text);
	}
	now += terminal ? BAR_SECONDS : state.next_line - now;
	atomic_store(&next_look, (uint_fast64_t)(now * 1e6));
}

void progress_start(const char *title, uint64_t total, const char *unit)
{
	pthread_mutex_lock(&mutex);
	snprintf(state.title, sizeof state.title, "%s", title);
	snprintf(state.unit, sizeof state.unit, "%s", unit);
	state.extra[0] = 0;
	state.total = total;
	state.start = clock_seconds();
	state.next_line = state.start + LINE_SECONDS;
	atomic_store(&done_so_far, 0);
	atomic_store(&next_look, (uint_fast64_t)((state.start + BAR_SECONDS) * 1e6));
	atomic_store(&running, true);
	pthread_mutex_unlock(&mutex);
}

void progress_set(uint64_t done, const char *extra)
{
	double now;
	bool due;

	if (!atomic_load_explicit(&running, memory_order_relaxed))
		return;
	atomic_store_explicit(&done_so_far, done, memory_order_relaxed);
	now = clock_seconds();
	due = now * 1e6 >= (double)atomic_load_explicit(&next_look, memory_order_relaxed);
	/* Another thread that shows it shows ours too, or the next call does. */
	if ((!extra && !due) || pthread_mutex_trylock(&mutex) != 0)
		return;
	if (extra)
		snprintf(state.extra, sizeof state.extra, "%s", extra);
	if (due && atomic_load(&running))
		show(now, false);
	pthread_mutex_unlock(&mutex);
}

void progress_finish(void)
{
	pthread_mutex_lock(&mutex);
	if (atomic_exchange(&running, false))
		show(clock_seconds(), true);
	pthread_mutex_unlock(&mutex);
}
