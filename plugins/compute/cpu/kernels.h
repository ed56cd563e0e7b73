/* SPDX-License-Identifier: MIT */
/* kernel: everything in fp32 that is compiled for each instruction set, behind a vector_*.h. */
#pragma once
#include "cpu.h"
#include <math.h>
#include <string.h>

#include "kernel_vector.h"

#include "kernel_product.h"

#include "kernel_frame.h"

#include "kernel_rows.h"

#include "kernel_weights.h"

#include "kernel_attention.h"

#include "kernel_head.h"

#include "kernel_update.h"

#include "kernel_route.h"

#include "kernel_experts.h"

#define KERNELS                                                                                    \
	.panel = PANEL, .pack = pack, .update = task_adamw,                                            \
	.region = { [CLASS_ROWS] = run_rows,                                                           \
		        [CLASS_WEIGHTS] = run_weights,                                                     \
		        [CLASS_ATTENTION] = run_attention,                                                 \
		        [CLASS_ATTENTION_GRADIENT] = run_attention_gradient,                               \
		        [CLASS_HEAD_SCORE] = run_head_score,                                               \
		        [CLASS_HEAD_LOSS] = run_head_loss,                                                 \
		        [CLASS_EMBED_GRADIENT] = run_embed_gradient,                                       \
		        [CLASS_SUMS] = run_sums,                                                           \
		        [CLASS_CLIP] = run_clip,                                                           \
		        [CLASS_ADAMW] = run_adamw,                                                         \
		        [CLASS_ROUTE] = run_route,                                                         \
		        [CLASS_GROUPS] = run_groups },                                                     \
	.rows = {                                                                                      \
		[CBTM_OP_EMBED] = rows_embed,                                                              \
		[CBTM_OP_NORM] = rows_norm,                                                                \
		[CBTM_OP_NORM_GRADIENT] = rows_norm_gradient,                                              \
		[CBTM_OP_LINEAR] = rows_linear,                                                            \
		[CBTM_OP_LINEAR_INPUT] = rows_linear_input,                                                \
		[CBTM_OP_DROPOUT] = rows_dropout,                                                          \
		[CBTM_OP_DISPATCH] = rows_dispatch,                                                        \
		[CBTM_OP_GROUP_LINEAR] = rows_linear,                                                      \
		[CBTM_OP_GROUP_INPUT] = rows_linear_input,                                                 \
		[CBTM_OP_COMBINE] = rows_combine,                                                          \
		[CBTM_OP_ROUTE_GRADIENT] = rows_route_gradient,                                            \
	}
