/* SPDX-License-Identifier: MIT */
/* kernel: sums over a vector's lanes and the exponential function. */
#pragma once

enum { PANEL = 2 * WIDTH };

/* Numbers of lanes; the first WIDTH of `lanes_kept` keep a lane, the rest clear it. */
static const int32_t lane_numbers[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
static const int32_t lanes_kept[32] = { -1, -1, -1, -1, -1, -1, -1, -1,
	                                    -1, -1, -1, -1, -1, -1, -1, -1 };

static inline ivec ivec_load(const int32_t *p)
{
	ivec v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* The first n lanes, zeros behind. */
static inline vec vec_keep(vec v, size_t n)
{
	return (vec)((ivec)v & ivec_load(lanes_kept + 16 - n));
}

/* Unsigned, as bits of a number that is not finite may wrap. */
typedef uint32_t uvec __attribute__((vector_size(sizeof(vec))));

/* Lanes are added in a fixed tree: halves onto halves. */
static inline float vec_sum(vec v)
{
	ivec lanes = ivec_load(lane_numbers);
	for (int n = WIDTH / 2; n; n /= 2)
		v += __builtin_shuffle(v, lanes ^ n);
	return v[0];
}

static inline float vec_largest(vec v)
{
	ivec lanes = ivec_load(lane_numbers);
	for (int n = WIDTH / 2; n; n /= 2)
		v = vec_max(v, __builtin_shuffle(v, lanes ^ n));
	return v[0];
}

/*
 * e^x for x <= 88, 0 below -87: x = n ln 2 + r, |r| <= ln 2 / 2, e^r by the polynomial of Cephes'
 * expf (Moshier 1989), error about 1e-7.
 */
static inline vec vec_exp(vec x)
{
	const vec magic = vec_set(12582912.0f); /* 1.5 2^23: adding it rounds to an integer */
	vec t = vec_fma(x, vec_set(1.44269504088896341f), magic);
	uvec n = (uvec)t - (uvec)magic;
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
	uvec bits = (uvec)p + (n << 23);
	return (vec)(bits & ~(uvec)(x < vec_set(-87.0f)));
}

/*
 * GELU's gate s(z) (<cbtm/compute.h>) and the slope of z s(z). The exponent is held at 80: there
 * the gate is 0 in single precision, and z cubed may be as large as it likes.
 */
static inline vec vec_gelu_gate(vec z)
{
	vec u = vec_fma(z * z * z, vec_set(0.044715f), z) * vec_set(1.5957691216f);
	return vec_set(1) / (vec_set(1) + vec_exp(-vec_max(u, vec_set(-80))));
}

static inline vec vec_gelu_slope(vec z)
{
	vec s = vec_gelu_gate(z), one = vec_set(1);
	vec slope = vec_fma(z * z, vec_set(3 * 0.044715f), one) * vec_set(1.5957691216f);
	return vec_fma(z * s * (one - s), slope, s);
}
