/*
 * registry: the list of built-in handlers, and what --handlers leaves.
 */
#include "handlers/registry.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "handlers/hello.h"

static const struct handler *const registry_built_in[] = {
	&handler_hello,
	&handler_howdy,
};

void registry_init(struct registry *registry)
{
	memset(registry, 0, sizeof(*registry));
	for (size_t i = 0; i < ARRAY_LEN(registry_built_in); i++)
		registry_add(registry, registry_built_in[i], NULL);
}

int registry_add(struct registry *registry, const struct handler *handler,
		 struct error *err)
{
	if (registry_find(registry, handler->key) >= 0)
		return error_set(err, ERROR_CONFIG,
				 "two handlers for the key '%s'", handler->key);
	if (registry->n == BOARD_HANDLERS)
		return error_set(err, ERROR_CONFIG, "more than %d handlers",
				 BOARD_HANDLERS);
	registry->handlers[registry->n] = handler;
	registry->keys[registry->n++] = handler->key;
	return 0;
}

/* Is key one of the comma list? */
static bool registry_is_listed(const char *list, const char *key)
{
	size_t key_len = strlen(key), len;

	for (;;) {
		len = strcspn(list, ",");
		if (len == key_len && memcmp(list, key, len) == 0)
			return true;
		if (list[len] == '\0')
			return false;
		list += len + 1;
	}
}

int registry_select(struct registry *registry, const char *keys,
		    struct error *err)
{
	struct registry all = *registry;
	char key[SCAN_KEY_BYTES];
	const char *at = keys;
	size_t len;

	if (keys == NULL)
		return 0;
	for (;; at += len + 1) {
		len = strcspn(at, ",");
		snprintf(key, sizeof(key), "%.*s", (int)len, at);
		if (registry_find(&all, key) < 0)
			return error_set(err, ERROR_CONFIG,
					 "--handlers: there is no handler '%s'",
					 key);
		if (at[len] == '\0')
			break;
	}
	memset(registry, 0, sizeof(*registry));
	for (size_t i = 0; i < all.n; i++) {
		if (registry_is_listed(keys, all.keys[i]))
			registry_add(registry, all.handlers[i], NULL);
	}
	return 0;
}

int registry_find(const struct registry *registry, const char *key)
{
	for (size_t i = 0; i < registry->n; i++) {
		if (strcmp(registry->keys[i], key) == 0)
			return (int)i;
	}
	return -1;
}
