/*
 * methods: the table.  The last part of the path is the method's name.
 */
#include "rpc/methods.h"

#include <string.h>

#include "base/array.h"
#include "rpc/execute.h"

static const struct method methods_table[] = {
	{ "template.execute", execute_template },
};

const struct method *methods_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(methods_table); i++) {
		if (strcmp(methods_table[i].name, name) == 0)
			return &methods_table[i];
	}
	return NULL;
}
