/* SPDX-License-Identifier: MIT */
#include "base/signals.h"
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* sig_atomic_t alone does not do for other threads. */
static volatile sig_atomic_t requests;

static void on_signal(int number)
{
	(void)number;
	if (__atomic_fetch_add(&requests, 1, __ATOMIC_RELAXED) > 0)
		_exit(75);
}

void signals_install(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART;
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

void signals_request_stop(void)
{
	__atomic_fetch_add(&requests, 1, __ATOMIC_RELAXED);
}

bool signals_stop_requested(void)
{
	return __atomic_load_n(&requests, __ATOMIC_RELAXED) > 0;
}

int signals_check(struct cbtm_error *e)
{
	if (!signals_stop_requested())
		return 0;
	return error_set(e, CBTM_ERR_STOPPED, NULL, "stopped on request");
}
