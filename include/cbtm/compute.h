/* SPDX-License-Identifier: MIT */
/*
 * A compute plugin: runs a language model's list of operations.
 *
 * cbtm emits, once for a shape (B sequences of T tokens), a static list of coarse operations,
 * forward and backward. compile() plans memory, packs weights, fuses neighbours; run() executes
 * one section of the list with a few scalars that may change from run to run. Tensors are numbers
 * in the list: a plugin owns their layout and precision, and cbtm sees them through write() and
 * read() alone.
 *
 * N = B T tokens; d width; n x k matrices are row-major, the last index fastest. Activations are
 * B x T x their width, in LINEAR B x T x k and B x T x n.
 */
#pragma once
#include <cbtm/plugin.h>

enum cbtm_element { CBTM_F32, CBTM_F64, CBTM_U32 };

/* What a tensor is for. All of them are zero after compile(). */
enum cbtm_role {
	CBTM_ROLE_PARAMETER,  /* written and read by cbtm; changed by ADAMW */
	CBTM_ROLE_GRADIENT,   /* written and read by cbtm; operations add to it, ADAMW zeroes it */
	CBTM_ROLE_MOMENT,     /* written and read by cbtm; changed by ADAMW */
	CBTM_ROLE_INPUT,      /* written by cbtm before a run */
	CBTM_ROLE_RESULT,     /* read by cbtm after a run */
	CBTM_ROLE_ACTIVATION, /* neither; lives from its first writer to its last reader, across
	                         sections too */
	CBTM_ROLES
};

struct cbtm_tensor {
	const char *name; /* "layer.0.attention.qkv.weight"; unique in the list */
	enum cbtm_role role;
	enum cbtm_element element;
	uint32_t rank;     /* 1 to 4 */
	uint64_t shape[4]; /* dimensions from `rank` on are 1 */
};

/*
 * The operations: name, inputs, outputs, in the order of `in` and `out` of struct cbtm_operation.
 * "?" marks one that may be missing (CBTM_NONE), "+" an output that is added to, or changed, not
 * overwritten. A value of an activation's row r is a function of that row's (ATTENTION: of that
 * sequence's) inputs alone: it must not depend on B, on other rows, or on the number of threads.
 * Sums over tokens (gradients, loss) are taken in an order that depends on shapes alone.
 *
 * EMBED  x[b,t] = token[ids[b,t]] + position[t].            ids: B x T, u32, each < V
 * EMBED_GRADIENT  dtoken[ids[b,t]] += dx[b,t], with the flag PADDING but where ids[b,t] is `number` (that
 *        row of PyTorch's Embedding with a padding_idx); dposition[t] += dx[b,t].
 * NORM   y = (x - mean) / sqrt(var + epsilon) * gain + bias, over the last dimension, var without
 *        Bessel's correction (Ba et al. 2016); statistics: N x 2, mean and 1 / sqrt(var + epsilon).
 * NORM_GRADIENT  with a = dy gain, z = (x - mean) rstd: dx = residual + rstd (a - mean(a) -
 *        z mean(a z)); dgain += sum_r dy z; dbias += sum_r dy. dx may be the residual's tensor.
 * LINEAR y = residual + dropout(f(z)), z = x weight' + bias, weight: n x k; f(z) = max(z, 0) with the
 *        flag RELU; with GELU f(z) = z s(z), s(z) = 1 / (1 + exp(-2 sqrt(2 / pi) (z + 0.044715 z^3))):
 *        the tanh form of Hendrycks and Gimpel 2016; else f(z) = z. z is kept if its slot is bound.
 * LINEAR_INPUT  dx = dy weight, times (activated > 0) if `activated` (N x k, the output of a ReLU)
 *        is given; with the flag GELU times f'(activated), `activated` being the z of that LINEAR.
 * LINEAR_WEIGHT dweight += dy' x; dbias += sum over rows of dy.
 * DROPOUT       dx = dropout(dy) with the mask of the operation of the same `number`.
 * ATTENTION     causal, scaled dot products (Vaswani et al. 2017) of `heads` heads; qkv: N x 3d, a
 *        row holds queries, keys, values, each heads x (d / heads). s_ij = q_i k_j / sqrt(d/heads)
 *        for first_i <= j <= i, p = softmax(s), y_i = sum_j dropout(p_ij) v_j. first (B x T, u32, a
 *        position in the sequence; missing: 0) keeps attention inside a document. logsum: B x
 *        heads x T, ln sum_j exp s_ij.
 * ATTENTION_GRADIENT  dqkv of that, from dy; y is the forward's output.
 * HEAD_SCORE    logprob_r = z_{r,target} - ln sum_v exp z_rv, z = x weight', weight: V x d; 0 where
 *        target is CBTM_IGNORE. No more than a block of z is ever in memory.
 * HEAD_LOSS     loss: f64 [2] = sum_r -logprob_r and the number of rows that count; dz_rv =
 *        loss_scale (softmax(z_r)_v - [v = target]); dx = dz weight; dweight += dz' x.
 * SQUARE_SUM    sums[number] = sum of x^2, in double precision.
 * CLIP   norm: f64 [1] = sqrt(sum of sums); scale: f32 [1] = min(1, clip / (norm + 1e-6)), 1 if
 *        clip is 0, and 0 if the norm is not finite: this step must not be taken.
 * ADAMW  (Loshchilov and Hutter 2019) unless scale is 0: g = scale gradient; m = beta1 m + (1 -
 *        beta1) g; v = beta2 v + (1 - beta2) g^2; parameter -= lr (weight_decay parameter [if
 *        DECAY] + m^ / (sqrt(v^) + epsilon)), m^ = m / (1 - beta1^step), v^ alike. In any case
 *        gradient = 0 afterwards.
 *
 * Mixtures of E experts (Shazeer et al. 2017, Lepikhin et al. 2020), of which a token chooses K. Its
 * row is copied for each expert that takes it, so that the rows of an expert lie together: grouped
 * tensors, R x their width, R = cbtm_group_rows(N, K, E). Expert e's rows begin at a multiple of
 * CBTM_GROUP_ROWS; rows that hold no token are unspecified.
 *
 * ROUTE  gates = softmax(logits), N x E. A token chooses the K largest, of equal ones that of the lower
 *        number. An expert takes capacity = ceil(capacity_factor n / E) of the n valid tokens at most (any
 *        number if capacity_factor is 0): all tokens' first choices in their order, then the
 *        second ones, and so on (Lepikhin et al. 2020, algorithm 1). slot (N x K): the row of the j-th
 *        choice among the grouped ones, CBTM_NONE if its expert is full. weights (N x K): m_j p_j / sum_i m_i p_i,
 *        p the gates of the choices, m_j = 1 if the j-th found room, else 0; all 0 if none did. load, E x 5:
 *        an expert's first row, rows, choices (with those that found no room), first
 *        choices, and the sum of its gates over the tokens.
 * DISPATCH  grouped[slot_rj] = x_r, times weight_rj if there are weights.
 * GROUP_LINEAR, GROUP_INPUT, GROUP_WEIGHT  LINEAR, LINEAR_INPUT, LINEAR_WEIGHT on grouped rows, expert e's
 *        by the e-th of E matrices and biases; without dropout.
 * COMBINE   sum_r = residual + dropout(sum_j weight_rj y[slot_rj]); weights are 1 if missing. A choice
 *        that found no room adds nothing.
 * ROUTE_GRADIENT  of what COMBINE makes of y (dy: of its sum, behind dropout) and of
 *        balance loss_scale n L, L = E sum_e f_e P_e, f_e the share of tokens whose first choice is e, P_e the
 *        mean of its gate (Fedus et al. 2022, equation 4; f has no gradient). With g_j = dy_r
 *        y[slot_rj] and s = sum of the gates that found room: dp_e = balance loss_scale E f_e,
 *        plus (g_j - sum_i weight_i g_i) / s if e is the j-th choice and found room; dlogits_e = p_e (dp_e - sum_i p_i dp_i).
 */
#define CBTM_OPERATIONS(X)                                                                         \
	X(EMBED, "embed", "ids token position", "x")                                                   \
	X(EMBED_GRADIENT, "embed-gradient", "ids dx", "dtoken+ dposition+")                            \
	X(NORM, "norm", "x gain bias", "y statistics")                                                 \
	X(NORM_GRADIENT, "norm-gradient", "dy x gain statistics residual?", "dx dgain+ dbias+")        \
	X(LINEAR, "linear", "x weight bias? residual?", "y z?")                                        \
	X(LINEAR_INPUT, "linear-input", "dy weight activated?", "dx")                                  \
	X(LINEAR_WEIGHT, "linear-weight", "dy x", "dweight+ dbias?+")                                  \
	X(DROPOUT, "dropout", "dy", "dx")                                                              \
	X(ATTENTION, "attention", "qkv first?", "y logsum")                                            \
	X(ATTENTION_GRADIENT, "attention-gradient", "dy qkv y logsum first?", "dqkv")                  \
	X(HEAD_SCORE, "head-score", "x weight target", "logprob")                                      \
	X(HEAD_LOSS, "head-loss", "x weight target", "loss dx dweight+")                               \
	X(SQUARE_SUM, "square-sum", "x", "sums+")                                                      \
	X(CLIP, "clip", "sums", "norm scale")                                                          \
	X(ADAMW, "adamw", "scale", "parameter+ gradient+ m+ v+")                                       \
	X(ROUTE, "route", "logits", "gates weights slot load")                                         \
	X(DISPATCH, "dispatch", "x slot load weights?", "grouped")                                     \
	X(GROUP_LINEAR, "group-linear", "grouped weight bias? load", "y z?")                           \
	X(GROUP_INPUT, "group-input", "grouped weight activated? load", "dx")                          \
	X(GROUP_WEIGHT, "group-weight", "grouped inputs load", "dweight+ dbias?+")                     \
	X(COMBINE, "combine", "y slot weights? residual?", "sum")                                      \
	X(ROUTE_GRADIENT, "route-gradient", "dy y slot gates weights load", "dlogits")

enum cbtm_operation_kind {
#define CBTM_OPERATION_ENUM(name, text, inputs, outputs) CBTM_OP_##name,
	CBTM_OPERATIONS(CBTM_OPERATION_ENUM)
#undef CBTM_OPERATION_ENUM
		CBTM_OP_COUNT
};

enum { /* flags of an operation */
	   CBTM_RELU = 1,
	   CBTM_DROPOUT = 2,
	   CBTM_DECAY = 4,
	   CBTM_GELU = 8,       /* never with CBTM_RELU */
	   CBTM_EMBEDDING = 16, /* DROPOUT: of the embedding's output, at its rate */
	   CBTM_PADDING = 32    /* EMBED_GRADIENT: the token `number` learns nothing as an input */
};
#define CBTM_NONE UINT32_MAX   /* no tensor */
#define CBTM_IGNORE UINT32_MAX /* a target that does not count */

enum { CBTM_EXPERTS = 1024, CBTM_CHOICES = 8, CBTM_GROUP_ROWS = 64 }; /* E and K at most */
/* Rows of grouped tensors: room for all choices, each expert's from a multiple of 64 on. */
static inline uint64_t cbtm_group_rows(uint64_t tokens, uint64_t choices, uint64_t experts)
{
	return (tokens * choices / CBTM_GROUP_ROWS + 1 + experts) * CBTM_GROUP_ROWS;
}

struct cbtm_operation {
	enum cbtm_operation_kind kind;
	uint32_t flags;
	uint32_t in[8]; /* tensors, or CBTM_NONE; slots behind the last are CBTM_NONE */
	uint32_t out[4];
	uint32_t heads;  /* attention */
	uint32_t number; /* dropout: which mask; SQUARE_SUM: which sum; PADDING: which id */
	double epsilon;  /* NORM */
};

/*
 * Sections are run one by one. A training step is FORWARD, BACKWARD (these two as often as
 * gradients are accumulated), UPDATE; scoring is FORWARD, SCORE.
 */
enum cbtm_section {
	CBTM_FORWARD,  /* ids -> the last hidden states */
	CBTM_SCORE,    /* hidden states -> log-probabilities of the targets */
	CBTM_BACKWARD, /* hidden states -> loss and gradients, which are added */
	CBTM_UPDATE,   /* gradients -> parameters */
	CBTM_GENERATE, /* one token a sequence, from kept keys and values */
	CBTM_SECTIONS
};

struct cbtm_list {
	uint32_t batch, length; /* B, T */
	const struct cbtm_tensor *tensor;
	uint32_t tensors;
	const struct cbtm_operation *operation; /* section after section */
	uint32_t start[CBTM_SECTIONS + 1];      /* section s: operations start[s] .. start[s+1] - 1 */
};

/*
 * Dropout at a rate (cbtm_dropout_rate) of element i (row-major in y; in ATTENTION of p: ((b heads + h) T + i) T + j):
 * zero if word (i mod 4) of Philox4x32-10 with counter {i / 4 low, i / 4 high, number, 0} and key
 * dropout_key is below rate 2^32, else divided by (1 - rate).
 */
struct cbtm_scalars {
	uint32_t sequences; /* the first so many of B count; rows behind are not computed */
	uint32_t dropout_key[2];
	/* Rates: of branches before they are added, of attention's probabilities, of the embedding's output;
	 * 0 where nothing is trained. */
	double dropout, dropout_attention, dropout_embedding;
	double loss_scale; /* 1 / targets of the whole (accumulated) batch */
	uint64_t step;     /* of the update, from 1 */
	double lr, beta1, beta2, epsilon, weight_decay, clip;
	double capacity_factor; /* ROUTE; 0: no limit, as where nothing is trained */
	double balance;         /* ROUTE_GRADIENT: weight of the balance loss */
};

/* The rate at which an operation drops; 0: not at all. */
static inline double cbtm_dropout_rate(const struct cbtm_scalars *s, const struct cbtm_operation *o)
{
	if (!(o->flags & CBTM_DROPOUT))
		return 0;
	if (o->kind == CBTM_OP_ATTENTION || o->kind == CBTM_OP_ATTENTION_GRADIENT)
		return s->dropout_attention;
	return o->kind == CBTM_OP_DROPOUT && o->flags & CBTM_EMBEDDING ? s->dropout_embedding
	                                                               : s->dropout;
}

struct cbtm_compute {
	struct cbtm_plugin plugin;

	/*
	 * Makes a program of a list, which is checked already (slots, shapes, roles) and is the
	 * caller's again after the call: copy what is needed. An operation or flag that the plugin
	 * does not know is a PLUGIN error with its name. Main thread; the other functions likewise.
	 */
	int (*compile)(const void *options, const struct cbtm_list *list, void **program,
	               struct cbtm_error *e);
	void (*free)(void *program); /* NULL is fine */

	/* The whole tensor, row-major, in its element type: host -> program and back. read() waits
	 * for runs that are under way; `data` is the caller's. Rows that were not computed are
	 * unspecified. */
	int (*write)(void *program, uint32_t tensor, const void *data, struct cbtm_error *e);
	int (*read)(void *program, uint32_t tensor, void *data, struct cbtm_error *e);

	/* Executes a section. May return before it is done; sections run in the order of the calls. */
	int (*run)(void *program, enum cbtm_section section, const struct cbtm_scalars *scalars,
	           struct cbtm_error *e);

	/* What, besides name, version and options, decides the last bits: the kernels chosen for this
	 * processor ("avx512"). Static; kept in resume checkpoints: going on with another is said. */
	const char *(*variant)(const void *options);
};
