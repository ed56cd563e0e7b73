/* SPDX-License-Identifier: MIT */
/*
 * The reading half of base/json.h. A struct json is a place on simdjson's tape: the document's
 * address and an index into the tape (an array of 64-bit words, described in simdjson's
 * doc/tape.md). Nothing here throws: allocations are nothrow, simdjson's functions noexcept.
 */
#include <cstring>
#include <new>
#include <simdjson.h>
#include <unistd.h>

extern "C" {
#include "base/json.h"
#include "base/number.h"
}

using simdjson::internal::tape_ref;
using simdjson::internal::tape_type;

enum {
	DEEPEST = 64,
	FIRST_CAPACITY = 4096,
	LONG_INTEGER = 19 /* characters that may be too many */
};
static const size_t longest_message = 120;

struct json_parser {
	simdjson::dom::parser parser;
};

static tape_ref place(struct json v)
{
	return tape_ref(static_cast<const simdjson::dom::document *>(v.document), v.index);
}

/* Says what an error would say: nothing that allocates may be called here. */
[[noreturn]] static void give_up()
{
	static const char text[] = "cbtm: cannot allocate memory to start the JSON parser\n"
							   "cbtm: hint: free some memory, or use fewer threads\n";

	_exit(write(STDERR_FILENO, text, sizeof text - 1) < 0 ? 71
	                                                      : error_exit_status(CBTM_ERR_MEMORY));
}

/* simdjson chooses its kernels on first use, behind noexcept: a failed allocation there would end
 * in std::terminate, so for that moment the process ends with a sentence instead. */
static bool choose_kernels()
{
	std::new_handler before = std::set_new_handler(give_up);
	bool chosen = simdjson::get_active_implementation()->name().size() != 0;

	std::set_new_handler(before);
	return chosen;
}

extern "C" struct json_parser *json_parser_new(struct cbtm_error *e)
{
	static const bool chosen = choose_kernels();
	struct json_parser *p = chosen ? new (std::nothrow) json_parser : NULL;

	if (p && p->parser.allocate(FIRST_CAPACITY, DEEPEST) == simdjson::SUCCESS)
		return p;
	delete p;
	error_set(e, CBTM_ERR_MEMORY, NULL, "cannot allocate a JSON parser");
	return NULL;
}

extern "C" void json_parser_free(struct json_parser *p)
{
	delete p;
}

static int refuse(simdjson::error_code code, const char *where, struct cbtm_error *e)
{
	const char *text = simdjson::error_message(code), *colon = std::strstr(text, ": ");
	size_t n;

	switch (code) {
	case simdjson::MEMALLOC:
		return error_set(e, CBTM_ERR_MEMORY, where, "cannot allocate memory to parse JSON");
	case simdjson::CAPACITY:
		return error_set(e, CBTM_ERR_BAD_JSON, where, "is larger than 4 GB");
	case simdjson::DEPTH_ERROR:
		return error_set(e, CBTM_ERR_BAD_JSON, where, "is nested more than %d deep", DEEPEST);
	case simdjson::EMPTY:
		return error_set(e, CBTM_ERR_BAD_JSON, where, "is empty where JSON was expected");
	case simdjson::UTF8_ERROR:
		return error_set(e, CBTM_ERR_BAD_UTF8, where, "is not valid UTF-8");
	default:
		break;
	}
	text = colon ? colon + 2 : text; /* without simdjson's name of the error */
	n = std::strcspn(text, ".");
	return error_set(e, CBTM_ERR_BAD_JSON, where, "is not valid JSON: %.*s",
	                 (int)(n < longest_message ? n : longest_message), text);
}

static bool is_digit(const char *text, size_t n, size_t i)
{
	return i < n && text[i] >= '0' && text[i] <= '9';
}

/* The end of the number that begins at `from`; `from` if there is none. JSON's grammar. */
static size_t number_end(const char *text, size_t n, size_t from)
{
	size_t i = from + (text[from] == '-');
	bool zero = i < n && text[i] == '0';

	if (!is_digit(text, n, i))
		return from;
	for (i++; !zero && is_digit(text, n, i);)
		i++;
	if (i < n && text[i] == '.' && is_digit(text, n, i + 1))
		for (i++; is_digit(text, n, i);)
			i++;
	if (i < n && (text[i] | 0x20) == 'e') {
		size_t j = i + 1 + (i + 1 < n && (text[i + 1] == '+' || text[i + 1] == '-'));
		for (; is_digit(text, n, j); j++)
			i = j + 1;
	}
	return i;
}

/* Whether simdjson has no room for a number: an integer beyond 64 bits, 1e999. */
static bool has_no_room(struct json_parser *p, const char *number, size_t n)
{
	bool integer = true;
	double x;

	for (size_t i = 0; i < n; i++)
		integer &= number[i] == '-' || (number[i] >= '0' && number[i] <= '9');
	if (integer ? n < LONG_INTEGER : number_parse_f64(number, n, &x))
		return false;
	return p->parser.parse(number, n, true).error() == simdjson::NUMBER_ERROR;
}

/* Walks the numbers of a text that simdjson has no room for. */
struct numbers {
	const char *text;
	size_t n, from, end; /* the number is [from, end) */
	size_t strings;      /* before it, keys and values, and numbers of this kind */
};

static bool is_key(const struct numbers *w, size_t end)
{
	while (end < w->n && std::memchr(" \t\r\n", w->text[end], 4))
		end++;
	return end < w->n && w->text[end] == ':';
}

static size_t string_end(const struct numbers *w, size_t from)
{
	size_t i = from + 1;

	while (i < w->n && w->text[i] != '"')
		i += 1 + (w->text[i] == '\\');
	return i < w->n ? i + 1 : w->n;
}

static bool next_number(struct json_parser *p, struct numbers *w)
{
	for (size_t i = w->end, end; i < w->n; i = end) {
		char c = w->text[i];

		end = i + 1;
		if (c == '"') {
			end = string_end(w, i);
			w->strings++;
		} else if (c == '-' || (c >= '0' && c <= '9')) {
			end = number_end(w->text, w->n, i);
			if (has_no_room(p, w->text + i, end - i) && !is_key(w, end)) {
				w->from = i;
				w->end = end;
				return true;
			}
			end += end == i;
		}
	}
	return false;
}

/* A type that simdjson's tape has not: a number that is spelt by the string there. */
static const uint64_t SPELT = 'N';

static bool is_spelt(tape_ref t)
{
	return static_cast<uint64_t>(t.tape_ref_type()) == SPELT;
}

/* Makes numbers of strings on the tape: string[0 .. n) in ascending order. */
static void make_spelt(struct json_parser *p, const size_t *string, size_t n)
{
	uint64_t *tape = p->parser.doc.tape.get();
	size_t seen = 0, done = 0;

	for (size_t i = 1; done < n; i++) {
		char type = static_cast<char>(tape[i] >> 56);
		if (type == '"' && seen++ == string[done]) {
			tape[i] = (tape[i] << 8 >> 8) | SPELT << 56;
			done++;
		}
		i += type == 'l' || type == 'u' || type == 'd'; /* the number is in the next word */
	}
}

/* Parses a text whose numbers may be of any size: those that simdjson has no room for are strings of
 * a copy, whose type is changed on the tape. */
static simdjson::error_code parse_spelt(struct json_parser *p, const char *text, size_t n)
{
	struct numbers w = { text, n, 0, 0, 0 };
	size_t found = 0, copied = 0, from = 0;
	simdjson::error_code code = simdjson::NUMBER_ERROR;

	while (next_number(p, &w))
		found++;
	if (!found)
		return code;
	char *copy = new (std::nothrow) char[n + 2 * found + JSON_PADDING];
	size_t *string = new (std::nothrow) size_t[found];
	if (!copy || !string) {
		code = simdjson::MEMALLOC;
	} else {
		w = { text, n, 0, 0, 0 };
		for (size_t i = 0; next_number(p, &w); from = w.end, w.strings++) {
			string[i++] = w.strings;
			std::memcpy(copy + copied, text + from, w.from - from);
			copied += w.from - from;
			copy[copied++] = '"';
			std::memcpy(copy + copied, text + w.from, w.end - w.from);
			copied += w.end - w.from;
			copy[copied++] = '"';
		}
		std::memcpy(copy + copied, text + from, n - from);
		copied += n - from;
		std::memset(copy + copied, 0, JSON_PADDING);
		code = p->parser.parse(copy, copied, false).error();
		if (!code)
			make_spelt(p, string, found);
	}
	delete[] copy;
	delete[] string;
	return code;
}

static int parse(struct json_parser *p, const char *text, size_t n, bool copy, const char *where,
                 struct json *root, struct cbtm_error *e)
{
	static_assert(JSON_PADDING >= simdjson::SIMDJSON_PADDING, "simdjson reads further");
	simdjson::error_code code = p->parser.parse(text, n, copy).error();

	if (code == simdjson::NUMBER_ERROR)
		code = parse_spelt(p, text, n);
	if (code)
		return refuse(code, where, e);
	root->document = &p->parser.doc;
	root->index = 1; /* word 0 is the tape's own root */
	return 0;
}

extern "C" int json_parse(struct json_parser *p, const char *text, size_t n, const char *where,
                          struct json *root, struct cbtm_error *e)
{
	return parse(p, text, n, true, where, root, e);
}

extern "C" int json_parse_padded(struct json_parser *p, const char *text, size_t n,
                                 const char *where, struct json *root, struct cbtm_error *e)
{
	return parse(p, text, n, false, where, root, e);
}

extern "C" enum json_type json_type(struct json v)
{
	switch (place(v).tape_ref_type()) {
	case tape_type::TRUE_VALUE:
	case tape_type::FALSE_VALUE:
		return JSON_BOOL;
	case tape_type::INT64:
		return JSON_INT;
	case tape_type::UINT64:
		return JSON_UINT;
	case tape_type::DOUBLE:
		return JSON_DOUBLE;
	case tape_type::STRING:
		return JSON_STRING;
	case tape_type::START_ARRAY:
		return JSON_ARRAY;
	case tape_type::START_OBJECT:
		return JSON_OBJECT;
	default:
		return is_spelt(place(v)) ? JSON_DOUBLE : JSON_NULL;
	}
}

extern "C" bool json_string(struct json v, const char **s, size_t *n)
{
	tape_ref t = place(v);

	if (t.tape_ref_type() != tape_type::STRING)
		return false;
	*s = t.get_c_str();
	*n = t.get_string_length();
	return true;
}

extern "C" bool json_spelling(struct json v, const char **s, size_t *n)
{
	tape_ref t = place(v);

	if (!is_spelt(t))
		return false;
	*s = t.get_c_str();
	*n = t.get_string_length();
	return true;
}

extern "C" bool json_u64(struct json v, uint64_t *x)
{
	tape_ref t = place(v);

	if (t.tape_ref_type() == tape_type::UINT64) {
		*x = t.next_tape_value<uint64_t>();
		return true;
	}
	if (t.tape_ref_type() != tape_type::INT64 || t.next_tape_value<int64_t>() < 0)
		return false;
	*x = static_cast<uint64_t>(t.next_tape_value<int64_t>());
	return true;
}

extern "C" bool json_i64(struct json v, int64_t *x)
{
	tape_ref t = place(v);

	if (t.tape_ref_type() != tape_type::INT64)
		return false;
	*x = t.next_tape_value<int64_t>();
	return true;
}

extern "C" bool json_f64(struct json v, double *x)
{
	tape_ref t = place(v);

	switch (t.tape_ref_type()) {
	case tape_type::DOUBLE:
		*x = t.next_tape_value<double>();
		return true;
	case tape_type::INT64:
		*x = static_cast<double>(t.next_tape_value<int64_t>());
		return true;
	case tape_type::UINT64:
		*x = static_cast<double>(t.next_tape_value<uint64_t>());
		return true;
	default:
		return is_spelt(t) && number_parse_f64(t.get_c_str(), t.get_string_length(), x);
	}
}

extern "C" bool json_bool(struct json v, bool *x)
{
	tape_type type = place(v).tape_ref_type();

	if (type != tape_type::TRUE_VALUE && type != tape_type::FALSE_VALUE)
		return false;
	*x = type == tape_type::TRUE_VALUE;
	return true;
}

extern "C" bool json_next(struct json container, size_t *cursor, const char **key, size_t *key_n,
                          struct json *v)
{
	tape_ref t = place(container);
	bool object = t.tape_ref_type() == tape_type::START_OBJECT;
	size_t at = *cursor ? *cursor : container.index + 1;

	if (!object && t.tape_ref_type() != tape_type::START_ARRAY)
		return false;
	if (at >= static_cast<size_t>(t.matching_brace_index()) - 1) /* the word that closes it */
		return false;
	if (object) {
		tape_ref name(t.doc, at);
		if (key)
			*key = name.get_c_str();
		if (key_n)
			*key_n = name.get_string_length();
		at++;
	}
	v->document = container.document;
	v->index = at;
	*cursor = tape_ref(t.doc, at).after_element();
	return true;
}

extern "C" bool json_member(struct json object, const char *name, struct json *v)
{
	size_t cursor = 0, key_n, n = std::strlen(name);
	const char *key;
	struct json value;
	bool found = false;

	if (json_type(object) != JSON_OBJECT)
		return false;
	while (json_next(object, &cursor, &key, &key_n, &value))
		if (key_n == n && std::memcmp(key, name, n) == 0) {
			*v = value;
			found = true;
		}
	return found;
}

extern "C" bool json_at(struct json object, const char *path, struct json *v)
{
	for (;;) {
		const char *dot = std::strchr(path, '.');
		char name[256];

		if (json_type(object) != JSON_OBJECT)
			return false;
		if (json_member(object, path, v))
			return true;
		if (!dot || (size_t)(dot - path) >= sizeof name)
			return false;
		std::memcpy(name, path, (size_t)(dot - path));
		name[dot - path] = 0;
		if (!json_member(object, name, &object))
			return false;
		path = dot + 1;
	}
}

/* Walks: the count on the tape stops at 2^24 - 1. */
extern "C" size_t json_count(struct json container)
{
	size_t cursor = 0, n = 0;
	struct json v;

	while (json_next(container, &cursor, NULL, NULL, &v))
		n++;
	return n;
}
