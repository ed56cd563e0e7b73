/* SPDX-License-Identifier: MIT */
/* kernel: sums over a vector's lanes and the exponential function. */
#pragma once

enum { PANEL = 2 * WIDTH };

/* Lanes are added in a fixed tree: halves onto halves. */
static inline float vec_sum(vec v)
{
	float x[WIDTH];
	vec_store(x, v);
	for (int n = WIDTH / 2; n; n /= 2)
		for (int i = 0; i < n; i++)
			x[i] += x[i + n];
	return x[0];
}

static inline float vec_largest(vec v)
{
	float x[WIDTH];
	vec_store(x, v);
	for (int n = WIDTH / 2; n; n /= 2)
		for (int i = 0; i < n; i++)
			x[i] = x[i] > x[i + n] ? x[i] : x[i + n];
	return x[0];
}

/*
 * e^x for x <= 88, 0 below -87: x = n ln 2 + r, |r| <= ln 2 / 2, e^r by the polynomial of Cephes'
 * expf (Moshier 1989), error about 1e-7.
 */
static inline vec vec_exp(vec x)
{
	const vec magic = vec_set(12582912.0f); /* 1.5 2^23: adding it rounds to an integer */
	vec t = vec_fma(x, vec_set(1.44269504088896341f), magic);
	ivec n = (ivec)t - (ivec)magic;
	vec whole = t - magic;
	vec r = vec_fma(whole, vec_set(-0.693359375f), x);
	r = vec_fma(whole, vec_set(2.12194440e-4f), r);
	vec p = vec_set(1.9875691500e-4f);
	p = vec_fma(p, r, vec_set(1.3981999507e-3f));
	p = vec_fma(p, r, vec_set(8.3334519073e-3f));
	p = vec_fma(p, r, vec_set(4.1665795894e-2f));
	p = vec_fma(p, r, vec_set(1.6666665459e-1f));
	p = vec_fma(p, r, vec_set(5.0000001201e-1f));
	p = vec_fma(p, r * r, r) + vec_set(1.0f);
	ivec bits = (ivec)p + (n << 23);
	return (vec)(bits & ~(ivec)(x < vec_set(-87.0f)));
}
