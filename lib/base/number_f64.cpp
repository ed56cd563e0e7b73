/* SPDX-License-Identifier: MIT */
/* The two functions of base/number.h that <charconv> does exactly and without a locale. */
#include <charconv>
#include <cmath>
#include <cstring>

extern "C" {
#include "base/number.h"
}

extern "C" bool number_parse_f64(const char *s, size_t n, double *v)
{
	double x = 0;
	/* from_chars reads "inf" and "nan" too: what is left starts with a digit or a point. */
	size_t sign = n > 0 && s[0] == '-';

	if (n == sign || !((s[sign] >= '0' && s[sign] <= '9') || s[sign] == '.'))
		return false;
	std::from_chars_result r = std::from_chars(s, s + n, x, std::chars_format::general);
	if (r.ec != std::errc() || r.ptr != s + n || !std::isfinite(x))
		return false;
	*v = x;
	return true;
}

/* What both kinds print alike; NULL: an ordinary number. */
static const char *special(double v)
{
	if (!std::isfinite(v))
		return "null";
	return v != 0 ? NULL : std::signbit(v) ? "-0.0" : "0";
}

/* As people write: digits from 1e-4 up to `large`, an exponent outside. */
template <typename T> static size_t print(T v, double large, char buf[32])
{
	double size = std::fabs((double)v);

	if (const char *text = special((double)v)) {
		size_t n = std::strlen(text);
		std::memcpy(buf, text, n + 1);
		return n;
	}
	std::chars_format format =
		size >= 1e-4 && size < large ? std::chars_format::fixed : std::chars_format::scientific;
	std::to_chars_result r = std::to_chars(buf, buf + 31, v, format);
	*r.ptr = 0;
	return (size_t)(r.ptr - buf);
}

extern "C" size_t number_print_f64(double v, char buf[32])
{
	return print(v, 1e16, buf);
}

/* Whole floats from 2^24 on have digits that they do not need. */
extern "C" size_t number_print_f32(float v, char buf[32])
{
	return print(v, 1e7, buf);
}
