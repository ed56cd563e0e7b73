/* SPDX-License-Identifier: MIT */
#include "model/huggingface_help.h"
#include "base/file.h"
#include "base/json.h"
#include "model/recorded_models.h"
#include "model/training_help.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void test_write_file(const char *folder, const char *name, const void *bytes, size_t n)
{
	struct cbtm_error e = { 0 };
	char *path = path_join(folder, name, &e), *slash = strrchr(path, '/');
	*slash = 0;
	assert_int_equal(folder_make(path, &e), 0);
	*slash = '/';
	if (file_replace(path, bytes, n, &e))
		fail_msg("%s: %s", e.where, e.what);
	free(path);
}

void test_write_safetensors(const char *folder, const char *name, const char *header, size_t data)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	buffer_u64(&b, strlen(header), &e);
	buffer_text(&b, header, &e);
	for (size_t i = 0; i < data; i++)
		buffer_add(&b, "", 1, &e);
	test_write_file(folder, name, b.data, b.n);
	buffer_free(&b);
}

char *test_recorded_model(const char *model)
{
	char *folder = test_folder();
	for (size_t i = 0; i < sizeof recorded_models / sizeof recorded_models[0]; i++)
		if (!strcmp(recorded_models[i].model, model))
			test_write_file(folder, recorded_models[i].file, recorded_models[i].bytes,
			                recorded_models[i].n);
	return folder;
}

enum cbtm_error_name test_import(const char *folder, const struct model_config *c, uint64_t length,
                                 const char *dir, struct cbtm_error *e)
{
	return test_import_as(folder, c, c, length, dir, e);
}

enum cbtm_error_name test_import_as(const char *folder, const struct model_config *c,
                                    const struct model_config *said, uint64_t length,
                                    const char *dir, struct cbtm_error *e)
{
	const struct store_kind *kind = store_kind_find("checkpoint");
	struct digest fingerprint = { 1, 2 };
	struct buffer model = { 0 };
	struct store_writer *w = NULL;
	if (store_create(dir, 0, kind, fingerprint, &w, e))
		return e->name;
	if (!huggingface_import(folder, c, w, e) && !model_config_print(said, &model, e)) {
		store_set_json(w, "model", model.data, e);
		store_set_u64(w, "length", length, e);
		store_set_u64(w, "eod", 1, e);
		store_set_text(w, "vocabulary", "0123", e);
	}
	buffer_free(&model);
	if (e->name)
		store_leave(w);
	else if (!store_seal(w, e))
		dataset_seal(dir, kind, &fingerprint, 1, e);
	return e->name;
}
