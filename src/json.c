
#include "json.h"
#include "text.h"

#include <string.h>


enum {
    MAX_DEPTH = 16
};


static void value(sealed_json_t *json);
static void put(sealed_json_t *json, const char *text, size_t size);
static void open_level(sealed_json_t *json, char bracket);
static void close_level(sealed_json_t *json, char bracket);


void
sealed_json_init(sealed_json_t *json, char *out, size_t size)
{
    memset(json, 0, sizeof(sealed_json_t));
    json->start = out;
    json->pos = out;
    json->end = out + size;
}


void
sealed_json_object(sealed_json_t *json)
{
    open_level(json, '{');
}


void
sealed_json_object_end(sealed_json_t *json)
{
    close_level(json, '}');
}


void
sealed_json_array(sealed_json_t *json)
{
    open_level(json, '[');
}


void
sealed_json_array_end(sealed_json_t *json)
{
    close_level(json, ']');
}


void
sealed_json_name(sealed_json_t *json, const char *name)
{
    sealed_json_string(json, name, strlen(name));
    put(json, ":", 1);
    json->after_name = 1;
}


void
sealed_json_uint(sealed_json_t *json, uint64_t number)
{
    char  digits[SEALED_DECIMAL_SIZE], *end;

    value(json);
    end = sealed_decimal_encode(digits, number);
    put(json, digits, (size_t) (end - digits));
}


void
sealed_json_bool(sealed_json_t *json, int truth)
{
    value(json);
    put(json, truth ? "true" : "false", truth ? 4 : 5);
}


void
sealed_json_null(sealed_json_t *json)
{
    value(json);
    put(json, "null", 4);
}


void
sealed_json_string(sealed_json_t *json, const void *text, size_t size)
{
    char            escape[6];
    size_t          i;
    const uint8_t  *p = text;

    static const char  hex[] = "0123456789abcdef";

    value(json);
    put(json, "\"", 1);

    for (i = 0; i < size; i++) {

        if (p[i] == '"' || p[i] == '\\') {
            escape[0] = '\\';
            escape[1] = (char) p[i];
            put(json, escape, 2);

        } else if (p[i] < 0x20) {
            memcpy(escape, "\\u00", 4);
            escape[4] = hex[p[i] >> 4];
            escape[5] = hex[p[i] & 0xf];
            put(json, escape, 6);

        } else {
            put(json, (const char *) &p[i], 1);
        }
    }

    put(json, "\"", 1);
}


void
sealed_json_base64url(sealed_json_t *json, const void *data, size_t size)
{
    value(json);

    if (json->overflow
        || (size_t) (json->end - json->pos)
           < SEALED_BASE64URL_SIZE(size) + 2)
    {
        json->overflow = 1;
        return;
    }

    *json->pos++ = '"';
    json->pos = sealed_base64url_encode(json->pos, data, size);
    *json->pos++ = '"';
}


/* the comma in front of whatever comes next */

static void
value(sealed_json_t *json)
{
    uint32_t  bit;

    if (json->after_name) {
        json->after_name = 0;
        return;
    }

    bit = (uint32_t) 1 << json->depth;

    if (json->filled & bit) {
        put(json, ",", 1);
    }

    json->filled |= bit;
}


static void
open_level(sealed_json_t *json, char bracket)
{
    value(json);

    if (json->depth == MAX_DEPTH) {
        json->overflow = 1;
        return;
    }

    put(json, &bracket, 1);
    json->depth++;
    json->filled &= ~((uint32_t) 1 << json->depth);
}


static void
close_level(sealed_json_t *json, char bracket)
{
    if (json->depth == 0) {
        json->overflow = 1;
        return;
    }

    json->depth--;
    put(json, &bracket, 1);
}


static void
put(sealed_json_t *json, const char *text, size_t size)
{
    if (json->overflow || (size_t) (json->end - json->pos) < size) {
        json->overflow = 1;
        return;
    }

    memcpy(json->pos, text, size);
    json->pos += size;
}
