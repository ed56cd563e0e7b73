/* SPDX-License-Identifier: MIT */
#include "pipeline/process.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "pipeline/job.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST_TAIL = 16384 };

/* Between fork and exec: only what is safe there. */
static void become(char *const *argv, char *const *environment, int log, pid_t parent)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;
	int null;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(75);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
	    dup2(log, STDERR_FILENO) < 0)
		_exit(71);
	execve(argv[0], argv, environment);
	dprintf(STDERR_FILENO, "%s: cannot be started: %s\n", argv[0], strerror(errno));
	_exit(78);
}

static int write_header(int log, const char *path, const char *variable, char *const *argv,
                        struct cbtm_error *e)
{
	char now[LOG_TIME_SIZE];
	struct buffer b = { 0 };

	log_time(now);
	if (!buffer_printf(&b, e, "--- %s %s%s", now, variable ? variable : "", variable ? " " : "") &&
	    !job_print(argv, &b, e) && !buffer_text(&b, "\n", e))
		file_write_all(log, b.data, b.n, path, e);
	buffer_free(&b);
	return e->name;
}

/* The caller's environment with one variable set otherwise. Free the array alone. */
static char **environment_with(const char *variable, struct cbtm_error *e)
{
	size_t name = variable ? strcspn(variable, "=") + 1 : 0, n = 0, kept = 0;
	char **list;

	while (environ[n])
		n++;
	list = mem_zeroed(n + 2, sizeof *list, "an environment", e);
	for (size_t i = 0; list && i < n; i++)
		if (!name || strncmp(environ[i], variable, name) != 0)
			list[kept++] = environ[i];
	if (list && variable)
		list[kept] = (char *)variable;
	return list;
}

int process_start(char *const *argv, const char *variable, const char *log, struct process *p,
                  struct cbtm_error *e)
{
	char **environment = environment_with(variable, e);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	pid_t parent = getpid();

	if (fd < 0)
		error_errno(e, CBTM_ERR_CREATE, log, "cannot open the log");
	if (fd < 0 || !environment || write_header(fd, log, variable, argv, e))
		goto done;
	p->log = log;
	p->from = lseek(fd, 0, SEEK_END);
	p->start = clock_seconds();
	p->pid = fork();
	if (p->pid < 0)
		error_errno(e, CBTM_ERR_MEMORY, argv[0], "cannot start a process");
	if (p->pid == 0)
		become(argv, environment, fd, parent);
	if (p->pid > 0)
		setpgid(p->pid, p->pid); /* here too, so that it holds whoever comes first */
done:
	free(environment);
	if (fd >= 0)
		close(fd);
	return e->name;
}

int process_tail(const struct process *p, size_t lines, const char *prefix, struct buffer *out,
                 struct cbtm_error *e)
{
	char text[LONGEST_TAIL];
	struct stat st;
	ssize_t n = -1;
	off_t from = p->from;
	int fd = open(p->log, O_RDONLY | O_CLOEXEC);
	const char *line;

	if (fd >= 0 && fstat(fd, &st) == 0) {
		if (st.st_size - from > LONGEST_TAIL)
			from = st.st_size - LONGEST_TAIL;
		n = pread(fd, text, sizeof text, from);
	}
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	if (text[n - 1] == '\n')
		n--;
	line = text + n;
	while (lines && line > text)
		if (*--line == '\n' && !--lines)
			line++;
	if (lines)
		line = text;
	while (line < text + n) {
		const char *end = memchr(line, '\n', (size_t)(text + n - line));
		size_t length = (size_t)((end ? end : text + n) - line);
		if (buffer_text(out, prefix, e) || buffer_add(out, line, length, e) ||
		    buffer_text(out, "\n", e))
			return e->name;
		line += length + 1;
	}
	return 0;
}

void process_ending(int status, char *text, size_t n)
{
	if (WIFSIGNALED(status))
		snprintf(text, n, "was killed by signal %d (%s)", WTERMSIG(status),
		         strsignal(WTERMSIG(status)));
	else
		snprintf(text, n, "ended with status %d", WEXITSTATUS(status));
}
