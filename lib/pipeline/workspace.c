/* SPDX-License-Identifier: MIT */
#include "pipeline/workspace.h"
#include "base/file.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int workspace_paths(const struct pipeline *p, struct arena *a, struct workspace *w,
                    struct cbtm_error *e)
{
	*w = (struct workspace){ .work = p->work, .registry = p->registry, .lock = -1 };
	w->run = arena_printf(a, e, "%s/runs/%s", p->work, p->name);
	w->record = arena_printf(a, e, "%s/runs/%s/record.json", p->work, p->name);
	w->results = arena_printf(a, e, "%s/runs/%s/results.json", p->work, p->name);
	w->log = arena_printf(a, e, "%s/runs/%s/log.jsonl", p->work, p->name);
	w->logs = arena_printf(a, e, "%s/runs/%s/logs", p->work, p->name);
	w->state = arena_printf(a, e, "%s/runs/%s/running", p->work, p->name);
	return e->name;
}

static int lock_file(const struct workspace *w, struct cbtm_error *e)
{
	char *path = path_join(w->work, ".lock", e);
	int fd = path ? file_lock(path, false, e) : -1;

	free(path);
	return fd;
}

int workspace_lock(struct workspace *w, struct cbtm_error *e)
{
	if (folder_make(w->work, e) || folder_make(w->logs, e))
		return e->name;
	w->lock = lock_file(w, e);
	if (e->name == CBTM_ERR_BUSY)
		error_hint(e,
		           "one driver works in a folder at a time: wait, or choose another with --work");
	return e->name;
}

void workspace_unlock(struct workspace *w)
{
	file_unlock(w->lock);
	w->lock = -1;
}

bool workspace_is_busy(const struct workspace *w)
{
	struct cbtm_error e = { 0 };
	int fd;

	if (!file_exists(w->work))
		return false;
	fd = lock_file(w, &e);
	file_unlock(fd);
	return e.name == CBTM_ERR_BUSY;
}

/* A link that is right already is left alone. */
static int make_link(const char *target, const char *path, struct cbtm_error *e)
{
	char before[PATH_MAX];
	ssize_t n = readlink(path, before, sizeof before - 1);

	if (n >= 0) {
		before[n] = 0;
		if (!strcmp(before, target))
			return 0;
	}
	if (unlink(path) != 0 && errno != ENOENT)
		return error_errno(e, CBTM_ERR_CREATE, path, "cannot be replaced");
	if (symlink(target, path) != 0)
		return error_errno(e, CBTM_ERR_CREATE, path, "cannot make the link");
	return 0;
}

static bool names_link(struct graph *g, const struct graph_system *s, const char *name,
                       struct cbtm_error *e)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *link = graph_link_name(g, s->dataset[i], e);
		if (link && !strcmp(link, name))
			return true;
	}
	return false;
}

static int link_system(const struct workspace *w, struct graph *g, const struct graph_system *s,
                       struct cbtm_error *e)
{
	char *folder = path_join(w->run, s->system->name, e), **names = NULL;
	size_t n = 0;

	if (!folder || folder_make(folder, e) || folder_list(folder, &names, &n, e))
		goto done;
	for (size_t i = 0; i < n; i++) {
		char *path = path_join(folder, names[i], e);
		if (path && !names_link(g, s, names[i], e))
			unlink(path);
		free(path);
	}
	for (size_t i = 0; i < s->n && !e->name; i++) {
		const struct graph_dataset *d = s->dataset[i];
		const char *name = graph_link_name(g, d, e);
		char *path = name ? path_join(folder, name, e) : NULL;
		char *target = path_printf(e, "../../../%s/%s", d->task->name, strrchr(d->dir, '/') + 1);
		if (path && target)
			make_link(target, path, e);
		free(target);
		free(path);
	}
done:
	folder_list_free(names, n);
	free(folder);
	return e->name;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Folders of links only: logs and files beside them stay. */
static int remove_system(const struct workspace *w, const char *name, struct cbtm_error *e)
{
	char *folder = path_join(w->run, name, e);

	if (folder && strcmp(folder, w->logs) != 0 && is_folder(folder))
		folder_remove(folder, e);
	free(folder);
	return e->name;
}

int workspace_link(const struct workspace *w, struct graph *g, struct cbtm_error *e)
{
	char **names = NULL;
	size_t n = 0;

	if (folder_list(w->run, &names, &n, e))
		return e->name;
	for (size_t i = 0; i < n && !e->name; i++) {
		size_t s = 0;
		while (s < g->systems && strcmp(g->system[s].system->name, names[i]) != 0)
			s++;
		if (s == g->systems)
			remove_system(w, names[i], e);
	}
	folder_list_free(names, n);
	for (size_t s = 0; s < g->systems && !e->name; s++)
		link_system(w, g, &g->system[s], e);
	return e->name;
}

/* The names of folders that links name, as "TASK/FINGERPRINT". */
struct named {
	char **name;
	size_t n, capacity;
};

static int note_link(struct named *named, const char *path, struct cbtm_error *e)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof target - 1);
	const char *tail;

	if (n < 0)
		return 0;
	target[n] = 0;
	tail = strncmp(target, "../../../", 9) ? target : target + 9;
	if (array_reserve(&named->name, &named->capacity, named->n + 1, sizeof *named->name, e))
		return e->name;
	named->name[named->n] = mem_copy(tail, strlen(tail), e);
	named->n += named->name[named->n] != NULL;
	return e->name;
}

/* Visits path/NAME for every name; `depth` levels of folders down it notes the links. */
static int note_links(struct named *named, const char *path, int depth, struct cbtm_error *e)
{
	char **names = NULL;
	size_t n = 0;

	if (!is_folder(path) || folder_list(path, &names, &n, e))
		return e->name;
	for (size_t i = 0; i < n && !e->name; i++) {
		char *inner = path_join(path, names[i], e);
		if (inner && depth)
			note_links(named, inner, depth - 1, e);
		else if (inner)
			note_link(named, inner, e);
		free(inner);
	}
	folder_list_free(names, n);
	return e->name;
}

static bool is_named(const struct named *named, const char *task, const char *name)
{
	size_t n = strlen(task);

	for (size_t i = 0; i < named->n; i++)
		if (!strncmp(named->name[i], task, n) && named->name[i][n] == '/' &&
		    !strcmp(named->name[i] + n + 1, name))
			return true;
	return false;
}

/* Nothing else under WORK is ours to remove. */
static bool is_fingerprint(const char *name)
{
	return strlen(name) == 16 && strspn(name, "0123456789abcdef") == 16;
}

static int visit_task(const struct workspace *w, const struct named *named, const char *task,
                      int (*each)(void *, const char *, struct cbtm_error *), void *arg,
                      struct cbtm_error *e)
{
	char *folder = path_join(w->work, task, e), **names = NULL;
	size_t n = 0;

	if (!folder || !is_folder(folder) || folder_list(folder, &names, &n, e))
		goto done;
	for (size_t i = 0; i < n && !e->name; i++) {
		char *path = path_join(folder, names[i], e);
		if (path && is_fingerprint(names[i]) && is_folder(path) && !is_named(named, task, names[i]))
			each(arg, path, e);
		free(path);
	}
done:
	folder_list_free(names, n);
	free(folder);
	return e->name;
}

int workspace_unnamed(const struct workspace *w,
                      int (*each)(void *arg, const char *folder, struct cbtm_error *e), void *arg,
                      struct cbtm_error *e)
{
	char *runs = path_join(w->work, "runs", e);
	struct named named = { 0 };

	if (!runs || note_links(&named, runs, 2, e))
		goto done;
	for (const struct cbtm_stage *const *stage = w->registry; *stage; stage++)
		for (const struct stage_task *t = (*stage)->tasks; t->name; t++)
			if (visit_task(w, &named, t->name, each, arg, e))
				goto done;
done:
	for (size_t i = 0; i < named.n; i++)
		free(named.name[i]);
	free(named.name);
	free(runs);
	return e->name;
}
