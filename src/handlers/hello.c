/*
 * hello: answers {"hello": {"text": T}} with Succeeded, message "Hello T!"
 * and the output parameter "greeting", which is T.  T is "template" unless
 * it is given.  Each call prints "hello" in the log.
 */
#include "handlers/hello.h"

#include "base/json.h"
#include "base/log.h"

static int hello_execute(const struct call *call, struct node *node,
			 struct error *err)
{
	const char *text = "template";

	if (json_optional_string(&call->body, "text", &text, err) < 0)
		return -1;

	log_write(LOG_LEVEL_INFO, "hello", "hello");
	node_succeed(node, "Hello %s!", text);
	return node_add_parameter(node, "greeting", text, err);
}

const struct handler handler_hello = {
	.key = "hello",
	.execute = hello_execute,
};

const struct handler handler_howdy = {
	.key = "howdy",
	.execute = hello_execute,
};
