
/*
 * Reports and revocations: what is taken is written again as the shortest
 * document with the same members, and that is taken for the same.
 */

#include "fuzz.h"
#include "json.h"
#include "json_object.h"


static void write_again(sealed_json_t *json,
    const sealed_json_member_t members[2], char *out, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                  *out;
    sealed_json_t          json;
    sealed_bytes_t         document;
    sealed_json_member_t   found[2], again[2];

    static const sealed_json_member_t  members[2] = {
        { "id", SEALED_JSON_STRING, { NULL, 0 }, 0, 0 },
        { "until", SEALED_JSON_NUMBER, { NULL, 0 }, 0, 0 }
    };

    document = copy(data, size);
    memcpy(found, members, sizeof(found));

    if (sealed_json_object_read(found, 2, document) == 0) {
        CHECK(found[0].found && found[1].found);
        CHECK(found[0].text.size == 0
              || inside(found[0].text.data, found[0].text.size,
                        document.data, document.size));

        out = malloc(size + 64);
        CHECK(out != NULL);
        write_again(&json, found, out, size + 64);

        memcpy(again, members, sizeof(again));
        CHECK(sealed_json_object_read(again, 2,
                  (sealed_bytes_t) { (uint8_t *) out,
                                     (size_t) (json.pos - out) }) == 0);
        CHECK(again[1].number == found[1].number);
        CHECK(again[0].text.size == found[0].text.size);
        CHECK(memcmp(again[0].text.data, found[0].text.data,
                     found[0].text.size) == 0);
        free(out);
    }

    free_copy(document);

    return 0;
}


static void
write_again(sealed_json_t *json, const sealed_json_member_t members[2],
    char *out, size_t size)
{
    sealed_json_init(json, out, size);
    sealed_json_object(json);
    sealed_json_name(json, "until");
    sealed_json_uint(json, members[1].number);
    sealed_json_name(json, "id");
    sealed_json_string(json, members[0].text.data, members[0].text.size);
    sealed_json_object_end(json);

    CHECK(!json->overflow);
}
