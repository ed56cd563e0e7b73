/* SPDX-License-Identifier: MIT */
/* kernel: everything that is compiled for each instruction set, behind a vector_*.h. */
#pragma once
#include "cpu.h"
#include <math.h>
#include <string.h>

#include "kernel_vector.h"

#include "kernel_product.h"

#include "kernel_rows.h"

#include "kernel_weights.h"

#include "kernel_attention.h"

#include "kernel_head.h"

#include "kernel_update.h"

#define REGION_FUNCTIONS                                                                           \
	{                                                                                              \
		[CLASS_ROWS] = run_rows, [CLASS_WEIGHTS] = run_weights, [CLASS_ATTENTION] = run_attention, \
		[CLASS_ATTENTION_GRADIENT] = run_attention_gradient, [CLASS_HEAD_SCORE] = run_head_score,  \
		[CLASS_HEAD_LOSS] = run_head_loss, [CLASS_EMBED_GRADIENT] = run_embed_gradient,            \
		[CLASS_SUMS] = run_sums, [CLASS_CLIP] = run_clip, [CLASS_ADAMW] = run_adamw                \
	}
