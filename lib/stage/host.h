/* SPDX-License-Identifier: MIT */
/* Fills the table that cbtm lends to plugins (include/cbtm/host.h): one per process. */
#pragma once
#include "base/pool.h"
#include <cbtm/host.h>

/*
 * Makes the table known to the loader. `pool` (NULL: the caller's thread alone) is what plugins
 * get; it must live until the next call or the last call of a plugin. Main thread, before the first
 * plugin_open.
 */
void host_start(struct pool *pool);
const struct cbtm_host *host_table(void);
