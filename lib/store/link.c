/* SPDX-License-Identifier: MIT */
/* A sealed part in a second dataset's folder, without a second copy of its bytes. */
#include "base/file.h"
#include "store/dataset.h"
#include "store/manifest.h"
#include "store/part.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int copy_file(const char *from, const char *to, struct cbtm_error *e)
{
	enum { PIECE = 1 << 20 };
	uint64_t size = 0;
	int in = -1, out = -1, rc = e->name;
	char *piece = mem_zeroed(PIECE, 1, "a copy", e);
	if (!piece || (rc = file_size(from, &size, e)))
		goto done;
	if ((in = open(from, O_RDONLY | O_CLOEXEC)) < 0)
		rc = error_errno(e, CBTM_ERR_IO, from, "cannot open the file");
	else if ((out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) < 0)
		rc = error_errno(e, CBTM_ERR_CREATE, to, "cannot create the file");
	for (uint64_t at = 0; !rc && at < size; at += PIECE) {
		size_t n = size - at < PIECE ? size - at : PIECE;
		rc = file_read_exact(in, piece, n, at, from, e);
		if (!rc)
			rc = file_write_all(out, piece, n, to, e);
	}
done:
	if (in >= 0)
		close(in);
	if (out >= 0 && close(out) && !rc)
		rc = error_errno(e, CBTM_ERR_IO, to, "cannot close the file");
	free(piece);
	return rc;
}

/* A second name for a file, or a copy where file systems differ; not yet durable. */
static int link_or_copy(const char *from, const char *to, struct cbtm_error *e)
{
	char *temporary = path_printf(e, "%s.link", to);
	int rc = temporary ? 0 : (int)e->name;
	if (!rc && unlink(temporary) && errno != ENOENT)
		rc = error_errno(e, CBTM_ERR_IO, temporary, "cannot remove the file");
	if (!rc && link(from, temporary)) {
		if (errno == EXDEV || errno == EPERM || errno == EMLINK)
			rc = copy_file(from, temporary, e);
		else
			rc = error_errno(e, CBTM_ERR_CREATE, to, "cannot link the part");
	}
	if (!rc)
		rc = file_publish(temporary, to, e);
	/* rename() leaves both names where they are the same file already. */
	if (temporary)
		unlink(temporary);
	free(temporary);
	return rc;
}

int dataset_link_part(const char *from_dir, uint32_t from_part, const char *to_dir,
                      uint32_t to_part, struct cbtm_error *e)
{
	struct part_files from, to;
	struct manifest m;
	int lock = -1;
	struct arena *a = arena_new(e);
	int rc = a ? part_files(from_dir, from_part, a, &from, e) : (int)e->name;
	if (!rc)
		rc = part_files(to_dir, to_part, a, &to, e);
	if (!rc)
		rc = manifest_read(from.manifest, a, &m, e);
	if (!rc && (lock = part_guard(&to, e)) < 0)
		rc = e->name;
	if (rc || dataset_has_part(to_dir, to_part, m.fingerprint))
		goto done;
	rc = part_unpublish(&to, e);
	if (!rc)
		rc = link_or_copy(from.store, to.store, e);
	if (!rc)
		rc = link_or_copy(from.manifest, to.manifest, e);
	if (!rc)
		rc = part_clean(&to, true, e);
done:
	part_unguard(&to, lock);
	arena_free(a);
	return rc;
}
