
#include "journal_directory.h"
#include "../recovery_merge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


static void say(sealed_journal_say_t to, void *context,
    sealed_journal_level_t level, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));
static void say_report(sealed_journal_say_t to, void *context,
    const char *name, const sealed_recovery_report_t *report);
static void say_result(sealed_journal_say_t to, void *context,
    const sealed_recovery_result_t *result);


#define MEBIOCTET  ((uint64_t) 1 << 20)
#define PROGRESS   (256 * MEBIOCTET)


int
sealed_journal_load(sealed_recovery_t *recovery,
    sealed_journal_file_t *files, size_t count, sealed_journal_say_t to,
    void *context)
{
    size_t                     i;
    uint64_t                   all, done, next;
    const char                *error;
    sealed_recovery_report_t   report;

    all = 0;

    for (i = 0; i < count; i++) {

        if (files[i].data == NULL) {
            files[i].header = SEALED_JOURNAL_HEADER_BLANK;
            continue;
        }

        error = sealed_recovery_examine(recovery, files[i].data,
                                        files[i].size, &files[i].header);

        if (error) {
            say(to, context, SEALED_JOURNAL_ERROR,
                "\"%s\" cannot be used: %s", files[i].name, error);
            return -1;
        }

        if (files[i].header == SEALED_JOURNAL_HEADER_DAMAGED) {
            say(to, context, SEALED_JOURNAL_ERROR,
                "\"%s\" is lost as a whole, both copies of its header are "
                "damaged", files[i].name);
        }

        all += files[i].size;
    }

    done = 0;
    next = PROGRESS;

    for (i = 0; i < count; i++) {

        if (files[i].header != SEALED_JOURNAL_HEADER_OK) {
            continue;
        }

        error = sealed_recovery_read(recovery, files[i].data, files[i].size,
                                     &report);

        if (error) {
            say(to, context, SEALED_JOURNAL_ERROR,
                "\"%s\" cannot be used: %s", files[i].name, error);
            return -1;
        }

        say_report(to, context, files[i].name, &report);
        done += files[i].size;

        if (done >= next) {
            say(to, context, SEALED_JOURNAL_NOTICE,
                "%" PRIu64 " of %" PRIu64 " MiB read", done / MEBIOCTET,
                all / MEBIOCTET);
            next = done + PROGRESS;
        }
    }

    if (sealed_recovery_resolve(recovery) != 0) {
        say(to, context, SEALED_JOURNAL_ERROR,
            "there is not enough memory to put the records together");
        return -1;
    }

    say_result(to, context, &recovery->result);

    return 0;
}


void *
sealed_journal_resize(void *context, void *old, size_t size)
{
    if (size == 0) {
        free(old);
        return NULL;
    }

    return realloc(old, size);
}


static void
say_report(sealed_journal_say_t to, void *context, const char *name,
    const sealed_recovery_report_t *report)
{
    if (report->damaged) {
        say(to, context, SEALED_JOURNAL_ERROR,
            "\"%s\" is damaged in %" PRIu64 " places from offset %" PRIu64
            " on, %" PRIu64 " octets are lost; %" PRIu64
            " records around them are whole and kept", name, report->damaged,
            report->first_damage, report->damaged_octets, report->records);
    }

    if (report->torn_octets) {
        say(to, context, SEALED_JOURNAL_WARNING,
            "\"%s\" ends in the middle of a write: cut at offset %" PRIu64
            ", %" PRIu64 " octets dropped after %" PRIu64 " records", name,
            report->torn, report->torn_octets, report->records);
    }
}


static void
say_result(sealed_journal_say_t to, void *context,
    const sealed_recovery_result_t *result)
{
    if (result->headless) {
        say(to, context, SEALED_JOURNAL_ERROR,
            "the snapshot that all begins with is missing or not whole, what "
            "only it had is lost");
    }

    if (result->segments_missing) {
        say(to, context, SEALED_JOURNAL_ERROR,
            "%" PRIu64 " segments are missing", result->segments_missing);
    }

    if (result->bodiless) {
        say(to, context, SEALED_JOURNAL_ERROR,
            "%" PRIu64 " envelopes are lost, their bodies are damaged",
            result->bodiless);
    }

    if (result->unopened) {
        say(to, context, SEALED_JOURNAL_NOTICE,
            "%" PRIu64 " envelopes are for mailboxes that no record opens, "
            "they are dropped: the mailboxes ended", result->unopened);
    }

    if (result->unclean) {
        say(to, context, SEALED_JOURNAL_NOTICE,
            "%" PRIu64 " streams did not end in order, sequence numbers go "
            "on higher", result->unclean);
    }
}


static void
say(sealed_journal_say_t to, void *context, sealed_journal_level_t level,
    const char *format, ...)
{
    char     text[512];
    va_list  args;

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    to(context, level, text);
}
