
#include "show.h"
#include "options.h"
#include "output.h"

#include <string.h>


static void show_line(const sealed_item_t *item,
    const sealed_envelope_t *envelope);
static void show_json(const sealed_item_t *item,
    const sealed_envelope_t *envelope, const sealed_message_t *message,
    const sealed_inbox_result_t *result);
static json_t *describe(const sealed_item_t *item);
static json_t *text_or_octets(const void *data, size_t size);


/* by sealed_inbox_state_t */

static const char  *notes[] = {
    NULL,
    NULL,
    NULL,
    NULL,
    "a file that is stored already",
    "the end of a file whose earlier pieces are missing",
    "a file longer than --max-size",
    "a file that is not what its sender's digest says"
};


void
sealed_show_message(const sealed_item_t *item,
    const sealed_envelope_t *envelope, const sealed_message_t *message,
    const sealed_inbox_result_t *result)
{
    if (result->state == SEALED_INBOX_PIECE
        || (result->state == SEALED_INBOX_FILE && message->offset))
    {
        sealed_progress("receiving", message->offset + message->content.size,
                        message->total);
    }

    if (result->state == SEALED_INBOX_PIECE
        || result->state == SEALED_INBOX_PASSED_OVER)
    {
        return;
    }

    if (sealed_common.json) {
        show_json(item, envelope, message, result);
        return;
    }

    show_line(item, envelope);

    if (result->state == SEALED_INBOX_TEXT) {
        sealed_show_text(stdout, result->text, result->size, 1);

        if (result->size == 0 || result->text[result->size - 1] != '\n') {
            putchar('\n');
        }

    } else if (result->state == SEALED_INBOX_FILE) {
        fputs("file ", stdout);
        sealed_show_text(stdout, result->path, strlen(result->path), 0);
        printf(", %llu octets\n", (unsigned long long) message->total);

    } else {
        printf("(%s)\n", notes[result->state]);
    }

    putchar('\n');
    fflush(stdout);
}


void
sealed_show_refused(const sealed_item_t *item, const char *why)
{
    json_t  *document;

    if (sealed_common.json) {
        document = describe(item);
        json_object_set_new(document, "error", json_string(why));
        sealed_emit(document);
        return;
    }

    show_line(item, NULL);
    printf("(%s)\n\n", why);
    fflush(stdout);
}


static void
show_line(const sealed_item_t *item, const sealed_envelope_t *envelope)
{
    char  when[SEALED_TIME_TEXT];

    sealed_format_time(when, item->hour > UINT32_MAX ? UINT64_MAX
                                                     : item->hour * 3600);

    if (item->seq) {
        printf("#%llu ", (unsigned long long) item->seq);
    }

    if (envelope) {
        sealed_show_text(stdout, envelope->identity.name.data,
                         envelope->identity.name.size, 0);

    } else {
        fputs("NOT VERIFIED", stdout);
    }

    printf(", %s\n", when);
}


static void
show_json(const sealed_item_t *item, const sealed_envelope_t *envelope,
    const sealed_message_t *message, const sealed_inbox_result_t *result)
{
    json_t                *document;
    const sealed_bytes_t  *name;

    document = describe(item);
    name = &envelope->identity.name;

    json_object_set_new(document, "from", text_or_octets(name->data,
                                                         name->size));
    json_object_set_new(document, "key",
                        sealed_emit_base64url(envelope->identity.key, 32));

    if (result->state == SEALED_INBOX_TEXT) {
        json_object_set_new(document, "text",
                            text_or_octets(result->text, result->size));

    } else if (result->state == SEALED_INBOX_FILE) {
        json_object_set_new(document, "file",
                            text_or_octets(result->path,
                                           strlen(result->path)));
        json_object_set_new(document, "size",
                            json_integer((json_int_t) message->total));

    } else {
        json_object_set_new(document,
                            result->state == SEALED_INBOX_STORED_BEFORE
                            ? "note" : "error",
                            json_string(notes[result->state]));
    }

    sealed_emit(document);
}


static json_t *
describe(const sealed_item_t *item)
{
    char      when[SEALED_TIME_TEXT];
    uint64_t  hour;

    hour = item->hour > UINT32_MAX ? UINT32_MAX : item->hour;
    sealed_format_time(when, hour * 3600);

    return json_pack("{s:I, s:I, s:s}", "seq", (json_int_t) item->seq,
                     "hour", (json_int_t) hour, "time", when);
}


static json_t *
text_or_octets(const void *data, size_t size)
{
    if (sealed_is_text(data, size)) {
        return json_stringn(data, size);
    }

    return sealed_emit_base64url(data, size);
}
