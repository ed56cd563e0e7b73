/* SPDX-License-Identifier: MIT */
#include "text/quarantine.h"
#include "base/buffer.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "store/cell.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLUSH_BYTES = 1 << 20 };

struct quarantine {
	const char *path;
	char *partial; /* while it grows */
	int fd;
	struct buffer one, lines; /* not written yet */
	size_t added;
};

int quarantine_open(const char *path, struct quarantine **out, struct cbtm_error *e)
{
	struct quarantine *q = mem_zeroed(1, sizeof *q, "a quarantine", e);
	struct buffer partial = { 0 };

	*out = NULL;
	if (!q)
		return e->name;
	q->path = path;
	q->fd = -1;
	if (!buffer_printf(&partial, e, "%s.partial", path)) {
		q->partial = partial.data;
		q->fd = open(q->partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (q->fd >= 0) {
			*out = q;
			return 0;
		}
		error_errno(e, CBTM_ERR_CREATE, q->partial, "cannot create the file");
	}
	quarantine_close(q);
	return e->name;
}

static int flush(struct quarantine *q, struct cbtm_error *e)
{
	if (fault_point("quarantine.write", e) ||
	    file_write_all(q->fd, q->lines.data, q->lines.n, q->partial, e))
		return e->name;
	buffer_clear(&q->lines);
	return 0;
}

int quarantine_add(struct quarantine *q, const struct cbtm_error *why, const char *line, size_t n,
                   struct cbtm_error *e)
{
	static const struct store_column_info bytes = { .type = STORE_U8, .shape = STORE_VARIABLE };
	struct buffer *b = &q->one;

	buffer_clear(b);
	if (json_put_open(b, '{', e) || json_put_key(b, "where", e) ||
	    json_put_string(b, why->where, strlen(why->where), e) || json_put_key(b, "error", e) ||
	    json_put_string(b, why->what, strlen(why->what), e) || json_put_key(b, "line", e) ||
	    cell_print(&bytes, line, n, b, e) || json_put_close(b, '}', e) || buffer_text(b, "\n", e) ||
	    buffer_add(&q->lines, b->data, b->n, e))
		return e->name;
	q->added++;
	return q->lines.n < FLUSH_BYTES ? 0 : flush(q, e);
}

int quarantine_publish(struct quarantine *q, struct cbtm_error *e)
{
	if (!q->added) {
		if (unlink(q->path) && errno != ENOENT)
			error_errno(e, CBTM_ERR_IO, q->path, "cannot remove the older file");
		return e->name;
	}
	if (q->lines.n && flush(q, e))
		return e->name;
	if (close(q->fd))
		error_errno(e, CBTM_ERR_IO, q->partial, "cannot close the file");
	q->fd = -1;
	return e->name ? (int)e->name : file_publish(q->partial, q->path, e);
}

void quarantine_close(struct quarantine *q)
{
	if (!q)
		return;
	if (q->fd >= 0) {
		close(q->fd);
		unlink(q->partial);
	}
	free(q->partial);
	buffer_free(&q->one);
	buffer_free(&q->lines);
	free(q);
}
