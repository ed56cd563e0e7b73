/* SPDX-License-Identifier: MIT */
#include "model/pace.h"

void pace_start(struct pace *p, double every, uint64_t bytes, double now)
{
	*p = (struct pace){
		.every = every, .started = now, .saved = now, .cost = (double)bytes / PACE_BYTES
	};
}

bool pace_due(const struct pace *p, double now)
{
	if (p->every <= 0)
		return true;
	return now - p->saved >= p->every && p->spent + p->cost <= PACE_SHARE * (now - p->started);
}

void pace_saved(struct pace *p, double begin, double end)
{
	p->cost = end - begin;
	p->spent += p->cost;
	p->saved = end;
	p->saves++;
}

double pace_share(const struct pace *p, double now)
{
	return now > p->started ? p->spent / (now - p->started) : 0;
}
