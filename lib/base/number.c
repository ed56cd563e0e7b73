/* SPDX-License-Identifier: MIT */
#include "base/number.h"
#include <stdio.h>
#include <string.h>

bool number_parse_u64(const char *s, size_t n, uint64_t *v)
{
	uint64_t x = 0;

	if (n == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(x, (uint64_t)10, &x) ||
		    __builtin_add_overflow(x, (uint64_t)(s[i] - '0'), &x))
			return false;
	}
	*v = x;
	return true;
}

bool number_parse_i64(const char *s, size_t n, int64_t *v)
{
	bool minus = n > 0 && s[0] == '-';
	uint64_t x;

	if (!number_parse_u64(s + minus, n - minus, &x))
		return false;
	if (x > (uint64_t)INT64_MAX + minus)
		return false;
	*v = minus ? (int64_t)-x : (int64_t)x;
	return true;
}

/* Cuts a suffix off s[0..*n) and returns what it stands for; 1 if there is none. */
static uint64_t cut_suffix(const char *s, size_t *n)
{
	static const struct {
		const char *text;
		uint64_t factor;
	} suffixes[] = {
		{ "Ki", 1ull << 10 }, { "Mi", 1ull << 20 }, { "Gi", 1ull << 30 },   { "K", 1000 },
		{ "M", 1000000 },     { "G", 1000000000 },  { "T", 1000000000000 },
	};

	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		size_t length = strlen(suffixes[i].text);
		if (*n > length && memcmp(s + *n - length, suffixes[i].text, length) == 0) {
			*n -= length;
			return suffixes[i].factor;
		}
	}
	return 1;
}

bool number_parse_count(const char *s, size_t n, uint64_t *v)
{
	uint64_t factor = cut_suffix(s, &n), whole, fraction = 0, scale = 1;
	const char *point = n ? memchr(s, '.', n) : NULL;
	size_t digits = 0;

	if (!number_parse_u64(s, point ? (size_t)(point - s) : n, &whole))
		return false;
	if (point) {
		digits = n - (size_t)(point - s) - 1;
		if (digits == 0)
			return false;
		while (digits > 1 && point[digits] == '0')
			digits--;
		/* More digits than the largest factor has cannot come out whole. */
		if (digits > 18 || !number_parse_u64(point + 1, digits, &fraction))
			return false;
		for (size_t i = 0; i < digits; i++)
			scale *= 10;
	}
	/* fraction < 1e18 and factor <= 1e12: no overflow in 128 bits. */
	unsigned __int128 part = (unsigned __int128)fraction * factor;
	if (part % scale != 0 || __builtin_mul_overflow(whole, factor, &whole) ||
	    __builtin_add_overflow(whole, (uint64_t)(part / scale), &whole))
		return false;
	*v = whole;
	return true;
}

/* Three digits: "1.23" "12.3" "123", made of integers, so that no locale has a say. */
static void three_digits(double v, const char *unit, char buf[16])
{
	unsigned hundredths = (unsigned)(v * 100 + 0.5), tenths = (unsigned)(v * 10 + 0.5);

	if (hundredths < 1000)
		snprintf(buf, 16, "%u.%02u%.3s", hundredths / 100, hundredths % 100, unit);
	else if (tenths < 1000)
		snprintf(buf, 16, "%u.%u%.3s", tenths / 10, tenths % 10, unit);
	else
		snprintf(buf, 16, "%u%.3s", (unsigned)(v + 0.5), unit);
}

static void scaled(double v, const char *const units[], size_t n, char buf[16])
{
	size_t i = 0;

	if (!(v >= 0) || v > 1e18) { /* negative, not a number, or nothing that we count */
		snprintf(buf, 16, "%s", v > 1e18 ? "many" : "-");
		return;
	}
	while (v >= 999.5 && i + 1 < n) {
		v /= 1000;
		i++;
	}
	if (i == 0 && v == (double)(unsigned)v)
		snprintf(buf, 16, "%u%s", (unsigned)v, units[0]);
	else
		three_digits(v, units[i], buf);
}

void number_human(double v, char buf[16])
{
	static const char *const units[] = { "", "K", "M", "G", "T" };

	scaled(v, units, sizeof units / sizeof *units, buf);
}

void number_human_bytes(uint64_t v, char buf[16])
{
	static const char *const units[] = { " B", " KB", " MB", " GB", " TB" };

	scaled((double)v, units, sizeof units / sizeof *units, buf);
}

void number_human_seconds(double v, char buf[16])
{
	unsigned tenths, s;

	if (!(v >= 0) || v > 1e8) {
		snprintf(buf, 16, "-");
		return;
	}
	tenths = (unsigned)(v * 10 + 0.5);
	s = (unsigned)(v + 0.5);
	if (tenths < 600)
		snprintf(buf, 16, "%u.%u s", tenths / 10, tenths % 10);
	else if (s < 3600)
		snprintf(buf, 16, "%u:%02u", s / 60, s % 60);
	else
		snprintf(buf, 16, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
}
