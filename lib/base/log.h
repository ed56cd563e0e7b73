/* SPDX-License-Identifier: MIT */
/*
 * Log: lines for people on stderr, events as JSON lines in a file (appended, never overwritten).
 * Only here do times, hosts and rates appear: stores hold none. Thread-safe.
 */
#pragma once
#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* jsonl_path may be NULL. `json_to_stderr` (--log-json): events as JSON lines on stderr too. */
int log_open(const char *program, const char *jsonl_path, enum log_level least, bool json_to_stderr,
             struct cbtm_error *e);
void log_close(void);
void log_message(enum log_level level, const char *fmt, ...) CBTM_PRINTF(2, 3);
/* An event: `members` is the inside of a JSON object ("\"step\":10,\"loss\":3.1") or NULL. Time
 * (UTC, RFC 3339), program and pid are added. Only in the file (and --log-json). */
void log_event(const char *event, const char *members);

/*
 * The largest number `member` of the events of this name in the open file whose members begin with
 * `begins`; 0 if there is none or no file. For who goes on after a kill and must say nothing twice.
 */
uint64_t log_largest(const char *event, const char *begins, const char *member);

/* Whether a message of this level would be shown. */
bool log_shows(enum log_level level);
/* Draws `line` as the terminal's last line, kept below all messages; NULL removes it. For
 * progress.c; nothing happens where stderr is no terminal. */
void log_bar(const char *line);
bool log_is_terminal(void);

/* Now, UTC, RFC 3339: "2026-01-31T23:59:59.123Z". */
#define LOG_TIME_SIZE 32
void log_time(char text[LOG_TIME_SIZE]);
