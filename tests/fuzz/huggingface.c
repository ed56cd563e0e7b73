/* SPDX-License-Identifier: MIT */
/*
 * A folder of Hugging Face's: config.json, then the header of model.safetensors (behind lines "%%%"),
 * then its tensors' bytes. It is refused, or what it says of tensors lies in the file and can be read.
 */
#include "model/huggingface.h"
#include "base/error.h"
#include "fuzz.h"
#include "model/safetensors.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 4096 }; /* numbers of a tensor that are looked at */
static const enum cbtm_error_name refusals[] = { CBTM_ERR_BAD_JSON, CBTM_ERR_BAD_UTF8,
	                                             CBTM_ERR_BAD_DATA, CBTM_ERR_CONFIG, CBTM_OK };
static char folder[64], config_path[96], model_path[96];

static void remove_folder(void)
{
	unlink(config_path);
	unlink(model_path);
	rmdir(folder);
}

static void make_folder(void)
{
	if (*folder)
		return;
	snprintf(folder, sizeof folder, "/tmp/cbtm-fuzz-XXXXXX");
	fuzz_require(mkdtemp(folder) != NULL, "there is a folder");
	snprintf(config_path, sizeof config_path, "%s/config.json", folder);
	snprintf(model_path, sizeof model_path, "%s/model.safetensors", folder);
	atexit(remove_folder);
}

static void put(FILE *f, const void *bytes, size_t n)
{
	fuzz_require(!n || fwrite(bytes, 1, n, f) == n, "a file is written");
}

static void write_files(struct fuzz_piece config, struct fuzz_piece header, const uint8_t *data,
                        size_t n)
{
	uint8_t length[8];
	FILE *f = fopen(config_path, "wb");
	fuzz_require(f != NULL, "a file is made");
	put(f, config.data, config.n);
	fclose(f);
	f = fopen(model_path, "wb");
	fuzz_require(f != NULL, "a file is made");
	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)((uint64_t)header.n >> 8 * i);
	put(f, length, 8);
	put(f, header.data, header.n);
	put(f, data, n);
	fclose(f);
}

static void read_tensors(const struct safetensors *s, size_t data)
{
	static float v[MOST];
	for (size_t i = 0; i < safetensors_count(s); i++) {
		const struct safetensor *t = safetensors_at(s, i);
		uint64_t n = t->elements < MOST ? t->elements : MOST;
		struct cbtm_error e = { 0 };
		fuzz_require(t->elements <= data, "a tensor has no more numbers than the file bytes");
		fuzz_require(safetensors_find(s, t->name) == t, "each name is found");
		if (safetensors_read(s, t, 0, n, v, &e))
			fuzz_require(e.name == CBTM_ERR_BAD_DATA, "its type or a number is refused");
		for (uint64_t k = 0; !e.name && k < n; k++)
			fuzz_require(isfinite(v[k]), "numbers are finite");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_piece config = fuzz_piece(&data, &n, "\n%%%\n");
	struct fuzz_piece header = fuzz_piece(&data, &n, "\n%%%\n");
	struct cbtm_error e = { 0 }, other = { 0 };
	struct safetensors *s = NULL;
	struct model_config c;

	make_folder();
	write_files(config, header, data, n);
	safetensors_open(folder, &s, &other);
	fuzz_expect(&other, refusals);
	fuzz_require(!other.name == !!s, "there are tensors or an error");
	if (s)
		read_tensors(s, n);
	safetensors_close(s);
	if (!huggingface_config(folder, &c, &e)) {
		fuzz_require(!model_config_check(&c, &other) || other.name, "sizes are in their bounds");
		huggingface_check(folder, &c, &e);
	}
	fuzz_expect(&e, refusals);
	fuzz_require(!e.name || *e.what, "an error says what is wrong");
	return 0;
}
