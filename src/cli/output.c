
#include "output.h"
#include "options.h"
#include "../text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


static size_t character(uint32_t *value, const uint8_t *p,
    const uint8_t *end);
static int harmless(uint32_t value, unsigned lines);
static void say(const char *format, va_list args);


static unsigned  bar_shown;


int
sealed_fail(int code, const char *format, ...)
{
    char     text[1024];
    json_t  *document;
    va_list  args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    if (bar_shown) {
        fputc('\n', stderr);
        bar_shown = 0;
    }

    if (sealed_common.json && sealed_is_text(text, strlen(text))) {
        document = json_pack("{s:s, s:i}", "error", text, "exit", code);
        json_dumpf(document, stderr, JSON_COMPACT);
        json_decref(document);

    } else {
        fputs("sealed: ", stderr);
        sealed_show_text(stderr, text, strlen(text), 0);
    }

    fputc('\n', stderr);

    return code;
}


void
sealed_remark(const char *format, ...)
{
    va_list  args;

    if (sealed_common.json) {
        return;
    }

    va_start(args, format);
    say(format, args);
    va_end(args);
}


void
sealed_detail(const char *format, ...)
{
    va_list  args;

    if (!sealed_common.verbose) {
        return;
    }

    va_start(args, format);
    say(format, args);
    va_end(args);
}


static void
say(const char *format, va_list args)
{
    char  text[1024];

    vsnprintf(text, sizeof(text), format, args);
    sealed_show_text(stderr, text, strlen(text), 0);
    fputc('\n', stderr);
}


void
sealed_emit(json_t *document)
{
    json_dumpf(document, stdout, JSON_COMPACT|JSON_PRESERVE_ORDER);
    fputc('\n', stdout);
    fflush(stdout);
    json_decref(document);
}


json_t *
sealed_emit_base64url(const void *data, size_t size)
{
    char    *text, *end;
    json_t  *value;

    text = malloc(SEALED_BASE64URL_SIZE(size) + 1);
    if (text == NULL) {
        return json_null();
    }

    end = sealed_base64url_encode(text, data, size);
    value = json_stringn(text, (size_t) (end - text));
    free(text);

    return value;
}


void
sealed_show_text(FILE *out, const void *text, size_t size, unsigned lines)
{
    size_t          n;
    uint32_t        value;
    const uint8_t  *p, *end;

    p = text;
    end = p + size;

    while (p < end) {
        n = character(&value, p, end);

        if (n == 0) {
            fputc('?', out);
            p++;
            continue;
        }

        if (harmless(value, lines)) {
            fwrite(p, 1, n, out);

        } else {
            fputc('?', out);
        }

        p += n;
    }
}


int
sealed_is_text(const void *text, size_t size)
{
    size_t          n;
    uint32_t        value;
    const uint8_t  *p, *end;

    p = text;
    end = p + size;

    while (p < end) {
        n = character(&value, p, end);

        if (n == 0 || value == 0) {
            return 0;
        }

        p += n;
    }

    return 1;
}


void
sealed_format_time(char out[SEALED_TIME_TEXT], uint64_t time)
{
    time_t     t;
    struct tm  tm;

    t = (time_t) time;

    if (time > INT32_MAX * UINT64_C(1000)
        || gmtime_r(&t, &tm) == NULL
        || strftime(out, SEALED_TIME_TEXT, "%Y-%m-%d %H:%M UTC", &tm) == 0)
    {
        strcpy(out, "at no known time");
    }
}


void
sealed_progress(const char *label, uint64_t done, uint64_t total)
{
    int  filled;

    enum { WIDTH = 30 };

    static const char  full[] = "##############################";
    static const char  empty[] = "..............................";

    if (sealed_common.json || !isatty(STDERR_FILENO) || total < 2) {
        return;
    }

    filled = (int) (done * WIDTH / total);

    fprintf(stderr, "\r%s [%.*s%.*s] %3u%% (%llu of %llu)", label, filled,
            full, WIDTH - filled, empty, (unsigned) (done * 100 / total),
            (unsigned long long) done, (unsigned long long) total);

    bar_shown = (done != total);

    if (!bar_shown) {
        fputc('\n', stderr);
    }

    fflush(stderr);
}


/* one character of UTF-8 (RFC 3629); 0 when it is none */

static size_t
character(uint32_t *value, const uint8_t *p, const uint8_t *end)
{
    size_t    i, n;
    uint32_t  lowest;

    if (p[0] < 0x80) {
        *value = p[0];
        return 1;
    }

    if ((p[0] & 0xe0) == 0xc0) {
        n = 2;
        lowest = 0x80;
        *value = p[0] & 0x1f;

    } else if ((p[0] & 0xf0) == 0xe0) {
        n = 3;
        lowest = 0x800;
        *value = p[0] & 0x0f;

    } else if ((p[0] & 0xf8) == 0xf0) {
        n = 4;
        lowest = 0x10000;
        *value = p[0] & 0x07;

    } else {
        return 0;
    }

    if ((size_t) (end - p) < n) {
        return 0;
    }

    for (i = 1; i < n; i++) {

        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }

        *value = (*value << 6) | (p[i] & 0x3f);
    }

    if (*value < lowest
        || *value > 0x10ffff
        || (*value >= 0xd800 && *value <= 0xdfff))
    {
        return 0;
    }

    return n;
}


static int
harmless(uint32_t value, unsigned lines)
{
    if (value < 0x20) {
        return lines && (value == '\n' || value == '\t');
    }

    return !(value >= 0x7f && value < 0xa0)
           && !(value >= 0x202a && value <= 0x202e)
           && !(value >= 0x2066 && value <= 0x2069)
           && value != 0x2028 && value != 0x2029
           && value != 0x200e && value != 0x200f;
}
