/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"
enum { LONGEST_BAR = 256 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
	char program[64];
	int fd;     /* of the JSON lines, -1: none */
	char *path; /* its name */
	enum log_level least;
	bool json_to_stderr;
	bool complained;       /* about a failed write */
	char bar[LONGEST_BAR]; /* what stands in the terminal's last line */
} state = { .program = "cbtm", .fd = -1, .least = LOG_INFO };

int log_open(const char *program, const char *jsonl_path, enum log_level least, bool json_to_stderr,
             struct cbtm_error *e)
{
	int fd = -1;
	char *path = NULL;

	if (jsonl_path) {
		path = mem_copy(jsonl_path, strlen(jsonl_path), e);
		if (!path)
			return e->name;
		fd = open(jsonl_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
		if (fd < 0) {
			free(path);
			return error_errno(e, CBTM_ERR_CREATE, jsonl_path, "cannot open the log");
		}
	}
	log_close();
	pthread_mutex_lock(&mutex);
	snprintf(state.program, sizeof state.program, "%s", program);
	state.fd = fd;
	state.path = path;
	state.least = least;
	state.json_to_stderr = json_to_stderr;
	pthread_mutex_unlock(&mutex);
	return 0;
}

void log_close(void)
{
	pthread_mutex_lock(&mutex);
	if (state.fd >= 0)
		close(state.fd);
	state.fd = -1;
	free(state.path);
	state.path = NULL;
	state.complained = false;
	pthread_mutex_unlock(&mutex);
}

void log_time(char text[LOG_TIME_SIZE])
{
	struct timespec now;
	struct tm t;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &t);
	snprintf(text, LOG_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
	         (unsigned)(t.tm_year + 1900) % 10000, (unsigned)(t.tm_mon + 1) % 100,
	         (unsigned)t.tm_mday % 100, (unsigned)t.tm_hour % 100, (unsigned)t.tm_min % 100,
	         (unsigned)t.tm_sec % 100, (unsigned)(now.tv_nsec / 1000000) % 1000);
}

bool log_is_terminal(void)
{
	return isatty(STDERR_FILENO) == 1;
}

/* One write per line, so that lines of several processes do not mix. The log is the last place to
 * report to: what does not fit on the disk is lost, which is said once. Under the mutex. */
static void write_line(int fd, const char *text, size_t n)
{
	ssize_t done;

	do
		done = write(fd, text, n);
	while (done < 0 && errno == EINTR);
	if (done == (ssize_t)n || fd == STDERR_FILENO || state.complained)
		return;
	state.complained = true;
	dprintf(STDERR_FILENO, "%s: warning: cannot write the log: %s\n", state.program,
	        done < 0 ? strerror(errno) : "the disk is full");
}

/* `line` ends with a newline. Under the mutex. */
static void write_stderr(const char *line, size_t n)
{
	struct buffer b = { 0 };
	struct cbtm_error ignored = { 0 };

	if (!state.bar[0]) {
		write_line(STDERR_FILENO, line, n);
		return;
	}
	if (!buffer_text(&b, CLEAR_LINE, &ignored) && !buffer_add(&b, line, n, &ignored) &&
	    !buffer_text(&b, state.bar, &ignored))
		write_line(STDERR_FILENO, b.data, b.n);
	buffer_free(&b);
}

void log_event(const char *event, const char *members)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	char now[LOG_TIME_SIZE];

	pthread_mutex_lock(&mutex);
	if (state.fd < 0 && !state.json_to_stderr)
		goto done;
	log_time(now);
	if (json_put_open(&b, '{', &e) || json_put_key(&b, "time", &e) ||
	    json_put_string(&b, now, strlen(now), &e) || json_put_key(&b, "program", &e) ||
	    json_put_string(&b, state.program, strlen(state.program), &e) ||
	    json_put_key(&b, "pid", &e) || json_put_u64(&b, (uint64_t)getpid(), &e) ||
	    json_put_key(&b, "event", &e) || json_put_string(&b, event, strlen(event), &e))
		goto done;
	if (members && members[0] && buffer_printf(&b, &e, ",%s", members))
		goto done;
	if (json_put_close(&b, '}', &e) || buffer_text(&b, "\n", &e))
		goto done;
	if (state.fd >= 0)
		write_line(state.fd, b.data, b.n);
	if (state.json_to_stderr)
		write_stderr(b.data, b.n);
done:
	buffer_free(&b);
	pthread_mutex_unlock(&mutex);
}

/* The lines are our own, so what stands in them stands there literally. A torn one does not count. */
static uint64_t largest_in(FILE *f, const char *begins, const char *member)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	uint64_t largest = 0;

	while ((n = getline(&line, &room, f)) > 0) {
		const char *at = line[n - 1] == '\n' ? strstr(line, begins) : NULL;
		uint64_t v = 0;
		at = at ? strstr(at, member) : NULL;
		if (!at)
			continue;
		for (at += strlen(member); *at >= '0' && *at <= '9'; at++)
			v = v * 10 + (uint64_t)(*at - '0');
		largest = v > largest ? v : largest;
	}
	free(line);
	return largest;
}

uint64_t log_largest(const char *event, const char *begins, const char *member)
{
	struct cbtm_error e = { 0 };
	struct buffer whole = { 0 }, key = { 0 };
	uint64_t largest = 0;

	pthread_mutex_lock(&mutex);
	FILE *f = state.path ? fopen(state.path, "re") : NULL;
	if (f && !buffer_printf(&whole, &e, "\"event\":\"%s\",%s", event, begins) &&
	    !buffer_printf(&key, &e, "\"%s\":", member))
		largest = largest_in(f, whole.data, key.data);
	if (f)
		fclose(f);
	pthread_mutex_unlock(&mutex);
	buffer_free(&whole);
	buffer_free(&key);
	return largest;
}

bool log_shows(enum log_level level)
{
	bool shows;

	pthread_mutex_lock(&mutex);
	shows = level >= state.least;
	pthread_mutex_unlock(&mutex);
	return shows;
}

/* The message as an event; with --log-json that is all that stderr gets. */
static void message_event(enum log_level level, const char *text)
{
	static const char *const names[] = { "debug", "info", "warning", "error" };
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };

	if (!json_put_key(&b, "level", &e) &&
	    !json_put_string(&b, names[level], strlen(names[level]), &e) &&
	    !json_put_key(&b, "text", &e) && !json_put_string(&b, text, strlen(text), &e))
		log_event("message", b.data);
	buffer_free(&b);
}

void log_message(enum log_level level, const char *fmt, ...)
{
	static const char *const prefixes[] = { "debug: ", "", "warning: ", "error: " };
	struct cbtm_error e = { 0 };
	struct buffer line = { 0 };
	va_list args;
	char *text = NULL;
	int n;

	if (!log_shows(level))
		return;
	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	message_event(level, text);
	pthread_mutex_lock(&mutex);
	if (!state.json_to_stderr &&
	    !buffer_printf(&line, &e, "%s: %s%s\n", state.program, prefixes[level], text))
		write_stderr(line.data, line.n);
	pthread_mutex_unlock(&mutex);
	buffer_free(&line);
	free(text);
}

/* Columns that a bar may fill: a longer one would wrap, and not be cleared. */
static int terminal_width(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col < 2)
		return 79;
	return w.ws_col - 1 < LONGEST_BAR ? w.ws_col - 1 : LONGEST_BAR - 1;
}

void log_bar(const char *line)
{
	char text[LONGEST_BAR + sizeof CLEAR_LINE];
	int n;

	if (!log_is_terminal() || !log_shows(LOG_INFO))
		return;
	pthread_mutex_lock(&mutex);
	if (!state.json_to_stderr && (line || state.bar[0])) {
		snprintf(state.bar, sizeof state.bar, "%.*s", terminal_width(), line ? line : "");
		n = snprintf(text, sizeof text, CLEAR_LINE "%s", state.bar);
		write_line(STDERR_FILENO, text, (size_t)n);
	}
	pthread_mutex_unlock(&mutex);
}
