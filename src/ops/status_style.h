/*
 * status_style: how /status looks: light and dark, narrow and wide.
 */
#ifndef OPS_STATUS_STYLE_H
#define OPS_STATUS_STYLE_H

/* CSS in pieces, the last one NULL. */
extern const char *const status_style[];

#endif
