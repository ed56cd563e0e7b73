/* SPDX-License-Identifier: MIT */
/* SIGTERM and SIGINT set a flag; the second one leaves at once with status 75. */
#pragma once
#include "base/error.h"
#include <stdbool.h>

void signals_install(void);
bool signals_stop_requested(void);
/* 0, or a STOPPED error if a stop was requested: call it between commits. */
int signals_check(struct cbtm_error *e);
