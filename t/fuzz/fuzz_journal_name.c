
/*
 * Names in a journal's directory: what is taken for a segment has the name
 * that a segment gets, and no other name is.
 *
 * Aims at: journal.c
 */

#include "fuzz.h"

#include "journal.h"


static int is_name(const char *text);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                       rc;
    char                     *text;
    char                      name[SEALED_JOURNAL_NAME_SIZE];
    sealed_journal_segment_t  segment, empty;

    /* ends where its block ends */

    text = malloc(size + 1);
    CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';

    rc = sealed_journal_segment_parse(&segment, text);
    CHECK(rc == 0 || rc == -1);
    CHECK((rc == 0) == is_name(text));

    if (rc == 0) {
        sealed_journal_segment_name(name, &segment);
        CHECK(strcmp(name, text) == 0);

        /* nothing that a name does not say */

        memset(&empty, 0, sizeof(empty));
        empty.generation = segment.generation;
        empty.stream = segment.stream;
        empty.number = segment.number;
        empty.snapshot = segment.snapshot;
        CHECK(memcmp(&empty, &segment, sizeof(empty)) == 0);
    }

    free(text);

    return 0;
}


/* told another way */

static int
is_name(const char *text)
{
    size_t  i;

    static const char  form[] = "xxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xxxxxxxx.";

    if (strlen(text) < sizeof(form) - 1) {
        return 0;
    }

    for (i = 0; i < sizeof(form) - 1; i++) {
        if (form[i] == 'x'
            ? !((text[i] >= '0' && text[i] <= '9')
                || (text[i] >= 'a' && text[i] <= 'f'))
            : text[i] != form[i])
        {
            return 0;
        }
    }

    return strcmp(text + i, "journal") == 0
           || strcmp(text + i, "snapshot") == 0;
}
