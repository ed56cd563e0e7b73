/* SPDX-License-Identifier: MIT */
#include "text/spool.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

/* The file itself, opened anew so that nobody else moves its offset. */
static int open_again(void)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) || !S_ISREG(st.st_mode) || lseek(STDIN_FILENO, 0, SEEK_CUR) != 0)
		return -1;
	return open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC);
}

static int open_nameless(const char *folder, struct cbtm_error *e)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *path;

	if (fd >= 0)
		return fd;
	/* A file system that has no nameless files. */
	path = path_join(folder, "cbtm-input-XXXXXX", e);
	if (!path)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		error_errno(e, CBTM_ERR_CREATE, folder, "cannot make a temporary file of standard input");
	else
		unlink(path);
	free(path);
	if (fd < 0)
		error_hint(e, "set TMPDIR to a folder that can be written");
	return fd;
}

static int copy(int to, const char *folder, struct cbtm_error *e)
{
	char *piece = mem_zeroed(1, PIECE, "standard input", e);
	ssize_t n = 1;

	while (piece && n && !e->name) {
		n = read(STDIN_FILENO, piece, PIECE);
		if (n < 0 && errno != EINTR)
			error_errno(e, CBTM_ERR_IO, "standard input", "cannot read");
		if (n > 0 && !fault_point("spool.write", e))
			file_write_all(to, piece, (size_t)n, folder, e);
		if (e->name == CBTM_ERR_DISK_FULL)
			error_hint(e,
			           "standard input is copied there first: set TMPDIR to a folder with room, or "
			           "give a file");
		signals_check(e);
	}
	free(piece);
	return e->name;
}

int spool_standard_input(struct cbtm_error *e)
{
	const char *folder = getenv("TMPDIR");
	int fd = open_again();

	if (fd >= 0)
		return fd;
	if (!folder || !*folder)
		folder = "/tmp";
	fd = open_nameless(folder, e);
	if (fd >= 0 && copy(fd, folder, e)) {
		close(fd);
		fd = -1;
	}
	return fd;
}
