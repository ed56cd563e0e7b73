/* SPDX-License-Identifier: MIT */
#include "plugin/search.h"
#include "base/file.h"
#include "base/memory.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CBTM_PLUGIN_DIR
#define CBTM_PLUGIN_DIR "/usr/local/lib/cbtm/plugins"
#endif

static int add_folder(struct plugin_folders *f, const char *path, size_t n, struct cbtm_error *e)
{
	char *copy = mem_copy(path, n, e);
	if (!copy)
		return e->name;
	char *real = realpath(copy, NULL); /* a missing folder stays as written, for the message */
	if (real) {
		free(copy);
		copy = real;
	}
	for (size_t i = 0; i < f->n; i++) {
		if (!strcmp(f->folder[i], copy)) {
			free(copy);
			return 0;
		}
	}
	char **grown = realloc(f->folder, (f->n + 1) * sizeof *grown);
	if (!grown) {
		free(copy);
		return error_set(e, CBTM_ERR_MEMORY, NULL, "no memory for the plugin path");
	}
	f->folder = grown;
	f->folder[f->n++] = copy;
	return 0;
}

static int add_builtin(struct plugin_folders *f, struct cbtm_error *e)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	if (n > 0) {
		exe[n] = 0;
		char *slash = strrchr(exe, '/');
		if (slash) {
			*slash = 0;
			char *folder = path_join(exe, "plugins", e);
			if (folder)
				add_folder(f, folder, strlen(folder), e);
			free(folder);
		}
	}
	if (e->name)
		return e->name;
	return add_folder(f, CBTM_PLUGIN_DIR, strlen(CBTM_PLUGIN_DIR), e);
}

static int add_path(struct plugin_folders *f, const char *path, struct cbtm_error *e)
{
	if (!path || !*path)
		return 0;
	for (const char *p = path;;) {
		size_t n = strcspn(p, ":");
		if (n ? add_folder(f, p, n, e) : add_builtin(f, e))
			return e->name;
		if (!p[n])
			return 0;
		p += n + 1;
	}
}

int plugin_folders_make(const struct plugin_search *search, struct plugin_folders *f,
                        struct cbtm_error *e)
{
	static const struct plugin_search none;
	if (!search)
		search = &none;
	*f = (struct plugin_folders){ 0 };
	if (add_path(f, search->option, e) || add_path(f, getenv("CBTM_PLUGIN_PATH"), e) ||
	    add_path(f, search->pipeline, e))
		return e->name;
	return add_builtin(f, e);
}

void plugin_folders_free(struct plugin_folders *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->folder[i]);
	free(f->folder);
	*f = (struct plugin_folders){ 0 };
}

bool plugin_name_is_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return n > 0 && n <= 64 && !name[n];
}

static int check_writable(const char *what, const char *path, struct cbtm_error *e)
{
	struct stat s;
	if (stat(path, &s))
		return error_errno(e, CBTM_ERR_PLUGIN, path, "cannot look at the plugin's %s", what);
	if (!(s.st_mode & S_IWOTH))
		return 0;
	error_set(e, CBTM_ERR_PLUGIN, path,
	          "everybody may write this %s, so the plugin in it is not loaded", what);
	return error_hint(e, "check what lies there, then: chmod o-w %s", path);
}

int plugin_check_permissions(const char *root, const char *path, struct cbtm_error *e)
{
	char *real = realpath(path, NULL);
	char *folder = NULL;
	if (!real) {
		error_errno(e, CBTM_ERR_PLUGIN, path, "cannot resolve the plugin's path");
		goto done;
	}
	if (check_writable("file", real, e) || check_writable("folder", root, e))
		goto done;
	/* The folders between, as written and behind links. */
	for (int resolved = 0; resolved < 2; resolved++) {
		free(folder);
		folder = strdup(resolved ? real : path);
		if (!folder) {
			error_set(e, CBTM_ERR_MEMORY, path, "cannot keep the plugin's path");
			goto done;
		}
		char *slash = strrchr(folder, '/');
		if (!slash) {
			error_set(e, CBTM_ERR_PLUGIN, path, "the plugin's path has no folder");
			goto done;
		}
		*slash = 0;
		if (*folder && check_writable("folder", folder, e))
			goto done;
	}
done:
	free(folder);
	free(real);
	return e->name;
}

static char *locate_in(const char *root, const char *kind, const char *name, struct cbtm_error *e)
{
	for (int flat = 0; flat < 2; flat++) {
		char *path = flat ? path_printf(e, "%s/%s.so", root, name)
		                  : path_printf(e, "%s/%s/%s.so", root, kind, name);
		if (!path)
			return NULL;
		struct stat s;
		if (!stat(path, &s) && S_ISREG(s.st_mode))
			return path;
		free(path);
	}
	return NULL;
}

char *plugin_locate(const struct plugin_folders *f, const char *kind, const char *name,
                    struct cbtm_error *e)
{
	if (!plugin_name_is_valid(name)) {
		error_set(e, CBTM_ERR_PLUGIN, name,
		          "a plugin's name has only lower-case letters, digits and '-'");
		error_hint(e, "give the name alone and its folder with --plugin-path");
		return NULL;
	}
	for (size_t i = 0; i < f->n && !e->name; i++) {
		char *path = locate_in(f->folder[i], kind, name, e);
		if (path && !plugin_check_permissions(f->folder[i], path, e))
			return path;
		free(path);
	}
	if (e->name)
		return NULL;
	char searched[400] = "";
	size_t used = 0;
	for (size_t i = 0; i < f->n; i++) {
		int n =
			snprintf(searched + used, sizeof searched - used, "%s%s", i ? ", " : "", f->folder[i]);
		if (n < 0 || (size_t)n >= sizeof searched - used)
			break;
		used += (size_t)n;
	}
	error_set(e, CBTM_ERR_PLUGIN, name, "there is no %s plugin of this name; searched: %s", kind,
	          searched);
	error_hint(e, "cbtm plugins lists what there is; --plugin-path names further folders");
	return NULL;
}
