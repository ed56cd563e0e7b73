/* SPDX-License-Identifier: MIT */
#include "text/source.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "text/lines.h"
#include "text/spool.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_PARTS = 100000, MAX_DEPTH = 32, LOOK = 1 << 16, MEASURED = 1 << 20, UNPACKED = 4 };

struct finding {
	struct source *source;
	size_t cap;
};

static struct source_stamp stamp_of(const struct stat *st)
{
	return (struct source_stamp){ st->st_dev, st->st_ino, (uint64_t)st->st_mtim.tv_sec,
		                          (uint64_t)st->st_mtim.tv_nsec };
}

static int add_file(struct finding *f, const char *path, const struct stat *st,
                    struct cbtm_error *e)
{
	struct source *s = f->source;
	struct source_file *file;

	if (s->files == UINT32_MAX)
		return error_set(e, CBTM_ERR_CONFIG, path, "more than 4 billion input files");
	if (array_reserve(&s->file, &f->cap, (size_t)s->files + 1, sizeof *s->file, e))
		return e->name;
	file = &s->file[s->files];
	*file = (struct source_file){ .path = mem_copy(path, strlen(path), e),
		                          .size = (uint64_t)st->st_size,
		                          .stamp = stamp_of(st) };
	if (!file->path)
		return e->name;
	file->name = file->path;
	s->files++;
	return stream_coding(path, &file->coding, e);
}

/* A folder, and the one through which it was found. */
struct folder {
	const struct folder *above;
	dev_t device;
	ino_t inode;
	int depth;
};

static bool is_among(const struct folder *f, const struct stat *st)
{
	while (f && (f->device != st->st_dev || f->inode != st->st_ino))
		f = f->above;
	return f;
}

/* A file, or the files of a folder and of the folders in it. */
static int add_path(struct finding *f, const char *path, const struct folder *above,
                    struct cbtm_error *e)
{
	struct stat st;
	struct folder folder = { .above = above, .depth = above ? above->depth + 1 : 0 };
	char **names = NULL;
	size_t n = 0;

	if (stat(path, &st)) {
		const char *name = strrchr(path, '/');
		error_errno(e, CBTM_ERR_MISSING_INPUT, path, "cannot find the input");
		if (name && !strcmp(name, "/-"))
			error_hint(e, "only cbtm-tokenize by hand reads standard input: give a file");
		return e->name;
	}
	if (S_ISREG(st.st_mode))
		return add_file(f, path, &st, e);
	if (!S_ISDIR(st.st_mode))
		return error_set(e, CBTM_ERR_MISSING_INPUT, path, "neither a file nor a folder");
	folder.device = st.st_dev;
	folder.inode = st.st_ino;
	if (is_among(above, &st)) {
		error_set(e, CBTM_ERR_BAD_DATA, path, "a link that leads back to a folder above it");
		return error_hint(e, "remove the link, or name the folders or a glob without it");
	}
	if (folder.depth == MAX_DEPTH)
		return error_set(e, CBTM_ERR_CONFIG, path, "folders lie more than %d deep", MAX_DEPTH);
	if (folder_list(path, &names, &n, e))
		return e->name;
	for (size_t i = 0; i < n && !e->name; i++) {
		char *below = names[i][0] == '.' ? NULL : path_join(path, names[i], e);
		if (below)
			add_path(f, below, &folder, e);
		free(below);
	}
	folder_list_free(names, n);
	return e->name;
}

static int add_pattern(struct finding *f, const char *pattern, struct cbtm_error *e)
{
	struct stat st;
	glob_t found = { 0 };
	int status;

	if (!strpbrk(pattern, "*?[") || !stat(pattern, &st))
		return add_path(f, pattern, NULL, e);
	status = glob(pattern, 0, NULL, &found);
	if (status == GLOB_NOMATCH)
		error_set(e, CBTM_ERR_MISSING_INPUT, pattern, "no file has a name like this");
	else if (status)
		error_set(e, CBTM_ERR_IO, pattern, "cannot read the folders of this pattern");
	for (size_t i = 0; !status && i < found.gl_pathc && !e->name; i++)
		add_path(f, found.gl_pathv[i], NULL, e);
	globfree(&found);
	return e->name;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct source_file *)a)->path, ((const struct source_file *)b)->path);
}

static void sort_files(struct source *s)
{
	uint32_t kept = 0;

	if (s->files)
		qsort(s->file, s->files, sizeof *s->file, by_path);
	for (uint32_t i = 0; i < s->files; i++) {
		if (kept && !strcmp(s->file[kept - 1].path, s->file[i].path))
			free(s->file[i].path);
		else
			s->file[kept++] = s->file[i];
	}
	s->files = kept;
}

static int add_part(struct source *s, size_t *cap, struct source_part part, struct cbtm_error *e)
{
	if (s->parts == MAX_PARTS) {
		error_set(e, CBTM_ERR_CONFIG, "tokenize.part_bytes", "the corpus has over %d parts",
		          MAX_PARTS);
		return error_hint(e, "choose a larger part_bytes");
	}
	if (array_reserve(&s->part, cap, (size_t)s->parts + 1, sizeof *s->part, e))
		return e->name;
	s->part[s->parts++] = part;
	return 0;
}

static int cut_parts(struct source *s, uint64_t part_bytes, int whole_files, struct cbtm_error *e)
{
	struct source_part run = { .to = UINT64_MAX };
	uint64_t together = 0;
	size_t cap = 0;

	for (uint32_t i = 0; i <= s->files; i++) {
		const struct source_file *f = &s->file[i];
		bool end = i == s->files;
		bool cut = !end && f->coding == STREAM_PLAIN && f->size > part_bytes && !whole_files;

		if (run.files && (end || cut || f->size > part_bytes - together)) {
			if (add_part(s, &cap, run, e))
				return e->name;
			run.files = 0;
			together = 0;
		}
		if (end)
			break;
		if (cut) {
			for (uint64_t at = 0; at < f->size; at += part_bytes) {
				uint64_t to = f->size - at > part_bytes ? at + part_bytes : f->size;
				if (add_part(s, &cap, (struct source_part){ i, 1, at, to }, e))
					return e->name;
			}
			continue;
		}
		if (!run.files++)
			run.first = i;
		together += f->size < part_bytes - together ? f->size : part_bytes - together;
	}
	return 0;
}

static int add_standard_input(struct finding *f, size_t inputs, struct cbtm_error *e)
{
	struct source *s = f->source;
	char path[64];
	struct stat st;

	if (inputs > 1) {
		error_set(e, CBTM_ERR_CONFIG, "tokenize.input", "standard input goes with no other input");
		return error_hint(e, "give files only, or cat all of them");
	}
	s->spool = spool_standard_input(e);
	if (s->spool < 0)
		return e->name;
	snprintf(path, sizeof path, "/proc/self/fd/%d", s->spool);
	if (fstat(s->spool, &st))
		return error_errno(e, CBTM_ERR_IO, "standard input", "cannot look at it");
	if (!add_file(f, path, &st, e))
		s->file[0].name = "standard input";
	return e->name;
}

int source_check(const struct source_file *f, struct cbtm_error *e)
{
	struct stat st;
	struct source_stamp now;

	if (stat(f->path, &st))
		return error_errno(e, CBTM_ERR_IO, f->name, "cannot find the input any more");
	now = stamp_of(&st);
	if (!memcmp(&now, &f->stamp, sizeof now) && (uint64_t)st.st_size == f->size)
		return 0;
	error_set(e, CBTM_ERR_BAD_DATA, f->name, "the file was changed while it was read");
	return error_hint(e, "run again when nothing writes to the corpus any more");
}

int source_plan(const char *const *paths, size_t n, uint64_t part_bytes, int whole_files,
                struct source **source, struct cbtm_error *e)
{
	struct finding f = { mem_zeroed(1, sizeof *f.source, "a corpus", e), 0 };
	uint64_t bytes = 0;

	*source = NULL;
	if (!f.source)
		return e->name;
	f.source->spool = -1;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(paths[i], "-") ? add_standard_input(&f, n, e) : add_pattern(&f, paths[i], e))
			goto failed;
	sort_files(f.source);
	for (uint32_t i = 0; i < f.source->files; i++)
		bytes += f.source->file[i].size;
	if (!bytes) {
		error_set(e, CBTM_ERR_EMPTY_CORPUS, n ? paths[0] : "tokenize.input",
		          f.source->files ? "all input files are empty" : "there is no input file");
		goto failed;
	}
	if (cut_parts(f.source, part_bytes, whole_files, e))
		goto failed;
	*source = f.source;
	return 0;
failed:
	source_free(f.source);
	return e->name;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->files; i++)
		free(s->file[i].path);
	lines_close(s->ahead);
	if (s->spool >= 0)
		close(s->spool);
	free(s->file);
	free(s->part);
	free(s);
}

int source_line_start(const struct source_file *f, uint64_t from, uint64_t *start,
                      struct cbtm_error *e)
{
	struct stream *s = NULL;
	char *bytes = NULL;
	uint64_t at = from ? from - 1 : 0;
	size_t n = 1;

	*start = from;
	if (!from)
		return 0;
	bytes = malloc(LOOK);
	if (!bytes)
		return error_set(e, CBTM_ERR_MEMORY, f->path, "no memory to look for a line");
	*start = f->size;
	if (stream_open(f->path, f->name, STREAM_PLAIN, at, &s, e))
		goto done;
	while (n && !stream_read(s, bytes, LOOK, &n, e)) {
		const char *newline = memchr(bytes, '\n', n);
		if (newline) {
			*start = at + (uint64_t)(newline - bytes) + 1;
			break;
		}
		at += n;
	}
done:
	stream_close(s);
	free(bytes);
	return e->name;
}

int source_digest(const struct source *s, uint32_t part, struct digest *d, struct cbtm_error *e)
{
	const struct source_part *p = &s->part[part];
	struct digest_stream *all = digest_begin(e);

	if (!all)
		return e->name;
	for (uint32_t i = p->first; i < p->first + p->files; i++) {
		const struct source_file *f = &s->file[i];
		uint64_t from = 0, to = UINT64_MAX;
		struct digest one;

		if (p->to != UINT64_MAX &&
		    (source_line_start(f, p->from, &from, e) || source_line_start(f, p->to, &to, e)))
			break;
		if (digest_file(f->path, from, to == UINT64_MAX ? to : to - from, &one, e))
			break;
		digest_u64(all, one.high);
		digest_u64(all, one.low);
	}
	*d = digest_now(all);
	digest_end(all);
	return e->name;
}

/* Bytes and lines at the file's beginning. */
static int look_inside(const struct source_file *f, uint64_t *bytes, uint64_t *lines,
                       struct cbtm_error *e)
{
	char buf[1 << 14];
	struct stream *s = NULL;
	size_t n = 1;

	*bytes = *lines = 0;
	if (!stream_open(f->path, f->name, f->coding, 0, &s, e))
		while (n && *bytes < MEASURED && !stream_read(s, buf, sizeof buf, &n, e)) {
			*bytes += n;
			for (size_t i = 0; i < n; i++)
				*lines += buf[i] == '\n';
		}
	stream_close(s);
	return e->name;
}

int source_measure(const struct source *s, int whole_files, uint64_t *bytes, uint64_t *documents,
                   bool *exact, struct cbtm_error *e)
{
	uint64_t seen, lines;

	*bytes = *documents = 0;
	*exact = true;
	for (uint32_t i = 0; i < s->files; i++) {
		uint64_t times = s->file[i].coding == STREAM_PLAIN ? 1 : UNPACKED, n;
		*exact &= times == 1;
		if (__builtin_mul_overflow(s->file[i].size, times, &n) ||
		    __builtin_add_overflow(*bytes, n, bytes))
			*bytes = UINT64_MAX;
	}
	*documents = s->files;
	if (whole_files || !s->files || look_inside(&s->file[0], &seen, &lines, e) || !seen)
		return e->name;
	*documents = (uint64_t)((double)*bytes / (double)seen * (double)(lines ? lines : 1));
	return 0;
}
