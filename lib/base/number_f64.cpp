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

/* As people write: digits from 1e-4 up to 1e16, an exponent outside. */
extern "C" size_t number_print_f64(double v, char buf[32])
{
	const char *special = !std::isfinite(v) ? "null"
	                      : v == 0          ? std::signbit(v) ? "-0.0" : "0"
	                                        : NULL;
	double size = std::fabs(v);

	if (special) {
		size_t n = std::strlen(special);
		std::memcpy(buf, special, n + 1);
		return n;
	}
	std::chars_format format =
		size >= 1e-4 && size < 1e16 ? std::chars_format::fixed : std::chars_format::scientific;
	std::to_chars_result r = std::to_chars(buf, buf + 31, v, format);
	*r.ptr = 0;
	return (size_t)(r.ptr - buf);
}
