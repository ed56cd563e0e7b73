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
}

using simdjson::internal::tape_ref;
using simdjson::internal::tape_type;

enum { DEEPEST = 64, FIRST_CAPACITY = 4096 };
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

/* Whether the digits are an integer, and not behind a point or in an exponent, without 64 bits. */
static bool is_too_long(const char *text, size_t from, size_t end, size_t n)
{
	bool negative = from && text[from - 1] == '-';
	const char *largest = negative ? "9223372036854775808" : "18446744073709551615";
	size_t most = std::strlen(largest), before = from - negative;

	if ((before && std::memchr(".eE+", text[before - 1], 4)) ||
	    (end < n && std::memchr(".eE", text[end], 3)))
		return false;
	return end - from > most || (end - from == most && std::memcmp(text + from, largest, most) > 0);
}

/* A copy in which integers that have no 64 bits are doubles ("...656.0"), as other readers take them
 * (transformers writes 1000000000000000019884624838656); NULL: there is none, or no memory. */
static char *with_doubles(const char *text, size_t n, size_t *copied)
{
	char *copy = new (std::nothrow) char[n + n / 8 + 1];
	size_t to = 0, changed = 0;
	bool inside = false;

	for (size_t i = 0; copy && i < n;) {
		size_t from = i++;
		if (inside) {
			i += text[from] == '\\' && i < n;
			inside = text[from] != '"';
		} else if (text[from] == '"') {
			inside = true;
		} else if (text[from] >= '0' && text[from] <= '9') {
			while (i < n && text[i] >= '0' && text[i] <= '9')
				i++;
		}
		std::memcpy(copy + to, text + from, i - from);
		to += i - from;
		if (!inside && i - from > 18 && is_too_long(text, from, i, n)) {
			copy[to++] = '.';
			copy[to++] = '0';
			changed++;
		}
	}
	*copied = to;
	if (changed)
		return copy;
	delete[] copy;
	return NULL;
}

static int parse(struct json_parser *p, const char *text, size_t n, bool copy, const char *where,
                 struct json *root, struct cbtm_error *e)
{
	static_assert(JSON_PADDING >= simdjson::SIMDJSON_PADDING, "simdjson reads further");
	simdjson::dom::element element;
	simdjson::error_code code = p->parser.parse(text, n, copy).get(element);

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

extern "C" int json_parse_wide(struct json_parser *p, const char *text, size_t n, const char *where,
                               struct json *root, struct cbtm_error *e)
{
	size_t more;
	char *other = with_doubles(text, n, &more);
	int status = other ? parse(p, other, more, true, where, root, e)
	                   : parse(p, text, n, true, where, root, e);

	delete[] other;
	return status;
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
		return JSON_NULL;
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
		return false;
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

	if (json_type(object) != JSON_OBJECT)
		return false;
	while (json_next(object, &cursor, &key, &key_n, &value))
		if (key_n == n && std::memcmp(key, name, n) == 0) {
			*v = value;
			return true;
		}
	return false;
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
