/* SPDX-License-Identifier: MIT */
#include "model/safetensors.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	HEADER_LIMIT = 100 * 1000 * 1000, /* the format's own limit */
	INDEX_LIMIT = 100 << 20,
	FILES_LIMIT = 4096,
	PIECE = 1 << 16 /* elements that are converted at a time */
};

struct safetensors {
	char **path; /* files */
	int *fd;
	uint32_t files;
	struct safetensor *tensor; /* sorted by name */
	size_t n, room;
	struct arena *arena; /* names */
};

static const struct {
	const char *name;
	unsigned bytes;
} dtypes[] = { { "F32", 4 }, { "F16", 2 }, { "BF16", 2 }, { "F64", 8 },     { "I64", 8 },
	           { "U64", 8 }, { "I32", 4 }, { "U32", 4 },  { "I16", 2 },     { "U16", 2 },
	           { "I8", 1 },  { "U8", 1 },  { "BOOL", 1 }, { "F8_E4M3", 1 }, { "F8_E5M2", 1 } };
#define DTYPES (sizeof dtypes / sizeof dtypes[0])

static unsigned dtype_bytes(const char *name)
{
	for (size_t i = 0; i < DTYPES; i++)
		if (!strcmp(dtypes[i].name, name))
			return dtypes[i].bytes;
	return 0;
}

void safetensors_close(struct safetensors *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->files; i++) {
		if (s->fd[i] >= 0)
			close(s->fd[i]);
		free(s->path[i]);
	}
	free(s->path);
	free(s->fd);
	free(s->tensor);
	arena_free(s->arena);
	free(s);
}

static int refuse(const struct safetensors *s, uint32_t file, const char *name, size_t n,
                  const char *what, struct cbtm_error *e)
{
	return error_set(e, CBTM_ERR_BAD_DATA, s->path[file], "the tensor \"%.*s\" %s",
	                 n < 100 ? (int)n : 100, name, what);
}

/* dtype, shape and the bytes' place of one member of the header; `data`: bytes behind the header. */
static int read_tensor(struct safetensors *s, uint32_t file, const char *name, size_t n,
                       struct json v, uint64_t start, uint64_t data, struct cbtm_error *e)
{
	struct json dtype, shape, offsets, x;
	struct safetensor t = { .file = file, .elements = 1 };
	const char *text = NULL;
	size_t text_n = 0, cursor = 0, bytes;
	uint64_t from = 0, to = 0;
	if (!json_member(v, "dtype", &dtype) || !json_string(dtype, &text, &text_n) ||
	    !json_member(v, "shape", &shape) || json_type(shape) != JSON_ARRAY ||
	    !json_member(v, "data_offsets", &offsets) || json_count(offsets) != 2)
		return refuse(s, file, name, n, "has no dtype, shape and data_offsets", e);
	if (memchr(name, 0, n) || !n)
		return refuse(s, file, name, n, "has a name that cannot be", e);
	t.name = arena_string(s->arena, name, n, e);
	t.dtype = arena_string(s->arena, text, text_n, e);
	if (!t.name || !t.dtype)
		return e->name;
	if (!dtype_bytes(t.dtype))
		return refuse(s, file, name, n, "has a dtype that is not known", e);
	if (json_count(shape) > SAFETENSOR_RANK)
		return refuse(s, file, name, n, "has too many dimensions", e);
	while (json_next(shape, &cursor, NULL, NULL, &x)) {
		if (!json_u64(x, &t.shape[t.rank]) || !size_mul(t.elements, t.shape[t.rank], &t.elements))
			return refuse(s, file, name, n, "has a shape that cannot be", e);
		t.rank++;
	}
	cursor = 0;
	if (!json_next(offsets, &cursor, NULL, NULL, &x) || !json_u64(x, &from) ||
	    !json_next(offsets, &cursor, NULL, NULL, &x) || !json_u64(x, &to) || from > to || to > data)
		return refuse(s, file, name, n, "has data_offsets that are not in the file", e);
	if (!size_mul(t.elements, dtype_bytes(t.dtype), &bytes) || bytes != to - from)
		return refuse(s, file, name, n, "has not as many bytes as its shape says", e);
	t.offset = start + from;
	if (array_reserve(&s->tensor, &s->room, s->n + 1, sizeof *s->tensor, e))
		return e->name;
	s->tensor[s->n++] = t;
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct safetensor *x = a, *y = b;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->elements < y->elements ? -1 : x->elements > y->elements;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct safetensor *)a)->name, ((const struct safetensor *)b)->name);
}

/* The tensors from number `first` on lie side by side from `start` to `end`. */
static int check_places(struct safetensors *s, size_t first, uint64_t start, uint64_t end,
                        struct cbtm_error *e)
{
	uint64_t at = start;
	if (s->n > first)
		qsort(s->tensor + first, s->n - first, sizeof *s->tensor, by_offset);
	for (size_t i = first; i < s->n; i++) {
		const struct safetensor *t = &s->tensor[i];
		if (t->offset != at)
			return refuse(s, t->file, t->name, strlen(t->name),
			              t->offset < at ? "overlaps another" : "has unused bytes before it", e);
		at += t->elements * dtype_bytes(t->dtype);
	}
	if (at != end)
		return error_set(e, CBTM_ERR_BAD_DATA, s->path[s->files - 1],
		                 "%llu bytes behind the last tensor belong to none",
		                 (unsigned long long)(end - at));
	return 0;
}

static int read_header(struct safetensors *s, uint32_t file, struct cbtm_error *e)
{
	const char *path = s->path[file];
	unsigned char length[8];
	uint64_t size, n = 0;
	struct buffer header = { 0 };
	struct json_parser *p = NULL;
	struct json root, v;
	const char *key;
	size_t cursor = 0, key_n, first = s->n;
	struct stat st;
	if (fstat(s->fd[file], &st))
		return error_errno(e, CBTM_ERR_IO, path, "cannot be looked at");
	if (!S_ISREG(st.st_mode))
		return error_set(e, CBTM_ERR_BAD_DATA, path, "is no file");
	size = (uint64_t)st.st_size;
	if (size < 8)
		return error_set(e, CBTM_ERR_BAD_DATA, path,
		                 "the file is shorter than its header's length");
	if (file_read_exact(s->fd[file], length, 8, 0, path, e))
		return e->name;
	for (int i = 7; i >= 0; i--)
		n = n << 8 | length[i];
	if (n > HEADER_LIMIT || n > size - 8)
		return error_set(e, CBTM_ERR_BAD_DATA, path,
		                 "its header would have %llu bytes, the file has %llu (at most 100 MB are "
		                 "allowed)",
		                 (unsigned long long)n, (unsigned long long)size);
	p = json_parser_new(e);
	if (!p || buffer_reserve(&header, n + 1, e) ||
	    file_read_exact(s->fd[file], header.data, n, 8, path, e) ||
	    json_parse(p, header.data, n, path, &root, e)) {
		if (e->name == CBTM_ERR_BAD_JSON || e->name == CBTM_ERR_BAD_UTF8)
			error_hint(e, "the file is damaged: get it again");
		goto done;
	}
	if (json_type(root) != JSON_OBJECT)
		error_set(e, CBTM_ERR_BAD_DATA, path, "its header is not an object");
	while (!e->name && json_next(root, &cursor, &key, &key_n, &v)) {
		if (key_n == 12 && !memcmp(key, "__metadata__", 12))
			continue;
		read_tensor(s, file, key, key_n, v, 8 + n, size - 8 - n, e);
	}
	if (!e->name)
		check_places(s, first, 8 + n, size, e);
done:
	buffer_free(&header);
	json_parser_free(p);
	return e->name;
}

/* Opens FOLDER/NAME as the next file. */
static int add_file(struct safetensors *s, const char *folder, const char *name,
                    struct cbtm_error *e)
{
	char **path = realloc(s->path, (s->files + 1) * sizeof *path);
	if (path)
		s->path = path;
	int *fd = realloc(s->fd, (s->files + 1) * sizeof *fd);
	if (fd)
		s->fd = fd;
	if (!path || !fd)
		return error_set(e, CBTM_ERR_MEMORY, folder, "no memory for a list of files");
	s->path[s->files] = path_join(folder, name, e);
	if (!s->path[s->files])
		return e->name;
	/* Links are followed: the hub's cache is made of them. Nothing is waited for. */
	s->fd[s->files] = open(s->path[s->files], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	s->files++;
	if (s->fd[s->files - 1] < 0)
		return error_errno(e, CBTM_ERR_IO, s->path[s->files - 1], "cannot open");
	return read_header(s, s->files - 1, e);
}

/* A name without a folder: data never lead out of theirs. */
static bool plain_name(const char *name, size_t n)
{
	return n && n < 256 && name[0] != '.' && !memchr(name, '/', n) && !memchr(name, 0, n);
}

static bool file_known(const struct safetensors *s, const char *name, size_t n, uint32_t *file)
{
	for (*file = 0; *file < s->files; ++*file) {
		const char *last = strrchr(s->path[*file], '/');
		last = last ? last + 1 : s->path[*file];
		if (strlen(last) == n && !memcmp(last, name, n))
			return true;
	}
	return false;
}

/* Opens the files that the map names, each once. */
static int open_mapped(struct safetensors *s, const char *folder, const char *path, struct json map,
                       struct cbtm_error *e)
{
	size_t cursor = 0, key_n, n;
	const char *key, *name;
	struct json v;
	uint32_t file;
	while (json_next(map, &cursor, &key, &key_n, &v)) {
		if (!json_string(v, &name, &n) || !plain_name(name, n))
			return error_set(e, CBTM_ERR_BAD_DATA, path,
			                 "the tensor \"%.*s\" is in a file of a name that cannot be",
			                 key_n < 100 ? (int)key_n : 100, key);
		if (file_known(s, name, n, &file))
			continue;
		char copy[256];
		memcpy(copy, name, n);
		copy[n] = 0;
		if (s->files == FILES_LIMIT)
			return error_set(e, CBTM_ERR_BAD_DATA, path, "more than %d files", FILES_LIMIT);
		if (add_file(s, folder, copy, e))
			return e->name;
	}
	return 0;
}

/* Every tensor of the map is in the file that it names. */
static int check_map(struct safetensors *s, const char *path, struct json map, struct cbtm_error *e)
{
	size_t cursor = 0, key_n, n;
	const char *key, *name;
	struct json v;
	uint32_t file;
	while (json_next(map, &cursor, &key, &key_n, &v)) {
		char copy[256];
		const struct safetensor *t = NULL;
		if (key_n < sizeof copy) {
			memcpy(copy, key, key_n);
			copy[key_n] = 0;
			t = safetensors_find(s, copy);
		}
		if (!t || !json_string(v, &name, &n) || !file_known(s, name, n, &file) || file != t->file)
			return error_set(e, CBTM_ERR_BAD_DATA, path,
			                 "the tensor \"%.*s\" is not in the file that it names",
			                 key_n < 100 ? (int)key_n : 100, key);
	}
	return 0;
}

static int sort_names(struct safetensors *s, struct cbtm_error *e)
{
	if (s->n)
		qsort(s->tensor, s->n, sizeof *s->tensor, by_name);
	for (size_t i = 1; i < s->n; i++)
		if (!by_name(&s->tensor[i - 1], &s->tensor[i]))
			return refuse(s, s->tensor[i].file, s->tensor[i].name, strlen(s->tensor[i].name),
			              "is there twice", e);
	return 0;
}

static int open_index(struct safetensors *s, const char *folder, const char *path,
                      struct cbtm_error *e)
{
	struct json_parser *p = json_parser_new(e);
	struct buffer text = { 0 };
	struct json root, map;
	if (!p || file_read(path, INDEX_LIMIT, &text, e) ||
	    json_parse(p, text.data ? text.data : "", text.n, path, &root, e)) {
		error_hint(e, "the file is damaged: get it again");
		goto done;
	}
	if (!json_member(root, "weight_map", &map) || json_type(map) != JSON_OBJECT)
		error_set(e, CBTM_ERR_BAD_DATA, path, "it has no object \"weight_map\"");
	else if (!open_mapped(s, folder, path, map, e) && !sort_names(s, e))
		check_map(s, path, map, e);
done:
	buffer_free(&text);
	json_parser_free(p);
	return e->name;
}

/* Says what is there instead, and the line that makes a file that is read. */
static int refuse_folder(const char *folder, struct cbtm_error *e)
{
	static const char *const pickled[] = { "pytorch_model.bin", "pytorch_model.bin.index.json" };
	const char *found = NULL;
	for (size_t i = 0; i < sizeof pickled / sizeof pickled[0] && !found; i++) {
		char *path = path_join(folder, pickled[i], e);
		if (path && file_exists(path))
			found = pickled[i];
		free(path);
	}
	if (e->name)
		return e->name;
	error_set(e, CBTM_ERR_MISSING_INPUT, folder,
	          "there is neither model.safetensors nor model.safetensors.index.json in it%s%s",
	          found ? ", but " : "", found ? found : "");
	if (!found)
		return error_hint(e, "pickled checkpoints (.bin) are not read: save them as safetensors");
	return error_hint(e,
	                  "pickled files are not read. With transformers, in that folder: python3 -c "
	                  "'from transformers import AutoModelForCausalLM as M; "
	                  "M.from_pretrained(\".\").save_pretrained(\".\", "
	                  "safe_serialization=True)'");
}

int safetensors_open(const char *folder, struct safetensors **out, struct cbtm_error *e)
{
	struct safetensors *s = mem_zeroed(1, sizeof *s, "a checkpoint", e);
	char *single = path_join(folder, "model.safetensors", e);
	char *index = path_join(folder, "model.safetensors.index.json", e);
	*out = NULL;
	if (s && single && index && (s->arena = arena_new(e))) {
		if (file_exists(single)) {
			if (!add_file(s, folder, "model.safetensors", e))
				sort_names(s, e);
		} else if (file_exists(index)) {
			open_index(s, folder, index, e);
		} else {
			refuse_folder(folder, e);
		}
	}
	free(single);
	free(index);
	if (e->name)
		safetensors_close(s);
	else
		*out = s;
	return e->name;
}

size_t safetensors_count(const struct safetensors *s)
{
	return s->n;
}

const struct safetensor *safetensors_at(const struct safetensors *s, size_t i)
{
	return &s->tensor[i];
}

const struct safetensor *safetensors_find(const struct safetensors *s, const char *name)
{
	struct safetensor key = { .name = name };
	return s->n ? bsearch(&key, s->tensor, s->n, sizeof key, by_name) : NULL;
}

const char *safetensors_path(const struct safetensors *s, const struct safetensor *t)
{
	return s->path[t->file];
}

/* IEEE 754 half precision, denormals included, to single. */
static float half_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023,
			 bits;
	float f;
	if (exponent == 31)
		bits = sign | 0x7f800000 | fraction << 13;
	else if (exponent)
		bits = sign | (exponent + 112) << 23 | fraction << 13;
	else
		return (sign ? -1.0f : 1.0f) * (float)fraction * 0x1p-24f;
	memcpy(&f, &bits, sizeof f);
	return f;
}

static float element_float(const unsigned char *p, const char *dtype)
{
	uint32_t bits = 0;
	float f;
	if (dtype[1] == '1')
		return half_to_float((uint16_t)(p[0] | p[1] << 8));
	if (dtype[0] == 'B')
		bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 24;
	else
		bits = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	memcpy(&f, &bits, sizeof f);
	return f;
}

int safetensors_check_type(const struct safetensors *s, const struct safetensor *t,
                           struct cbtm_error *e)
{
	if (!strcmp(t->dtype, "F32") || !strcmp(t->dtype, "F16") || !strcmp(t->dtype, "BF16"))
		return 0;
	return error_set(e, CBTM_ERR_BAD_DATA, s->path[t->file],
	                 "the tensor \"%s\" is of the type %s, not F32, F16 or BF16", t->name,
	                 t->dtype);
}

int safetensors_read(const struct safetensors *s, const struct safetensor *t, uint64_t first,
                     uint64_t n, float *out, struct cbtm_error *e)
{
	unsigned size = dtype_bytes(t->dtype);
	unsigned char *piece;
	if (safetensors_check_type(s, t, e))
		return e->name;
	if (first > t->elements || n > t->elements - first)
		return error_set(e, CBTM_ERR_INTERNAL, t->name, "more elements than there are");
	piece = mem_aligned(PIECE, size, "a piece of a tensor", e);
	while (piece && n && !e->name) {
		size_t m = n < PIECE ? n : PIECE;
		if (file_read_exact(s->fd[t->file], piece, m * size, t->offset + first * size,
		                    s->path[t->file], e))
			break;
		for (size_t i = 0; i < m; i++) {
			out[i] = element_float(piece + i * size, t->dtype);
			if (!isfinite(out[i])) {
				error_set(e, CBTM_ERR_BAD_DATA, s->path[t->file],
				          "element %llu of the tensor \"%s\" is not a finite number",
				          (unsigned long long)(first + i), t->name);
				break;
			}
		}
		out += m;
		first += m;
		n -= m;
	}
	free(piece);
	return e->name;
}
