
#include "event_stream.h"
#include "text.h"

#include <string.h>
#include <strings.h>


enum {
    QUALITY_ONE = 1000
};


static uint8_t *put(uint8_t *out, const char *text);
static unsigned quality(sealed_bytes_t member, const char *type);
static sealed_bytes_t trim(sealed_bytes_t text);
static sealed_bytes_t take(sealed_bytes_t *text, uint8_t separator);


size_t
sealed_event_size(size_t item)
{
    return sizeof("id: \ndata: \n\n") + SEALED_DECIMAL_SIZE
           + SEALED_BASE64_SIZE(item);
}


uint8_t *
sealed_event_encode(uint8_t *out, uint64_t seq, const uint8_t *item,
    size_t size)
{
    if (seq) {
        out = put(out, "id: ");
        out = (uint8_t *) sealed_decimal_encode((char *) out, seq);
        out = put(out, "\n");
    }

    out = put(out, "data: ");
    out = (uint8_t *) sealed_base64_encode((char *) out, item, size);

    return put(out, "\n\n");
}


uint8_t *
sealed_event_retry(uint8_t out[SEALED_EVENT_RETRY_SIZE],
    uint64_t milliseconds)
{
    out = put(out, "retry: ");
    out = (uint8_t *) sealed_decimal_encode((char *) out, milliseconds);

    return put(out, "\n\n");
}


void
sealed_accept(sealed_accept_t *accept, sealed_bytes_t value)
{
    unsigned        q;
    sealed_bytes_t  member;

    while (value.size) {
        member = take(&value, ',');

        q = quality(member, "text/event-stream");
        accept->stream = q > accept->stream ? q : accept->stream;

        q = quality(member, "application/cbor-seq");
        accept->sequence = q > accept->sequence ? q : accept->sequence;
    }
}


int
sealed_event_stream_accepted(const sealed_accept_t *accept)
{
    return accept->stream && accept->stream >= accept->sequence;
}


/* thousandths; 0: another type, or one that is not wanted */

static unsigned
quality(sealed_bytes_t member, const char *type)
{
    size_t          i;
    unsigned        q, unit;
    sealed_bytes_t  part;

    part = trim(take(&member, ';'));

    if (part.size != strlen(type)
        || strncasecmp((const char *) part.data, type, part.size) != 0)
    {
        return 0;
    }

    while (member.size) {
        part = trim(take(&member, ';'));

        if (part.size < 2
            || (part.data[0] != 'q' && part.data[0] != 'Q')
            || part.data[1] != '=')
        {
            continue;
        }

        if (part.size > 2 && part.data[2] == '1') {
            return QUALITY_ONE;
        }

        q = 0;
        unit = 100;

        for (i = 4; i < part.size && unit; i++) {

            if (part.data[i] < '0' || part.data[i] > '9') {
                break;
            }

            q += unit * (part.data[i] - '0');
            unit /= 10;
        }

        return q;
    }

    return QUALITY_ONE;
}


/* what is in front of the separator; text moves behind it */

static sealed_bytes_t
take(sealed_bytes_t *text, uint8_t separator)
{
    const uint8_t   *end;
    sealed_bytes_t   part;

    end = memchr(text->data, separator, text->size);

    part.data = text->data;
    part.size = end ? (size_t) (end - text->data) : text->size;

    text->data += part.size;
    text->size -= part.size;

    if (end) {
        text->data++;
        text->size--;
    }

    return part;
}


static sealed_bytes_t
trim(sealed_bytes_t text)
{
    while (text.size && (*text.data == ' ' || *text.data == '\t')) {
        text.data++;
        text.size--;
    }

    while (text.size && (text.data[text.size - 1] == ' '
                         || text.data[text.size - 1] == '\t'))
    {
        text.size--;
    }

    return text;
}


static uint8_t *
put(uint8_t *out, const char *text)
{
    size_t  size;

    size = strlen(text);
    memcpy(out, text, size);

    return out + size;
}
