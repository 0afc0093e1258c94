
/*
 * A key of a handshake, a line, and a list of tokens.  Both are judged once
 * more: the key by libsodium, the list by a word at a time.
 */

#include "fuzz.h"
#include "websocket.h"

#include <strings.h>


static int is_key(sealed_bytes_t text);
static int is_listed(sealed_bytes_t list, const char *token);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t           i;
    sealed_bytes_t   key, list;
    const uint8_t   *pos, *end;

    static const char  *tokens[] = { "upgrade", "websocket", "a" };

    pos = data;
    end = data + size;

    key = next_line(&pos, end);
    list = copy(pos, (size_t) (end - pos));

    CHECK((sealed_websocket_key_check(key) == 0) == is_key(key));

    for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        CHECK(sealed_token_listed(list, tokens[i])
              == is_listed(list, tokens[i]));
    }

    free_copy(key);
    free_copy(list);

    return 0;
}


/* 16 octets, in the only way to write them */

static int
is_key(sealed_bytes_t text)
{
    char     again[32];
    size_t   size;
    uint8_t  octets[16];

    if (text.size != 24
        || sodium_base642bin(octets, sizeof(octets),
                             (const char *) text.data, text.size, NULL,
                             &size, NULL, sodium_base64_VARIANT_ORIGINAL)
           != 0
        || size != sizeof(octets))
    {
        return 0;
    }

    sodium_bin2base64(again, sizeof(again), octets, sizeof(octets),
                      sodium_base64_VARIANT_ORIGINAL);

    return memcmp(again, text.data, 24) == 0;
}


static int
is_listed(sealed_bytes_t list, const char *token)
{
    size_t  i, begin, end, length;

    length = strlen(token);

    for (begin = 0; begin < list.size; begin = i + 1) {

        for (i = begin; i < list.size && list.data[i] != ','; i++) {
            continue;
        }

        end = i;

        while (begin < end && strchr(" \t", list.data[begin])
               && list.data[begin])
        {
            begin++;
        }

        while (end > begin && strchr(" \t", list.data[end - 1])
               && list.data[end - 1])
        {
            end--;
        }

        if (end - begin == length
            && strncasecmp((const char *) list.data + begin, token, length)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}
