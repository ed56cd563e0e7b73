/* SPDX-License-Identifier: MIT */
#include "store/part.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int part_files(const char *folder, uint32_t part, struct arena *a, struct part_files *f,
               struct cbtm_error *e)
{
	if (part >= PART_MAX)
		return error_set(e, CBTM_ERR_USAGE, folder, "part %u: parts are numbered 0 to %d", part,
		                 PART_MAX - 1);
	const struct {
		char **path;
		const char *suffix;
	} files[] = { { &f->store, ".lmdb" },
		          { &f->manifest, ".json" },
		          { &f->partial, ".lmdb.partial" },
		          { &f->blocks, ".lmdb.blocks" },
		          { &f->state, ".lmdb.partial.state" },
		          { &f->sealing, ".lmdb.sealing" },
		          { &f->lock, ".lock" } };
	if (!(f->folder = arena_string(a, folder, strlen(folder), e)) ||
	    !(f->dataset = arena_printf(a, e, "%s/DATASET.json", folder)))
		return e->name;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (!(*files[i].path = arena_printf(a, e, "%s/part-%05u%s", folder, part, files[i].suffix)))
			return e->name;
	return 0;
}

bool part_of_path(const char *path, char *folder, size_t size, uint32_t *part)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t n = slash ? (size_t)(slash - path) : 0;
	if (strncmp(name, "part-", 5) || strspn(name + 5, "0123456789") != 5 ||
	    (strcmp(name + 10, ".lmdb") && strcmp(name + 10, ".json")) || n + 2 > size)
		return false;
	if (n == 0) {
		path = slash ? "/" : ".";
		n = 1;
	}
	memcpy(folder, path, n);
	folder[n] = 0;
	*part = 0;
	for (int i = 0; i < 5; i++)
		*part = *part * 10 + (uint32_t)(name[5 + i] - '0');
	return true;
}

/* The lock file is removed by its holder, so a descriptor may point to a removed one. */
static bool is_still_there(int fd, const char *path)
{
	struct stat ours, named;
	return !fstat(fd, &ours) && !stat(path, &named) && ours.st_dev == named.st_dev &&
	       ours.st_ino == named.st_ino;
}

int part_guard(const struct part_files *f, struct cbtm_error *e)
{
	if (folder_make(f->folder, e))
		return -1;
	const char *network = file_network_type(f->folder);
	if (network) {
		error_set(e, CBTM_ERR_CREATE, f->folder,
		          "stores cannot be written on %s: neither locks nor maps can be trusted there",
		          network);
		error_hint(e, "write to a local disk and copy the sealed dataset, which may be read there");
		return -1;
	}
	for (;;) {
		int fd = file_lock(f->lock, false, e);
		if (fd < 0 || is_still_there(fd, f->lock))
			return fd;
		file_unlock(fd);
	}
}

void part_unguard(const struct part_files *f, int fd)
{
	if (fd < 0)
		return;
	unlink(f->lock);
	file_unlock(fd);
}

static int remove_file(const char *path, struct cbtm_error *e)
{
	return unlink(path) && errno != ENOENT
	           ? (int)error_errno(e, CBTM_ERR_IO, path, "cannot remove the file")
	           : 0;
}

int part_clean(const struct part_files *f, bool partial_too, struct cbtm_error *e)
{
	int rc = remove_file(f->sealing, e);
	if (!rc && partial_too)
		rc = remove_file(f->partial, e);
	if (!rc && partial_too)
		rc = remove_file(f->blocks, e);
	if (!rc && partial_too)
		rc = remove_file(f->state, e);
	return rc;
}

int part_clean_replaced(const char *folder, const char *stem, struct cbtm_error *e)
{
	size_t n = 0;
	char **names = NULL;
	int rc = folder_list(folder, &names, &n, e);
	for (size_t i = 0; !rc && i < n; i++) {
		size_t length = strlen(names[i]), own = strlen(stem);
		if (length < own + 4 || strncmp(names[i], stem, own) ||
		    strcmp(names[i] + length - 4, ".tmp"))
			continue;
		char *path = path_join(folder, names[i], e);
		rc = path ? remove_file(path, e) : (int)e->name;
		free(path);
	}
	folder_list_free(names, n);
	return rc;
}

int part_clean_temporaries(const struct part_files *f, struct cbtm_error *e)
{
	char stem[32];
	size_t n = (size_t)snprintf(stem, sizeof stem, "%s", strrchr(f->store, '/') + 1);
	stem[n - strlen("lmdb")] = 0;
	return part_clean_replaced(f->folder, stem, e);
}

int part_unpublish(const struct part_files *f, struct cbtm_error *e)
{
	int rc = remove_file(f->manifest, e);
	return rc ? rc : remove_file(f->dataset, e);
}

static void boot_id(char id[64])
{
	struct buffer b = { 0 };
	struct cbtm_error e = { 0 };
	memcpy(id, "unknown\n", 9);
	if (!file_read("/proc/sys/kernel/random/boot_id", 63, &b, &e) && b.n > 0 && b.n < 64) {
		memcpy(id, b.data, b.n);
		id[b.n] = 0;
	}
	buffer_free(&b);
}

int part_state_write(const struct part_files *f, struct cbtm_error *e)
{
	char id[64];
	boot_id(id);
	/* Not synced: after a crash of the system any content but this one discards the partial. */
	int fd = open(f->state, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_errno(e, CBTM_ERR_CREATE, f->state, "cannot create the file");
	int rc = file_write_all(fd, id, strlen(id), f->state, e);
	if (close(fd) && !rc)
		rc = error_errno(e, CBTM_ERR_IO, f->state, "cannot close the file");
	return rc;
}

int part_state_clean(const struct part_files *f, struct cbtm_error *e)
{
	return file_replace(f->state, "clean\n", 6, e);
}

bool part_state_is_good(const struct part_files *f)
{
	char id[64];
	struct buffer b = { 0 };
	struct cbtm_error e = { 0 };
	boot_id(id);
	bool good =
		!file_read(f->state, 63, &b, &e) && ((b.n == strlen(id) && !memcmp(b.data, id, b.n)) ||
	                                         (b.n == 6 && !memcmp(b.data, "clean\n", 6)));
	buffer_free(&b);
	return good;
}
