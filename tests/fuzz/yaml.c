/* SPDX-License-Identifier: MIT */
/* pipeline.yaml: whatever stands there is read, or is a problem that names a place. */
#include "pipeline/yaml.h"
#include "fuzz.h"
#include "pipeline/pipeline.h"
#include <string.h>

static const enum cbtm_error_name refusals[] = { CBTM_ERR_BAD_DATA, CBTM_ERR_CONFIG,
	                                             CBTM_ERR_MISSING_INPUT, CBTM_OK };

static void walk(const struct yaml_node *node, unsigned depth)
{
	fuzz_require(depth <= 33, "no node lies deeper than 32 levels");
	fuzz_require(node->line > 0 && node->column > 0, "every node knows its place");
	if (node->type == YAML_SCALAR)
		fuzz_require(node->text && !node->first, "a scalar has a text");
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		fuzz_require(!c->key == (node->type == YAML_LIST), "children of maps have keys");
		if (c->key)
			fuzz_require(yaml_find(node, c->key), "a key is found");
		walk(c, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	extern const struct cbtm_stage *const stage_registry[];
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	struct problems problems = { 0 }, wrong = { 0 };
	struct yaml_node *root = NULL;
	struct fuzz_file f = fuzz_file_open(data, n);
	struct pipeline *p = NULL;

	yaml_parse((const char *)data, n, "fuzz.yaml", a, &root, &problems, &e);
	fuzz_expect(&e, refusals);
	if (root)
		walk(root, 0);
	e = (struct cbtm_error){ 0 };
	pipeline_load(&(struct pipeline_request){ .file = f.path }, stage_registry, &p, &wrong, &e);
	fuzz_expect(&e, refusals);
	if (problems.n && !e.name)
		fuzz_require(wrong.n, "what yaml_parse refuses is no pipeline");
	pipeline_free(p);
	fuzz_file_close(&f);
	problems_free(&problems);
	problems_free(&wrong);
	arena_free(a);
	return 0;
}
