
#include "json_object.h"
#include "text.h"

#include <string.h>


static int read_member(sealed_json_member_t *members, unsigned count,
    sealed_bytes_t *in);
static int read_string(sealed_bytes_t *text, sealed_bytes_t *in);
static int read_number(uint64_t *value, sealed_bytes_t *in);
static int skip(sealed_bytes_t *in, uint8_t octet);
static void skip_space(sealed_bytes_t *in);


int
sealed_json_object_read(sealed_json_member_t *members, unsigned count,
    sealed_bytes_t document)
{
    unsigned  i;

    for (i = 0; i < count; i++) {
        members[i].found = 0;
    }

    if (skip(&document, '{') != 0) {
        return -1;
    }

    for (i = 0; i < count; i++) {
        if ((i && skip(&document, ',') != 0)
            || read_member(members, count, &document) != 0)
        {
            return -1;
        }
    }

    if (skip(&document, '}') != 0) {
        return -1;
    }

    skip_space(&document);

    return document.size == 0 ? 0 : -1;
}


static int
read_member(sealed_json_member_t *members, unsigned count, sealed_bytes_t *in)
{
    unsigned        i;
    sealed_bytes_t  name;

    if (read_string(&name, in) != 0 || skip(in, ':') != 0) {
        return -1;
    }

    for (i = 0; i < count; i++) {
        if (strlen(members[i].name) == name.size
            && memcmp(members[i].name, name.data, name.size) == 0)
        {
            break;
        }
    }

    if (i == count || members[i].found) {
        return -1;
    }

    members[i].found = 1;

    return members[i].type == SEALED_JSON_STRING
           ? read_string(&members[i].text, in)
           : read_number(&members[i].number, in);
}


static int
read_string(sealed_bytes_t *text, sealed_bytes_t *in)
{
    size_t  n;

    if (skip(in, '"') != 0) {
        return -1;
    }

    for (n = 0; n < in->size && in->data[n] != '"'; n++) {
        if (in->data[n] < 0x20 || in->data[n] > 0x7e || in->data[n] == '\\')
        {
            return -1;
        }
    }

    if (n == in->size) {
        return -1;
    }

    text->data = in->data;
    text->size = n;

    in->data += n + 1;
    in->size -= n + 1;

    return 0;
}


static int
read_number(uint64_t *value, sealed_bytes_t *in)
{
    size_t          n;
    sealed_bytes_t  digits;

    skip_space(in);

    n = 0;

    while (n < in->size && in->data[n] >= '0' && in->data[n] <= '9') {
        n++;
    }

    digits.data = in->data;
    digits.size = n;

    in->data += n;
    in->size -= n;

    return sealed_decimal_decode(value, digits);
}


static int
skip(sealed_bytes_t *in, uint8_t octet)
{
    skip_space(in);

    if (in->size == 0 || in->data[0] != octet) {
        return -1;
    }

    in->data++;
    in->size--;

    return 0;
}


static void
skip_space(sealed_bytes_t *in)
{
    while (in->size
           && (in->data[0] == ' ' || in->data[0] == '\t'
               || in->data[0] == '\n' || in->data[0] == '\r'))
    {
        in->data++;
        in->size--;
    }
}
