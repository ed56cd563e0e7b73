/* SPDX-License-Identifier: MIT */
/* The folder_* functions of base/file.h. */
#include "base/file.h"
#include "base/memory.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST = 100 }; /* folders inside folders that folder_remove follows */

static int make_one(const char *path, struct cbtm_error *e)
{
	struct stat st;

	if (mkdir(path, 0777) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		errno = ENOTDIR;
	}
	return error_errno(e, CBTM_ERR_CREATE, path, "cannot create the folder");
}

int folder_make(const char *path, struct cbtm_error *e)
{
	char *copy = mem_copy(path, strlen(path), e), *slash;
	int r = copy ? 0 : CBTM_ERR_MEMORY;

	if (!r && !copy[0])
		r = error_set(e, CBTM_ERR_CREATE, NULL, "cannot create a folder without a name");
	for (slash = copy; !r && (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
		*slash = 0;
		r = make_one(copy, e);
	}
	if (!r)
		r = make_one(copy, e);
	free(copy);
	return r;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b); /* bytewise, whatever the locale */
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Names of an open folder, unsorted. */
static int read_names(DIR *d, const char *path, char ***names, size_t *n, struct cbtm_error *e)
{
	size_t capacity = 0;
	struct dirent *entry;
	int r = array_reserve(names, &capacity, 1, sizeof **names, e);

	while (!r) {
		errno = 0;
		entry = readdir(d);
		if (!entry && errno)
			r = error_errno(e, CBTM_ERR_IO, path, "cannot read the folder");
		if (!entry)
			break;
		if (is_dots(entry->d_name))
			continue;
		r = array_reserve(names, &capacity, *n + 1, sizeof **names, e);
		if (r)
			break;
		(*names)[*n] = mem_copy(entry->d_name, strlen(entry->d_name), e);
		if (!(*names)[*n])
			return CBTM_ERR_MEMORY;
		++*n;
	}
	return r;
}

int folder_list(const char *path, char ***names, size_t *n, struct cbtm_error *e)
{
	char **list = NULL;
	size_t count = 0;
	DIR *d = opendir(path);
	int r;

	if (!d)
		return error_errno(e, CBTM_ERR_IO, path, "cannot open the folder");
	r = read_names(d, path, &list, &count, e);
	closedir(d);
	if (r) {
		folder_list_free(list, count);
		return r;
	}
	qsort(list, count, sizeof *list, compare);
	*names = list;
	*n = count;
	return 0;
}

void folder_list_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static int remove_at(int at, const char *name, const char *path, int depth, struct cbtm_error *e);

static int remove_inside(int fd, const char *path, int depth, struct cbtm_error *e)
{
	DIR *d = fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!d) {
		r = error_errno(e, CBTM_ERR_IO, path, "cannot open a folder in it");
		close(fd);
		return r;
	}
	while (!r) {
		errno = 0;
		entry = readdir(d);
		if (!entry && errno)
			r = error_errno(e, CBTM_ERR_IO, path, "cannot read a folder in it");
		if (!entry)
			break;
		if (!is_dots(entry->d_name))
			r = remove_at(dirfd(d), entry->d_name, path, depth + 1, e);
	}
	closedir(d);
	return r;
}

/* By file descriptors, so that nobody can swap a folder for a link on the way. */
static int remove_at(int at, const char *name, const char *path, int depth, struct cbtm_error *e)
{
	int r, fd;

	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_errno(e, CBTM_ERR_IO, path, "cannot remove \"%s\"", name);
	if (depth > DEEPEST)
		return error_set(e, CBTM_ERR_IO, path, "has folders more than %d deep", DEEPEST);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(e, CBTM_ERR_IO, path, "cannot remove \"%s\"", name);
	r = remove_inside(fd, path, depth, e);
	if (!r && unlinkat(at, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		r = error_errno(e, CBTM_ERR_IO, path, "cannot remove \"%s\"", name);
	return r;
}

int folder_remove(const char *path, struct cbtm_error *e)
{
	return remove_at(AT_FDCWD, path, path, 0, e);
}
