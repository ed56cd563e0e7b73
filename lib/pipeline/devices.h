/* SPDX-License-Identifier: MIT */
/*
 * Which devices (GPUs) a run may use. What CUDA_VISIBLE_DEVICES lists is all there is, else what Slurm
 * gave the job (SLURM_STEP_GPUS, SLURM_JOB_GPUS); a number counts the devices that are visible, from
 * 0, as CUDA itself counts them.
 */
#pragma once
#include "base/memory.h"
#include <cbtm/param.h>

/* Names for CUDA_VISIBLE_DEVICES. n = 0: none were asked for, and jobs inherit the environment. */
struct devices {
	const char **name;
	size_t n;
};

/* `asked`: numbers or names (GPU-..., MIG-...), or "all"; in the arena. CONFIG at "devices" for one
 * that is not visible or is there twice, and for "all" where nothing says what there is. */
int devices_choose(const struct cbtm_texts *asked, struct arena *a, struct devices *d,
                   struct cbtm_error *e);
