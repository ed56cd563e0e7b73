/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/safetensors.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t elements_of(const struct safetensor_source *t)
{
	return t->shape[0] * (t->rank > 1 ? t->shape[1] : 1);
}

static int put_tensor(struct buffer *b, const struct safetensor_source *t, uint64_t *at,
                      struct cbtm_error *e)
{
	uint64_t end = *at + 4 * elements_of(t);
	if (json_put_key(b, t->name, e) || json_put_open(b, '{', e) || json_put_key(b, "dtype", e) ||
	    json_put_string(b, "F32", 3, e) || json_put_key(b, "shape", e) || json_put_open(b, '[', e))
		return e->name;
	for (uint32_t i = 0; i < t->rank; i++)
		if (json_put_u64(b, t->shape[i], e))
			return e->name;
	if (json_put_close(b, ']', e) || json_put_key(b, "data_offsets", e) ||
	    json_put_open(b, '[', e) || json_put_u64(b, *at, e) || json_put_u64(b, end, e) ||
	    json_put_close(b, ']', e))
		return e->name;
	*at = end;
	return json_put_close(b, '}', e);
}

/* The length and the header, padded with spaces so that the tensors begin on 8 bytes. */
static int put_header(struct buffer *file, const struct safetensor_source *t, size_t n,
                      struct cbtm_error *e)
{
	struct buffer b = { 0 };
	uint64_t at = 0;
	if (json_put_open(&b, '{', e) || json_put_key(&b, "__metadata__", e) ||
	    json_put_open(&b, '{', e) || json_put_key(&b, "format", e) ||
	    json_put_string(&b, "pt", 2, e) || json_put_close(&b, '}', e))
		goto done;
	for (size_t i = 0; i < n; i++)
		if (put_tensor(&b, &t[i], &at, e))
			goto done;
	if (json_put_close(&b, '}', e))
		goto done;
	while (b.n % 8)
		if (buffer_add(&b, " ", 1, e))
			goto done;
	if (!buffer_u64(file, b.n, e))
		buffer_add(file, b.data, b.n, e);
done:
	buffer_free(&b);
	return e->name;
}

/* One tensor's numbers, little endian. */
static int write_tensor(int fd, const char *path, const struct safetensor_source *t,
                        struct cbtm_error *e)
{
	uint64_t n = elements_of(t);
	float *v = mem_aligned(n, sizeof *v, t->name, e);
	if (v && !t->give(t->arg, t, v, e)) {
		for (uint64_t i = 0; __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ && i < n; i++) {
			uint32_t bits;
			memcpy(&bits, &v[i], 4);
			bits = __builtin_bswap32(bits);
			memcpy(&v[i], &bits, 4);
		}
		file_write_all(fd, v, n * sizeof *v, path, e);
	}
	free(v);
	return e->name;
}

int safetensors_write(const char *path, const struct safetensor_source *t, size_t n,
                      struct cbtm_error *e)
{
	struct buffer header = { 0 };
	char *temporary = path_printf(e, "%s.partial", path);
	int fd = -1;
	if (!temporary || put_header(&header, t, n, e))
		goto done;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0) {
		error_errno(e, CBTM_ERR_CREATE, temporary, "cannot create");
		goto done;
	}
	if (file_write_all(fd, header.data, header.n, temporary, e))
		goto done;
	for (size_t i = 0; i < n; i++)
		if (write_tensor(fd, temporary, &t[i], e))
			goto done;
	if (close(fd))
		error_errno(e, CBTM_ERR_IO, temporary, "cannot close");
	fd = -1;
	if (!e->name)
		file_publish(temporary, path, e);
done:
	if (fd >= 0)
		close(fd);
	if (e->name && temporary)
		unlink(temporary);
	free(temporary);
	buffer_free(&header);
	return e->name;
}
