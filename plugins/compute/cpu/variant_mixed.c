/* SPDX-License-Identifier: MIT */
/* bf16 operands on AVX-512 BF16. */
#if defined(__x86_64__)
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx2,fma,prefer-vector-width=512")

#include "vector_avx512.h"

#include "cpu.h"
#include <math.h>
#include <string.h>

#include "kernel_vector.h"

#include "kernel_frame.h"

#include "kernel_update.h"

#include "mixed_product.h"

#include "mixed_forms.h"

#include "mixed_pack.h"

#include "mixed_turn.h"

#include "mixed_rows.h"

#include "kernel_route.h"

#include "mixed_experts.h"

#include "mixed_weights.h"

#include "mixed_attention.h"

#include "mixed_head.h"

const struct variant variant_mixed = { .name = "avx512bf16",
	                                   .mixed = true,
	                                   .panel = PANEL,
	                                   .pack = mixed_pack,
	                                   .update = task_adamw,
	                                   .forms = make_forms,
	                                   .region = { [CLASS_ROWS] = run_rows,
	                                               [CLASS_WEIGHTS] = run_mixed_weights,
	                                               [CLASS_ATTENTION] = run_mixed_attention,
	                                               [CLASS_ATTENTION_GRADIENT] =
	                                                   run_mixed_attention_gradient,
	                                               [CLASS_HEAD_SCORE] = run_mixed_score,
	                                               [CLASS_HEAD_LOSS] = run_mixed_loss,
	                                               [CLASS_EMBED_GRADIENT] = run_embed_gradient,
	                                               [CLASS_SUMS] = run_sums,
	                                               [CLASS_CLIP] = run_clip,
	                                               [CLASS_ADAMW] = run_adamw,
	                                               [CLASS_ROUTE] = run_route,
	                                               [CLASS_GROUPS] = run_groups },
	                                   .rows = { [CBTM_OP_EMBED] = rows_embed,
	                                             [CBTM_OP_NORM] = mixed_norm,
	                                             [CBTM_OP_NORM_GRADIENT] = mixed_norm_gradient,
	                                             [CBTM_OP_LINEAR] = mixed_linear,
	                                             [CBTM_OP_LINEAR_INPUT] = mixed_linear_input,
	                                             [CBTM_OP_DROPOUT] = mixed_dropout,
	                                             [CBTM_OP_DISPATCH] = mixed_dispatch,
	                                             [CBTM_OP_GROUP_LINEAR] = mixed_linear,
	                                             [CBTM_OP_GROUP_INPUT] = mixed_linear_input,
	                                             [CBTM_OP_COMBINE] = mixed_combine,
	                                             [CBTM_OP_ROUTE_GRADIENT] = mixed_route_gradient,
	                                             [OP_FORMS] = mixed_forms } };
#endif
