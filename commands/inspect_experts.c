/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/json.h"
#include "commands/inspect.h"
#include "model/checkpoint.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LISTED = 16 };

/* "layer 1     14.8 % of the choices found no room; tokens of each expert: 128 57 128 128". */
static void print_layer(struct json layer)
{
	struct json v, tokens;
	uint64_t number, n;
	double dropped;
	size_t cursor = 0, listed = 0;

	if (!json_member(layer, "layer", &v) || !json_u64(v, &number) ||
	    !json_member(layer, "dropped", &v) || !json_f64(v, &dropped) ||
	    !json_member(layer, "tokens", &tokens))
		return;
	printf("  layer %-4" PRIu64 " %6.1f %% of the choices found no room; tokens of each expert:",
	       number, 100 * dropped);
	while (json_next(tokens, &cursor, NULL, NULL, &v) && json_u64(v, &n) && listed++ < LISTED)
		printf(" %" PRIu64, n);
	printf("%s\n", listed > LISTED ? " ..." : "");
}

void inspect_experts(const struct store *s)
{
	const char *text = store_get_json(s, "expert_load");
	struct cbtm_error e = { 0 };
	struct json root, layers, v;
	double balance;
	size_t cursor = 0;
	struct json_parser *p = text ? json_parser_new(&e) : NULL;

	if (p && !json_parse(p, text, strlen(text), store_path(s), &root, &e) &&
	    json_member(root, "balance_loss", &v) && json_f64(v, &balance) &&
	    json_member(root, "layers", &layers)) {
		printf("  mixtures of experts: balance loss %.4f, 1 where all are used alike\n", balance);
		while (json_next(layers, &cursor, NULL, NULL, &v))
			print_layer(v);
	}
	json_parser_free(p);
}

void inspect_parameters(const struct store *s)
{
	static const char *const names[] = { [WHICH_BEST] = "best on valid", [WHICH_LAST] = "last" };
	uint64_t used = 0, step;
	const char *prefix;
	double loss;

	if (!store_get_u64(s, "last_step", &step) || !store_get_u64(s, "step", &used))
		return;
	for (int which = WHICH_BEST; which <= WHICH_LAST; which++) {
		struct cbtm_error e = { 0 };
		if (checkpoint_which(s, (enum which)which, &prefix, &step, &e))
			continue;
		printf("  %s parameters: of step %" PRIu64, names[which], step);
		if (which == WHICH_BEST && store_get_f64(s, "best_loss", &loss))
			printf(", loss %.4f", loss);
		if (*prefix)
			printf(", in the columns %s*", prefix);
		printf("%s\n", step == used ? "; used" : "");
	}
}
