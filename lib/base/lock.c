/* SPDX-License-Identifier: MIT */
/* file_lock, file_unlock and file_network_type of base/file.h. */
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { POLL_NANOSECONDS = 100000000 }; /* between two looks at a taken lock */

/* Says who holds the lock: for the BUSY message of others only, the lock itself is the flock. */
static int sign(int fd, const char *path, struct cbtm_error *e)
{
	char text[400], host[256] = "", now[LOG_TIME_SIZE];
	int n;

	if (gethostname(host, sizeof host - 1) != 0)
		memcpy(host, "unknown", sizeof "unknown");
	log_time(now);
	n = snprintf(text, sizeof text, "pid %ld on %s since %s\n", (long)getpid(), host, now);
	if (ftruncate(fd, 0) != 0)
		return error_errno(e, CBTM_ERR_IO, path, "cannot write the lock");
	return file_write_all(fd, text, (size_t)n, path, e);
}

static int busy(int fd, const char *path, struct cbtm_error *e)
{
	char text[400];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	return error_set(e, CBTM_ERR_BUSY, path, "is in use by %s", text[0] ? text : "another process");
}

static int take(int fd, bool wait, const char *path, struct cbtm_error *e)
{
	const struct timespec pause = { 0, POLL_NANOSECONDS };
	int r = 0;

	while (!r && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return error_errno(e, CBTM_ERR_IO, path, "cannot lock");
		if (!wait)
			return busy(fd, path, e);
		nanosleep(&pause, NULL);
		r = signals_check(e);
	}
	return r;
}

int file_lock(const char *path, bool wait, struct cbtm_error *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0) {
		error_errno(e, CBTM_ERR_CREATE, path, "cannot open the lock");
		return -1;
	}
	if (take(fd, wait, path, e) || sign(fd, path, e)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The file stays: removing it would let two processes hold locks on two files of one name. */
void file_unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}

const char *file_network_type(const char *path)
{
	/* Numbers from linux/magic.h and the file systems' own sources. */
	static const struct {
		uint32_t magic;
		const char *name;
	} types[] = {
		{ 0x6969, "nfs" },      { 0x517B, "smb" },        { 0xFF534D42, "cifs" },
		{ 0xFE534D42, "smb2" }, { 0x0BD00BD0, "lustre" }, { 0x47504653, "gpfs" },
		{ 0x65735546, "fuse" }, { 0x00C36400, "ceph" },   { 0x5346414F, "afs" },
		{ 0x01021997, "9p" },   { 0x19830326, "beegfs" }, { 0xAAD7AAEA, "panfs" },
		{ 0x73757245, "coda" },
	};
	struct statfs st;

	if (statfs(path, &st) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].magic == (uint32_t)st.f_type)
			return types[i].name;
	return NULL;
}
