/* SPDX-License-Identifier: MIT */
/*
 * Checkpoints of Hugging Face's transformers, OPT and GPT-2: a folder with config.json and
 * safetensors, to and from a store of kind "checkpoint" (model/checkpoint.h).
 *
 * What differs from our layout (model/parameter.h):
 *   OPT    positions begin at row 2 of embed_positions (rows 0 and 1 are kept where they were
 *          imported, else written as zeros; no text reads them); queries, keys and values are three matrices, ours is one.
 *   GPT-2  matrices are input x output ("Conv1D"), ours output x input.
 * In both the output matrix is the token embedding: lm_head.weight may be missing, or equal to it.
 */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "model/config.h"
#include "store/store.h"

/*
 * Reads FOLDER/config.json. CONFIG naming file and key for what this model cannot be: another
 * model_type, OPT-350m's post-norm (do_layer_norm_before) and projection (word_embed_proj_dim),
 * another activation, untied embeddings, scaling by layer, cross attention, quantised weights.
 */
int huggingface_config(const char *folder, struct model_config *c, struct cbtm_error *e);

enum { HUGGINGFACE_NO_ID = UINT32_MAX };
/* The ids that config.json names; HUGGINGFACE_NO_ID: none. */
struct huggingface_ids {
	uint64_t bos, eos, pad;
};
/* The same file's bos_token_id, eos_token_id and pad_token_id: of a list the first, where a key is missing
 * transformers' default of the model_type; none where there is null, or what is no id of the model. */
int huggingface_ids(const char *folder, const struct model_config *c, struct huggingface_ids *ids,
                    struct cbtm_error *e);
/* An imported checkpoint keeps them as they were, for its export and that of what is branched from it. */
#define HUGGINGFACE_IDS_FACT "config_ids"
int huggingface_ids_keep(const struct huggingface_ids *ids, struct store_writer *w,
                         struct cbtm_error *e);
/* What an export of a checkpoint's store names. Imported: as they were, but `bos` is what stands before its
 * texts (the fact), and where no eos was named it is `eod`. Trained here: `bos` and `eod`. OPT's pad is always
 * the model's padding, or none: with it transformers has the same gradients.
 * BAD_STORE if the fact is none of ours. */
int huggingface_ids_of(const struct store *checkpoint, const struct model_config *c,
                       struct huggingface_ids *ids, struct cbtm_error *e);

/*
 * Reads a folder's parameters and appends them to `w` as checkpoint_write does: F32, F16 or BF16,
 * widened to F32. Memory: a few MiB, and GPT-2's largest matrix of a layer, twice. Before anything
 * is written every tensor is checked: BAD_DATA naming the file and the tensor that is missing, too
 * many, of another type or shape (both are shown), or a lm_head.weight of its own; later for numbers
 * that are not finite. STOPPED at SIGTERM.
 */
int huggingface_import(const char *folder, const struct model_config *c, struct store_writer *w,
                       struct cbtm_error *e);
/* Appends rows of theirs that are none of ours (OPT's first two positions), as "position.unused", so
 * that an export gives them back. */
int huggingface_import_unused(const char *folder, const struct model_config *c,
                              struct store_writer *w, struct cbtm_error *e);
/* What the import looks at before it writes anything. */
int huggingface_check(const char *folder, const struct model_config *c, struct cbtm_error *e);
/* Compares every number of an imported checkpoint's store with the folder's; the same memory.
 * BAD_STORE naming the tensor that differs. */
int huggingface_compare(const char *folder, const struct model_config *c, struct store *s,
                        struct cbtm_error *e);

/*
 * Writes FOLDER/model.safetensors (F32) and config.json of a checkpoint's store, so that
 * AutoModelForCausalLM.from_pretrained gives equal logits; then reads them again and compares every
 * number. `prefix`: which of its parameters (checkpoint_which). Its special ids are those of huggingface_ids_of. The same store gives the same bytes.
 * Errors of store.h; IO if what was read back differs.
 */
int huggingface_export(const struct store *checkpoint, const char *prefix, const char *folder,
                       struct cbtm_error *e);

/* ---------------------------------------------------------------- shared by import and export */
/* config.json of a model, appended to *out; an id that is none is null there (GPT-2's pad: missing). */
int huggingface_config_print(const struct model_config *c, const struct huggingface_ids *ids,
                             struct buffer *out, struct cbtm_error *e);

enum { HUGGINGFACE_SOURCES = 3, HUGGINGFACE_NAME = 128 };
/* Where one of our parameters lies in their files. */
struct huggingface_place {
	/* Their names, each a block of our rows, in order. */
	char name[HUGGINGFACE_SOURCES][HUGGINGFACE_NAME];
	size_t sources;
	bool transposed;
	uint64_t skip; /* rows of theirs before our first */
};
/* The place of our parameter `name` under their prefix ("model.decoder.", "transformer."). INTERNAL
 * if the architecture has none of that name. */
int huggingface_place(enum architecture a, const char *prefix, const char *name,
                      struct huggingface_place *place, struct cbtm_error *e);
/* The column of an imported checkpoint that keeps the skipped rows of a parameter. */
void huggingface_unused(const char *name, char unused[HUGGINGFACE_NAME]);
/* The prefixes by which their files may name tensors; export uses the first. NULL ends. */
extern const char *const huggingface_prefixes[ARCHITECTURES][3];
/* True for tensors that hold no parameter (GPT-2's masks), given without the prefix. */
bool huggingface_is_buffer(enum architecture a, const char *name);
