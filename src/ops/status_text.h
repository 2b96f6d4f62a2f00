/*
 * status_text: texts and numbers as HTML.
 */
#ifndef OPS_STATUS_TEXT_H
#define OPS_STATUS_TEXT_H

#include <stdint.h>

#include "base/buf.h"

/*
 * Append text so that it is only ever text, in an element or in a quoted
 * attribute.  What is not UTF-8, control characters, and characters that
 * turn the writing direction become U+FFFD.
 */
void status_text_add(struct buf *out, const char *text);

/* As above, in an element that keeps its writing direction to itself. */
void status_text_isolate(struct buf *out, const char *text);

/* 1234567 as "1 234 567", with narrow spaces that do not break. */
void status_text_number(struct buf *out, uint64_t number);

/* A duration for a person; nothing when it is negative. */
void status_text_age(struct buf *out, int64_t ms);

/* "7.6 MiB"; negative: "not known". */
void status_text_memory(struct buf *out, int64_t bytes);

#endif
