/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target without libFuzzer: replay FOLDER... gives it every file of the folders, by name, and
 * CHANGES inputs made of each by a few random changes, the same ones each time.
 */
#include "base/file.h"
#include "base/random.h"
#include "fuzz.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGES = 200, MOST = 8, SLACK = 64 };

/* One change at a random place of n bytes, which have SLACK more room; returns how many they are now. */
static size_t change(uint8_t *data, size_t n, struct random_key key, uint64_t input, uint64_t at)
{
	static const uint8_t telling[] = {
		0, 1, 0x7f, 0x80, 0xff, '"', '\\', '{', '[', '\n', ' ', 0xc3
	};
	uint64_t kind = random_below(key, input, at, 5);
	size_t from = n ? (size_t)random_below(key, input, at + 1, n) : 0;
	size_t to = n ? (size_t)random_below(key, input, at + 2, n) : 0;
	size_t most =
		n - (from > to ? from : to) < SLACK / MOST ? n - (from > to ? from : to) : SLACK / MOST;

	if (!n)
		return 0;
	if (kind == 0) {
		data[from] ^= (uint8_t)(1u << (to & 7));
	} else if (kind == 1) {
		data[from] = telling[to % sizeof telling];
	} else if (kind == 2) { /* a piece goes */
		memmove(data + from, data + from + most, n - from - most);
		n -= most;
	} else if (kind == 3) { /* a piece of it is put in */
		uint8_t piece[SLACK / MOST];
		memcpy(piece, data + to, most);
		memmove(data + from + most, data + from, n - from);
		memcpy(data + from, piece, most);
		n += most;
	} else { /* its end goes */
		n = from;
	}
	return n;
}

/* An input has a block of memory of exactly its size, so that AddressSanitizer sees where it ends. */
static void give(const uint8_t *data, size_t n)
{
	uint8_t *own = malloc(n ? n : 1);

	fuzz_require(own, "there is memory");
	memcpy(own, data, n);
	LLVMFuzzerTestOneInput(own, n);
	free(own);
}

static void replay(const char *path, uint64_t number)
{
	struct random_key key = random_key(number, RANDOM_TEST);
	struct cbtm_error e = { 0 };
	struct buffer seed = { 0 };
	uint8_t *work;

	fuzz_require(!file_read(path, (size_t)1 << 30, &seed, &e), "a seed can be read");
	work = malloc(seed.n + SLACK);
	fuzz_require(work, "there is memory");
	printf("%s\n", path); /* a broken promise comes of the last one */
	fflush(stdout);
	give((const uint8_t *)seed.data, seed.n);
	for (uint64_t i = 0; i < CHANGES; i++) {
		size_t n = seed.n;
		if (n)
			memcpy(work, seed.data, n);
		for (uint64_t j = 0; j <= i % MOST; j++)
			n = change(work, n, key, i, 4 * j);
		give(work, n);
	}
	free(work);
	buffer_free(&seed);
}

int main(int argc, char **argv)
{
	uint64_t number = 0;

	for (int i = 1; i < argc; i++) {
		struct cbtm_error e = { 0 };
		char **name = NULL, path[4200];
		size_t n = 0;
		fuzz_require(!folder_list(argv[i], &name, &n, &e), "a folder of seeds can be listed");
		for (size_t j = 0; j < n; j++) {
			snprintf(path, sizeof path, "%s/%s", argv[i], name[j]);
			replay(path, number++);
		}
		folder_list_free(name, n);
	}
	fuzz_require(number, "there are seeds");
	return 0;
}
