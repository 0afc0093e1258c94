
/*
 * What people and programs see.  Results go to stdout, everything else to
 * stderr.  With --json each line of stdout is a JSON document, and an error
 * is one on stderr: {"error":"...","exit":4}.
 *
 * Text that came from outside (names, messages, a gateway's words) is shown
 * with control and direction-changing characters replaced, so that it cannot
 * drive the terminal.
 */

#ifndef SEALED_CLI_OUTPUT_H
#define SEALED_CLI_OUTPUT_H


#include "../sealed.h"

#include <stdio.h>
#include <jansson.h>


#pragma GCC visibility push(hidden)


#define SEALED_TIME_TEXT  32


/* says why on stderr and returns code */
int sealed_fail(int code, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/* stderr; remarks only where a person reads them, details only with -v */
void sealed_remark(const char *format, ...)
    __attribute__ ((format (printf, 1, 2)));
void sealed_detail(const char *format, ...)
    __attribute__ ((format (printf, 1, 2)));

/* one line of JSON on stdout; takes over the reference */
void sealed_emit(json_t *document);

/* base64url as a JSON string */
json_t *sealed_emit_base64url(const void *data, size_t size);

/* line feeds and tabs stay when lines is set */
void sealed_show_text(FILE *out, const void *text, size_t size,
    unsigned lines);

/* whether it can be shown as text at all: UTF-8 without zero octets */
int sealed_is_text(const void *text, size_t size);

/* "2026-01-31 13:00 UTC" */
void sealed_format_time(char out[SEALED_TIME_TEXT], uint64_t time);

/* a bar on stderr if that is a terminal; total reached ends it */
void sealed_progress(const char *label, uint64_t done, uint64_t total);


#pragma GCC visibility pop


#endif /* SEALED_CLI_OUTPUT_H */
