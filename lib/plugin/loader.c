/* SPDX-License-Identifier: MIT */
#include "plugin/loader.h"
#include "base/file.h"
#include "base/memory.h"
#include "plugin/kind.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* One file that was loaded. They are never unloaded: descriptors and states point into them. */
struct loaded {
	char *path;
	struct cbtm_plugin *plugin; /* the whole descriptor, ours */
	bool initialised;
	struct loaded *next;
};
static struct loaded *all_loaded;
static const struct cbtm_host *host_table;

void plugin_host_set(const struct cbtm_host *host)
{
	host_table = host;
}

static struct loaded *find_loaded(const struct cbtm_plugin *plugin)
{
	struct loaded *l = all_loaded;
	while (l && l->plugin != plugin)
		l = l->next;
	return l;
}

const char *plugin_path(const struct cbtm_plugin *plugin)
{
	struct loaded *l = find_loaded(plugin);
	return l ? l->path : NULL;
}

const char *plugin_needs(const struct cbtm_plugin *plugin)
{
	const struct plugin_kind *kind = plugin_kind_find(plugin->kind);
	const char *key = NULL;
	if (kind && kind->needs && find_loaded(plugin)) /* what is loaded is as long as today's */
		memcpy(&key, (const char *)plugin + kind->needs, sizeof key);
	return key;
}

static int check_functions(const struct plugin_kind *kind, const struct cbtm_plugin *p,
                           const char *path, struct cbtm_error *e)
{
	for (const struct plugin_function *f = kind->required; f->name; f++) {
		void *function = NULL;
		if (f->offset + sizeof function > p->size)
			return error_set(e, CBTM_ERR_PLUGIN, path,
			                 "the descriptor is too short: %u bytes, without room for %s()",
			                 p->size, f->name);
		memcpy(&function, (const char *)p + f->offset, sizeof function);
		if (!function)
			return error_set(e, CBTM_ERR_PLUGIN, path, "the %s plugin has no function %s()",
			                 kind->name, f->name);
	}
	return 0;
}

static int check_params(const struct cbtm_plugin *p, const char *path, struct cbtm_error *e)
{
	for (const struct cbtm_param *row = p->params; row && row->name; row++)
		if (row->offset >= p->options_size)
			return error_set(e, CBTM_ERR_PLUGIN, path,
			                 "parameter %s lies outside of the options struct (%zu bytes)",
			                 row->name, p->options_size);
	return 0;
}

/* Reads the descriptor in the order in which its fields can be trusted. */
static int check_descriptor(const struct cbtm_plugin *p, const char *path,
                            const struct plugin_kind **kind, struct cbtm_error *e)
{
	if (p->abi != CBTM_ABI) {
		error_set(e, CBTM_ERR_PLUGIN, path, "the plugin is of ABI %u, this cbtm has ABI %u", p->abi,
		          CBTM_ABI);
		return error_hint(e, "build the plugin again with this cbtm's headers");
	}
	if (p->size < sizeof *p)
		return error_set(e, CBTM_ERR_PLUGIN, path,
		                 "the descriptor is too short: %u bytes, at least %zu are needed", p->size,
		                 sizeof *p);
	if (!p->kind || !p->name || !p->description)
		return error_set(e, CBTM_ERR_PLUGIN, path,
		                 "the descriptor lacks its kind, name or description");
	*kind = plugin_kind_find(p->kind);
	if (!*kind)
		return error_set(e, CBTM_ERR_PLUGIN, path, "unknown kind of plugin \"%s\"", p->kind);
	const char *file = strrchr(path, '/');
	file = file ? file + 1 : path;
	size_t n = strlen(p->name);
	if (!plugin_name_is_valid(p->name) || strncmp(file, p->name, n) || strcmp(file + n, ".so"))
		return error_set(e, CBTM_ERR_PLUGIN, path,
		                 "the plugin calls itself \"%s\", which is not its file's name", p->name);
	if (check_functions(*kind, p, path, e))
		return e->name;
	return check_params(p, path, e);
}

/* Loads the file and keeps a whole copy of its descriptor; the same path twice is the same one. */
static int load_file(const char *path, const struct cbtm_plugin **plugin, struct cbtm_error *e)
{
	for (struct loaded *l = all_loaded; l; l = l->next) {
		if (!strcmp(l->path, path)) {
			*plugin = l->plugin;
			return 0;
		}
	}
	struct loaded *l = NULL;
	const struct plugin_kind *kind = NULL;
	dlerror();
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return error_set(e, CBTM_ERR_PLUGIN, path, "cannot load the plugin: %s", dlerror());
	const struct cbtm_plugin *found = dlsym(handle, "cbtm_plugin");
	if (!found) {
		error_set(e, CBTM_ERR_PLUGIN, path, "no plugin: it does not export cbtm_plugin");
		goto done;
	}
	if (check_descriptor(found, path, &kind, e))
		goto done;
	l = mem_zeroed(1, sizeof *l, "a plugin", e);
	if (!l || !(l->path = mem_copy(path, strlen(path), e)) ||
	    !(l->plugin = mem_zeroed(1, kind->size, "a plugin's descriptor", e)))
		goto done;
	memcpy(l->plugin, found, found->size < kind->size ? found->size : kind->size);
	l->next = all_loaded;
	all_loaded = l;
	*plugin = l->plugin;
done:
	if (e->name) {
		if (l)
			free(l->path);
		free(l);
		dlclose(handle);
	}
	return e->name;
}

int plugin_describe(const char *kind, const char *name, const struct plugin_search *search,
                    const struct cbtm_plugin **plugin, struct cbtm_error *e)
{
	struct plugin_folders folders;
	char *path = NULL;
	const struct cbtm_plugin *found = NULL;
	if (plugin_folders_make(search, &folders, e))
		goto done;
	path = plugin_locate(&folders, kind, name, e);
	if (!path || load_file(path, &found, e))
		goto done;
	if (strcmp(found->kind, kind)) {
		error_set(e, CBTM_ERR_PLUGIN, path, "the plugin is of kind %s, not %s", found->kind, kind);
		goto done;
	}
	*plugin = found;
done:
	free(path);
	plugin_folders_free(&folders);
	return e->name;
}

int plugin_open(const char *kind, const char *name, const struct plugin_search *search,
                const struct cbtm_plugin **plugin, struct cbtm_error *e)
{
	const struct cbtm_plugin *found = NULL;
	if (plugin_describe(kind, name, search, &found, e))
		return e->name;
	struct loaded *l = find_loaded(found);
	if (!l->initialised && found->init) {
		if (!host_table)
			return error_set(e, CBTM_ERR_INTERNAL, l->path, "no host table was set");
		if (found->init(host_table, e)) {
			error_set(e, CBTM_ERR_PLUGIN, l->path, "the plugin's init() failed");
			return e->name;
		}
	}
	l->initialised = true;
	*plugin = found;
	return 0;
}

struct entries {
	struct plugin_entry *v;
	size_t n, capacity;
};

static int list_file(struct entries *all, const char *root, const char *kind, const char *name,
                     struct cbtm_error *e)
{
	size_t n = strlen(name);
	if (n < 4 || strcmp(name + n - 3, ".so"))
		return 0;
	if (array_reserve(&all->v, &all->capacity, all->n + 1, sizeof *all->v, e))
		return e->name;
	struct plugin_entry *p = &all->v[all->n];
	*p = (struct plugin_entry){ 0 };
	p->path =
		kind ? path_printf(e, "%s/%s/%s", root, kind, name) : path_printf(e, "%s/%s", root, name);
	if (!p->path)
		return e->name;
	all->n++;
	if (plugin_check_permissions(root, p->path, &p->why) || load_file(p->path, &p->plugin, &p->why))
		return 0; /* a refused plugin is a line of the list, not an error of it */
	if (kind && strcmp(p->plugin->kind, kind)) {
		error_set(&p->why, CBTM_ERR_PLUGIN, p->path, "the plugin is of kind %s, not %s",
		          p->plugin->kind, kind);
		p->plugin = NULL;
		return 0;
	}
	for (size_t i = 0; i + 1 < all->n; i++) {
		const struct cbtm_plugin *other = all->v[i].plugin;
		p->hidden |=
			other && !strcmp(other->kind, p->plugin->kind) && !strcmp(other->name, p->plugin->name);
	}
	return 0;
}

static int list_folder(struct entries *all, const char *root, const char *kind,
                       struct cbtm_error *e)
{
	char *folder = kind ? path_join(root, kind, e) : path_join(root, "", e);
	char **names = NULL;
	size_t n = 0;
	struct cbtm_error ignored = { 0 }; /* folders of a path may be missing */
	if (folder && !folder_list(folder, &names, &n, &ignored))
		for (size_t i = 0; i < n && !e->name; i++)
			list_file(all, root, kind, names[i], e);
	folder_list_free(names, n);
	free(folder);
	return e->name;
}

int plugin_list(const struct plugin_search *search, struct plugin_entry **list, size_t *n,
                struct cbtm_error *e)
{
	struct entries all = { 0 };
	struct plugin_folders folders;
	if (plugin_folders_make(search, &folders, e))
		goto done;
	for (size_t i = 0; i < folders.n && !e->name; i++) {
		for (const struct plugin_kind *const *k = plugin_kinds; *k && !e->name; k++)
			list_folder(&all, folders.folder[i], (*k)->name, e);
		list_folder(&all, folders.folder[i], NULL, e);
	}
done:
	plugin_folders_free(&folders);
	if (e->name) {
		plugin_list_free(all.v, all.n);
		return e->name;
	}
	*list = all.v;
	*n = all.n;
	return 0;
}

void plugin_list_free(struct plugin_entry *list, size_t n)
{
	for (size_t i = 0; list && i < n; i++)
		free(list[i].path);
	free(list);
}
