
/*
 * An Accept header, which means the same however it is written; and an item
 * with its number as an event, which is what it was after it has been read
 * by the rules of the standard.
 */

#include "event_stream.h"
#include "fuzz.h"
#include "text.h"

#include <ctype.h>


static void check_accept(sealed_bytes_t accept);
static int asked(const char *before, sealed_bytes_t accept,
    const char *after);
static int accepted(sealed_bytes_t value);
static int mentions(sealed_bytes_t text, const char *word);
static void check_event(uint64_t seq, sealed_bytes_t item);
static void check_retry(uint64_t milliseconds);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t         seq;
    sealed_bytes_t   accept, item;
    const uint8_t   *pos, *end;

    pos = data;
    end = data + size;

    accept = next_line(&pos, end);
    check_accept(accept);
    free_copy(accept);

    seq = 0;

    if (end - pos >= 8) {
        memcpy(&seq, pos, 8);
        pos += 8;
    }

    item = copy(pos, (size_t) (end - pos));
    check_event(seq, item);
    check_retry(seq);
    free_copy(item);

    return 0;
}


static void
check_accept(sealed_bytes_t accept)
{
    int              yes;
    size_t           i;
    uint8_t         *p;
    sealed_bytes_t   other;

    yes = accepted(accept);

    CHECK(yes == 0 || yes == 1);
    CHECK(!yes || mentions(accept, "text/event-stream"));

    /* case means nothing, nor do empty members and other types */

    other = copy(accept.data, accept.size);
    p = (uint8_t *) other.data;

    for (i = 0; i < other.size; i++) {
        p[i] = (uint8_t) (islower(p[i]) ? toupper(p[i]) : tolower(p[i]));
    }

    CHECK(accepted(other) == yes);
    free_copy(other);

    CHECK(asked(" ,\t", accept, " , ") == yes);
    CHECK(asked("text/html;q=1,", accept, ",*/*;q=0.9") == yes);

    /* what is wanted most is not wanted less than anything else */

    CHECK(asked("text/event-stream,", accept, "") == 1);
    CHECK(asked("", accept, " , Text/Event-Stream ; q=1.0") == 1);

    if (!mentions(accept, "event-stream")) {
        CHECK(asked("text/event-stream;q=0.9,", accept,
                    ",application/cbor-seq") == 0);
        CHECK(asked("", accept, ",text/event-stream;q=0.000") == 0);
    }
}


static int
asked(const char *before, sealed_bytes_t accept, const char *after)
{
    int              yes;
    size_t           first, last;
    uint8_t         *p;
    sealed_bytes_t   whole;

    first = strlen(before);
    last = strlen(after);

    p = malloc(first + accept.size + last);
    CHECK(p != NULL);

    memcpy(p, before, first);
    memcpy(p + first, accept.data, accept.size);
    memcpy(p + first + accept.size, after, last);

    whole.data = p;
    whole.size = first + accept.size + last;
    yes = accepted(whole);

    free(p);

    return yes;
}


static int
accepted(sealed_bytes_t value)
{
    sealed_accept_t  accept;

    memset(&accept, 0, sizeof(accept));
    sealed_accept(&accept, value);

    return sealed_event_stream_accepted(&accept);
}


static int
mentions(sealed_bytes_t text, const char *word)
{
    size_t  i, size;

    size = strlen(word);

    for (i = 0; i + size <= text.size; i++) {
        if (strncasecmp((const char *) text.data + i, word, size) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
check_event(uint64_t seq, sealed_bytes_t item)
{
    char            *pos;
    size_t           n, most;
    uint8_t         *text, *end, *again;
    uint64_t         number;
    const char      *last;
    sealed_bytes_t   id;

    most = sealed_event_size(item.size);
    text = malloc(most + 1);
    again = malloc(item.size + 1);
    CHECK(text != NULL && again != NULL);

    end = sealed_event_encode(text, seq, item.data, item.size);
    CHECK((size_t) (end - text) <= most);
    *end = '\0';

    pos = (char *) text;

    if (seq) {
        CHECK(strncmp(pos, "id: ", 4) == 0);
        id.data = (const uint8_t *) pos + 4;
        id.size = strcspn(pos + 4, "\n");
        CHECK(sealed_decimal_decode(&number, id) == 0);
        CHECK(number == seq);
        pos += 4 + id.size + 1;
    }

    CHECK(strncmp(pos, "data: ", 6) == 0);
    pos += 6;

    CHECK(sodium_base642bin(again, item.size, pos, strcspn(pos, "\n"), NULL,
                            &n, &last, sodium_base64_VARIANT_ORIGINAL)
          == 0);
    CHECK(n == item.size && memcmp(again, item.data, n) == 0);
    CHECK(strcmp(last, "\n\n") == 0);
    CHECK((const uint8_t *) last + 2 == end);

    free(text);
    free(again);
}


static void
check_retry(uint64_t milliseconds)
{
    uint8_t        *end, text[SEALED_EVENT_RETRY_SIZE];
    uint64_t        number;
    sealed_bytes_t  digits;

    end = sealed_event_retry(text, milliseconds);
    CHECK(end - text <= SEALED_EVENT_RETRY_SIZE);
    CHECK(memcmp(text, "retry: ", 7) == 0);
    CHECK(memcmp(end - 2, "\n\n", 2) == 0);

    digits.data = text + 7;
    digits.size = (size_t) (end - text) - 9;
    CHECK(sealed_decimal_decode(&number, digits) == 0);
    CHECK(number == milliseconds);
}
