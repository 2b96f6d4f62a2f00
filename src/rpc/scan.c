/*
 * scan: RFC 8259 as a loop with a stack of bits.
 */
#include "rpc/scan.h"

#include <string.h>

#include "base/buf.h"
#include "rpc/lexer.h"

enum {
	SCAN_LEVELS = 4, /* root, its members, theirs, and theirs */
};

struct scanner {
	struct lexer lexer;
	struct buf levels; /* a bit each: 1 is an object */
	size_t depth;      /* levels that are open */
	/*
	 * The member of each of the first levels that is being read; which
	 * of the plugin's keys it is, where the level is the plugin's.
	 */
	enum scan_member in[SCAN_LEVELS];
	size_t key;
	struct scan *scan;
};

/* A row per member: whose it is, and its name. */
static const struct {
	enum scan_member parent;
	const char *name;
} scan_rows[SCAN_MEMBERS] = {
	[SCAN_ROOT] = { SCAN_OTHER, "" },
	[SCAN_WORKFLOW] = { SCAN_ROOT, "workflow" },
	[SCAN_METADATA] = { SCAN_WORKFLOW, "metadata" },
	[SCAN_NAME] = { SCAN_METADATA, "name" },
	[SCAN_NAMESPACE] = { SCAN_METADATA, "namespace" },
	[SCAN_UID] = { SCAN_METADATA, "uid" },
	[SCAN_TEMPLATE] = { SCAN_ROOT, "template" },
	[SCAN_TEMPLATE_NAME] = { SCAN_TEMPLATE, "name" },
	[SCAN_TIMEOUT] = { SCAN_TEMPLATE, "timeout" },
	[SCAN_INPUTS] = { SCAN_TEMPLATE, "inputs" },
	[SCAN_OUTPUTS] = { SCAN_TEMPLATE, "outputs" },
	[SCAN_PLUGIN] = { SCAN_TEMPLATE, "plugin" },
};

static bool scan_is_in_plugin(const struct scanner *scanner)
{
	return scanner->depth >= 2 && scanner->in[1] == SCAN_TEMPLATE &&
	       scanner->in[2] == SCAN_PLUGIN;
}

static void scan_note_limit(struct scanner *scanner, enum scan_limit limit)
{
	if (scanner->scan->limit != SCAN_WITHIN)
		return;
	scanner->scan->limit = limit;
	scanner->scan->limit_is_in_plugin = scan_is_in_plugin(scanner);
}

static bool scan_level_is_object(const struct scanner *scanner)
{
	size_t level = scanner->depth - 1;

	return (scanner->levels.data[level / 8] >> level % 8) & 1;
}

static void scan_push(struct scanner *scanner, bool is_object)
{
	size_t level = scanner->depth++;
	unsigned char *byte, bit = (unsigned char)(1U << level % 8);

	if (level / 8 >= scanner->levels.len)
		buf_add_char(&scanner->levels, '\0');
	byte = (unsigned char *)&scanner->levels.data[level / 8];
	*byte = (unsigned char)(is_object ? *byte | bit : *byte & ~bit);
	if (scanner->depth < SCAN_LEVELS)
		scanner->in[scanner->depth] = SCAN_OTHER;
	if (scanner->depth == 3)
		scanner->key = SCAN_KEYS;
	if (scanner->depth > SCAN_DEPTH)
		scan_note_limit(scanner, SCAN_TOO_DEEP);
	if (is_object && ++scanner->scan->n_objects > SCAN_OBJECTS)
		scan_note_limit(scanner, SCAN_TOO_MANY_OBJECTS);
}

/* Where the value that begins or ends here is to be noted; NULL: nowhere. */
static struct scan_range *scan_range_here(struct scanner *scanner)
{
	if (scanner->depth >= SCAN_LEVELS)
		return NULL;
	if (scanner->in[scanner->depth] != SCAN_OTHER)
		return &scanner->scan->members[scanner->in[scanner->depth]];
	if (scanner->depth == 3 && scan_is_in_plugin(scanner) &&
	    scanner->key < SCAN_KEYS)
		return &scanner->scan->bodies[scanner->key];
	return NULL;
}

static void scan_note_begin(struct scanner *scanner)
{
	struct scan_range *range = scan_range_here(scanner);

	if (range == NULL)
		return;
	range->text = scanner->lexer.at;
	range->n_values = scanner->scan->n_values - 1;
}

static void scan_note_end(struct scanner *scanner)
{
	struct scan_range *range = scan_range_here(scanner);

	if (range == NULL)
		return;
	range->len = (size_t)(scanner->lexer.at - range->text);
	range->n_values = scanner->scan->n_values - range->n_values;
}

/* The member comes (again): what an earlier one held does not count. */
static void scan_forget(struct scan *scan, enum scan_member member)
{
	bool is_part[SCAN_MEMBERS] = { false };

	/* Parents stand before their members. */
	is_part[member] = true;
	for (size_t i = member; i < SCAN_MEMBERS; i++) {
		if (scan_rows[i].parent != SCAN_OTHER &&
		    is_part[scan_rows[i].parent])
			is_part[i] = true;
		if (is_part[i])
			scan->members[i] = (struct scan_range){ NULL, 0, 0 };
	}
	if (is_part[SCAN_PLUGIN])
		scan->n_keys = 0;
}

/* A key of template.plugin; one that comes again is still one. */
static void scan_note_key(struct scanner *scanner)
{
	struct scan *scan = scanner->scan;
	const char *name = scanner->lexer.name;
	size_t i;

	for (i = 0; i < scan->n_keys && i < SCAN_KEYS; i++) {
		if (strcmp(scan->keys[i], name) == 0)
			break;
	}
	scanner->key = i;
	if (i < scan->n_keys && i < SCAN_KEYS)
		return;
	if (i < SCAN_KEYS)
		memcpy(scan->keys[i], name, SCAN_KEY_BYTES);
	scan->n_keys++;
}

/* A member name was read: is it one that we know? */
static void scan_note_name(struct scanner *scanner)
{
	size_t depth = scanner->depth;
	enum scan_member parent;

	if (depth >= SCAN_LEVELS)
		return;
	parent = scanner->in[depth - 1];
	scanner->in[depth] = SCAN_OTHER;
	if (parent == SCAN_OTHER)
		return;
	if (parent == SCAN_PLUGIN) {
		scan_note_key(scanner);
		return;
	}
	for (enum scan_member i = parent + 1; i < SCAN_MEMBERS; i++) {
		if (scan_rows[i].parent != parent ||
		    strcmp(scan_rows[i].name, scanner->lexer.name) != 0)
			continue;
		scanner->in[depth] = i;
		scan_forget(scanner->scan, i);
		return;
	}
}

/* A member name and its colon. */
static int scan_name(struct scanner *scanner)
{
	struct lexer *lexer = &scanner->lexer;

	lexer_space(lexer);
	if (!lexer_is(lexer, '"'))
		return lexer_fail(lexer, "no member name");
	if (lexer_name(lexer) < 0)
		return -1;
	lexer_space(lexer);
	if (!lexer_is(lexer, ':'))
		return lexer_fail(lexer, "no colon behind a member name");
	lexer->at++;
	scan_note_name(scanner);
	return 0;
}

static int scan_number(struct scanner *scanner)
{
	if (lexer_number(&scanner->lexer) < 0)
		return -1;
	if (scanner->lexer.number_is_odd)
		scan_note_limit(scanner, SCAN_NUMBER_RANGE);
	scanner->lexer.number_is_odd = false;
	return 0;
}

/* A value that is not a container. */
static int scan_scalar(struct scanner *scanner)
{
	switch (*scanner->lexer.at) {
	case '"':
		return lexer_string(&scanner->lexer);
	case 't':
		return lexer_word(&scanner->lexer, "true");
	case 'f':
		return lexer_word(&scanner->lexer, "false");
	case 'n':
		return lexer_word(&scanner->lexer, "null");
	default:
		return scan_number(scanner);
	}
}

/*
 * The beginning of a value: a scalar whole, or a container up to its first
 * member.  *opened_r says that a member must follow.
 */
static int scan_value(struct scanner *scanner, bool *opened_r)
{
	bool is_object;

	lexer_space(&scanner->lexer);
	*opened_r = false;
	if (scanner->lexer.at == scanner->lexer.end)
		return lexer_fail(&scanner->lexer,
				  "the end where a value is due");
	if (++scanner->scan->n_values > SCAN_VALUES)
		scan_note_limit(scanner, SCAN_TOO_MANY_VALUES);
	scan_note_begin(scanner);
	if (*scanner->lexer.at != '{' && *scanner->lexer.at != '[')
		return scan_scalar(scanner);

	is_object = *scanner->lexer.at == '{';
	scanner->lexer.at++;
	scan_push(scanner, is_object);
	lexer_space(&scanner->lexer);
	if (lexer_is(&scanner->lexer, is_object ? '}' : ']')) {
		scanner->lexer.at++;
		scanner->depth--;
		return 0;
	}
	*opened_r = true;
	return 0;
}

/*
 * Behind a value: close what ends here, up to a comma or the end of the
 * text.
 */
static int scan_after(struct scanner *scanner)
{
	bool is_object;

	scan_note_end(scanner);
	while (scanner->depth > 0) {
		lexer_space(&scanner->lexer);
		is_object = scan_level_is_object(scanner);
		if (lexer_is(&scanner->lexer, ',')) {
			scanner->lexer.at++;
			return 0;
		}
		if (!lexer_is(&scanner->lexer, is_object ? '}' : ']'))
			return lexer_fail(
				&scanner->lexer,
				is_object ? "no comma or } in an object"
					  : "no comma or ] in an array");
		scanner->lexer.at++;
		scanner->depth--;
		scan_note_end(scanner);
	}
	return 0;
}

static int scan_document(struct scanner *scanner)
{
	bool opened;

	do {
		if (scanner->depth > 0 && scan_level_is_object(scanner) &&
		    scan_name(scanner) < 0)
			return -1;
		if (scan_value(scanner, &opened) < 0)
			return -1;
		if (!opened && scan_after(scanner) < 0)
			return -1;
	} while (scanner->depth > 0);

	lexer_space(&scanner->lexer);
	if (scanner->lexer.at != scanner->lexer.end)
		return lexer_fail(&scanner->lexer,
				  "something behind the value");
	return 0;
}

enum scan_place scan_place_of(const struct scan_range *range)
{
	if (range->text == NULL)
		return SCAN_ABSENT;
	return *range->text == '{' ? SCAN_OBJECT : SCAN_NO_OBJECT;
}

int scan_call(const char *text, size_t len, struct scan *scan_r,
	      struct error *err)
{
	struct scanner scanner = {
		.lexer = { .begin = text,
			   .at = text,
			   .end = text + len,
			   .err = err },
		.scan = scan_r,
	};
	int ret;

	memset(scan_r, 0, sizeof(*scan_r));
	buf_init(&scanner.levels, len / 8 + 1);
	ret = scan_document(&scanner);
	buf_clear(&scanner.levels);
	scan_r->root_is_object =
		scan_place_of(&scan_r->members[SCAN_ROOT]) == SCAN_OBJECT;
	scan_r->template_place = scan_place_of(&scan_r->members[SCAN_TEMPLATE]);
	scan_r->plugin_place = scan_place_of(&scan_r->members[SCAN_PLUGIN]);
	return ret;
}

const char *scan_limit_text(enum scan_limit limit)
{
	switch (limit) {
	case SCAN_TOO_DEEP:
		return "nested deeper than 128 levels";
	case SCAN_TOO_MANY_VALUES:
		return "more than 20000 values";
	case SCAN_TOO_MANY_OBJECTS:
		return "more than 2000 objects";
	case SCAN_NUMBER_RANGE:
		return "a number outside of 64-bit integers and doubles";
	case SCAN_WITHIN:
		break;
	}
	return "";
}
