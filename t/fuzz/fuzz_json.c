
/*
 * What answers are written with: text of any octets comes out as one string
 * that reads as the same, in whatever room there is; what is written by one
 * call after another is a document, or is known not to be one; problem
 * documents can be read by the reader of requests.
 *
 * Aims at: json.c problem.c
 */

#include "fuzz.h"
#include "json.h"
#include "json_object.h"
#include "problem.h"

#include <jansson.h>


enum {
    DEPTH = 16                          /* that there may be */
};


static void check_room(uint64_t number, sealed_bytes_t text);
static void write_all(sealed_json_t *json, uint64_t number,
    sealed_bytes_t text);
static const char *read_string(const char *pos, const char *end,
    sealed_bytes_t text);
static const char *skip(const char *pos, const char *end, const char *text);
static void check_problem(sealed_verdict_t verdict, uint64_t number);
static void check_calls(const uint8_t *data, size_t size);
static int write_calls(sealed_json_t *json, const uint8_t *data,
    size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t        number;
    sealed_bytes_t  text;

    number = 0;

    if (size >= 8) {
        memcpy(&number, data, 8);
        data += 8;
        size -= 8;
    }

    text = copy(data, size);
    check_room(number, text);
    check_calls(text.data, text.size);
    free_copy(text);

    check_problem((sealed_verdict_t) (1 + number % (SEALED_VERDICTS - 1)),
                  number);

    return 0;
}


static void
check_room(uint64_t number, sealed_bytes_t text)
{
    char           *whole, *part, digits[24];
    size_t          size, room;
    const char     *pos, *end;
    sealed_json_t   json;

    size = 2 * 6 * text.size + 200;
    whole = malloc(size);
    CHECK(whole != NULL);

    sealed_json_init(&json, whole, size);
    write_all(&json, number, text);
    CHECK(!json.overflow);

    pos = whole;
    end = json.pos;

    pos = skip(pos, end, "{\"text\":");
    pos = read_string(pos, end, text);
    pos = skip(pos, end, ",\"list\":[");
    (void) sprintf(digits, "%llu", (unsigned long long) number);
    pos = skip(pos, end, digits);
    pos = skip(pos, end, number % 2 ? ",true,null,{}" : ",false,null,{}");
    pos = skip(pos, end, "],\"again\":");
    pos = read_string(pos, end, text);
    pos = skip(pos, end, "}");
    CHECK(pos == end);

    /* in exactly as much room, and in less */

    size = (size_t) (end - whole);

    for (room = size; room + 2 > size; room--) {
        part = malloc(room);
        CHECK(part != NULL);

        sealed_json_init(&json, part, room);
        write_all(&json, number, text);
        CHECK(json.overflow == (room < size));
        CHECK(json.overflow || memcmp(part, whole, size) == 0);
        free(part);
    }

    room = number % size;
    part = malloc(room);
    CHECK(part != NULL);

    sealed_json_init(&json, part, room);
    write_all(&json, number, text);
    CHECK(json.overflow);
    CHECK(json.pos >= part && json.pos <= part + room);
    CHECK(memcmp(part, whole, (size_t) (json.pos - part)) == 0);

    free(part);
    free(whole);
}


static void
write_all(sealed_json_t *json, uint64_t number, sealed_bytes_t text)
{
    sealed_json_object(json);
    sealed_json_name(json, "text");
    sealed_json_string(json, text.data, text.size);
    sealed_json_name(json, "list");
    sealed_json_array(json);
    sealed_json_uint(json, number);
    sealed_json_bool(json, number % 2 != 0);
    sealed_json_null(json);
    sealed_json_object(json);
    sealed_json_object_end(json);
    sealed_json_array_end(json);
    sealed_json_name(json, "again");
    sealed_json_string(json, text.data, text.size);
    sealed_json_object_end(json);
}


/* by RFC 8259, section 7 */

static const char *
read_string(const char *pos, const char *end, sealed_bytes_t text)
{
    char        hex[5];
    size_t      i;
    unsigned    octet;
    const char  *found;

    static const char  escapes[] = "\"\\/bfnrt";
    static const char  means[] = "\"\\/\b\f\n\r\t";

    pos = skip(pos, end, "\"");

    for (i = 0; i < text.size; i++) {
        CHECK(pos < end);

        if (*pos != '\\') {
            octet = (uint8_t) *pos++;
            CHECK(octet >= 0x20 && octet != '"');

        } else if (pos[1] == 'u') {
            CHECK(end - pos >= 6);
            memcpy(hex, pos + 2, 4);
            hex[4] = '\0';
            CHECK(strspn(hex, "0123456789abcdefABCDEF") == 4);
            octet = (unsigned) strtoul(hex, NULL, 16);
            pos += 6;

        } else {
            CHECK(end - pos >= 2 && pos[1] != '\0');
            found = strchr(escapes, pos[1]);
            CHECK(found != NULL);
            octet = (uint8_t) means[found - escapes];
            pos += 2;
        }

        CHECK(octet == text.data[i]);
    }

    return skip(pos, end, "\"");
}


static const char *
skip(const char *pos, const char *end, const char *text)
{
    size_t  size;

    size = strlen(text);
    CHECK((size_t) (end - pos) >= size && memcmp(pos, text, size) == 0);

    return pos + size;
}


static void
check_problem(sealed_verdict_t verdict, uint64_t number)
{
    char                   out[SEALED_PROBLEM_MAX], digits[24];
    size_t                 size;
    unsigned               n;
    sealed_bytes_t         document;
    sealed_json_member_t   members[] = {
        { .name = "type" },
        { .name = "title" },
        { .name = "status", .type = SEALED_JSON_NUMBER },
        { .name = "detail" },
        { .name = "next" }
    };

    for (n = 4; n <= 5; n++) {
        size = sealed_problem_format(out, verdict, n == 5 ? &number : NULL);
        document = copy(out, size);

        CHECK(sealed_json_object_read(members, n, document) == 0);
        CHECK(members[2].number == sealed_problem(verdict)->status);
        CHECK(members[2].number >= 400 && members[2].number < 600);
        CHECK(members[0].text.size && members[1].text.size
              && members[3].text.size);

        if (n == 5) {
            (void) sprintf(digits, "%llu", (unsigned long long) number);
            CHECK(members[4].text.size == strlen(digits));
            CHECK(memcmp(members[4].text.data, digits,
                         members[4].text.size)
                  == 0);
        }

        free_copy(document);
    }
}


/* one call after another, with room enough and with less */

static void
check_calls(const uint8_t *data, size_t size)
{
    int             good;
    char           *whole, *part;
    size_t          all, room;
    json_t         *document;
    sealed_json_t   json;

    if (size < 2) {
        return;
    }

    room = (size_t) data[0] << 8 | data[1];
    data += 2;
    size -= 2;

    all = 64 * (size + 2 * DEPTH);
    whole = malloc(all);
    CHECK(whole != NULL);

    sealed_json_init(&json, whole, all);
    good = write_calls(&json, data, size);
    CHECK(json.overflow == !good);
    all = (size_t) (json.pos - whole);

    if (good) {
        document = json_loadb(whole, all, JSON_ALLOW_NUL, NULL);
        CHECK(document != NULL);
        json_decref(document);
    }

    room %= all + 1;
    part = malloc(room);
    CHECK(part != NULL);

    sealed_json_init(&json, part, room);
    CHECK(write_calls(&json, data, size) == good);
    CHECK(json.overflow == (!good || room < all));
    CHECK(json.pos >= part && json.pos <= part + room);
    CHECK(memcmp(part, whole, (size_t) (json.pos - part)) == 0);

    free(part);
    free(whole);
}


/*
 * An octet for each call, inside an array that is opened first and with what
 * is still open closed at the end.  0 when there are too many levels, or one
 * is closed that is not there.
 */

static int
write_calls(sealed_json_t *json, const uint8_t *data, size_t size)
{
    char      text[8];
    size_t    i, j, n;
    unsigned  depth, object[DEPTH + 1];

    enum { OBJECT, ARRAY, END, NUMBER, BOOL, NIL, BASE64, STRING };

    sealed_json_array(json);
    depth = 1;
    object[1] = 0;

    for (i = 0; i < size; i++) {

        if (depth && object[depth] && data[i] % 8 != END) {
            sealed_json_name(json, "name");
        }

        n = data[i] / 8 % sizeof(text);
        n = n < size - i ? n : size - i;

        switch (depth ? data[i] % 8 : END) {

        case OBJECT:
        case ARRAY:
            if (data[i] % 8 == OBJECT) {
                sealed_json_object(json);

            } else {
                sealed_json_array(json);
            }

            if (depth == DEPTH) {
                return 0;
            }

            object[++depth] = data[i] % 8 == OBJECT;
            break;

        case END:
            if (depth && object[depth]) {
                sealed_json_object_end(json);

            } else {
                sealed_json_array_end(json);
            }

            if (depth == 0) {
                return 0;
            }

            depth--;
            break;

        case NUMBER:
            sealed_json_uint(json, data[i] / 8);
            break;

        case BOOL:
            sealed_json_bool(json, data[i] / 8 % 2);
            break;

        case NIL:
            sealed_json_null(json);
            break;

        case BASE64:
            sealed_json_base64url(json, data + i, n);
            i += n ? n - 1 : 0;
            break;

        default:
            for (j = 0; j < n; j++) {
                text[j] = (char) (data[i + j] & 0x7f);
            }

            sealed_json_string(json, text, n);
            i += n ? n - 1 : 0;
        }
    }

    for (/* void */; depth; depth--) {
        if (object[depth]) {
            sealed_json_object_end(json);

        } else {
            sealed_json_array_end(json);
        }
    }

    return 1;
}
