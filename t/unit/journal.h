
/*
 * What tests of the journal share: files in memory that remember what was
 * synced, and a sink that keeps what recovery brings back.
 */

#ifndef SEALED_TEST_JOURNAL_H
#define SEALED_TEST_JOURNAL_H


#include "vectors.h"
#include "journal_commit.h"
#include "recovery_emit.h"
#include "recovery_merge.h"

#include <errno.h>
#include <stdio.h>
#include <sodium.h>


#define FILES_MAX  128
#define STEPS_MAX  4096
#define FOUND_MAX  4096


typedef enum {
    STEP_CREATE = 0,
    STEP_WRITE,
    STEP_SYNC,
    STEP_FINISH,
    STEP_REMOVE,
    STEP_NAMES
} step_kind_t;


typedef struct {
    step_kind_t  kind;
    int          file;
    uint8_t     *data;
    size_t       size;
    uint64_t     offset;
} step_t;


typedef struct {
    char      name[SEALED_JOURNAL_NAME_SIZE];
    uint8_t  *data;
    size_t    size;
    unsigned  there:1;
} memory_file_t;


/* the files as a process sees them, and each step that led there */

typedef struct {
    memory_file_t  file[FILES_MAX];
    int            files;
    step_t         step[STEPS_MAX];
    size_t         steps;
    size_t         fail_at;             /* the step, from 1; 0: never */
    int            fail_with;
} memory_files_t;


typedef struct {
    uint8_t        id[SEALED_MAILBOX_ID_SIZE];
    uint64_t       seq;
    uint32_t       life;
    uint32_t       slice_size;
    uint8_t        slice[SEALED_MAX_HEADER];
    uint8_t        body[512];
    size_t         body_size;
} found_item_t;


typedef struct {
    sealed_journal_mailbox_t  state;
    uint64_t                  closed_until;
} found_mailbox_t;


typedef struct {
    uint8_t   data[512];
    size_t    size;
    uint32_t  references;
    uint32_t  named;
} found_body_t;


typedef struct {
    found_mailbox_t                mailbox[256];
    size_t                         mailboxes;
    found_body_t                   body[FOUND_MAX];
    size_t                         bodies;
    found_item_t                   item[FOUND_MAX];
    size_t                         items;
    sealed_journal_revocation_t    revocation[64];
    size_t                         revocations;
    sealed_journal_certificate_t   certificate[64];
    sealed_journal_quota_t         quota[64];
    size_t                         certificates;
    size_t                         quotas;

    const char                    *error;
    sealed_recovery_report_t       report;
    sealed_recovery_result_t       result;
    unsigned                       headers_damaged;
} found_t;


static const uint8_t  test_zone[SEALED_JOURNAL_IDENTITY] = "a zone of tests";


static inline void
test_secret(sealed_master_secret_t *secret)
{
    memset(secret, 0, sizeof(sealed_master_secret_t));
    memset(secret->line[0].master, 7, sizeof(secret->line[0].master));
    memcpy(secret->line[0].id, "one", 4);
    secret->count = 1;
    assert_int_equal(sealed_key_line_derive(&secret->line[0]), 0);
}


static inline int
memory_step(memory_files_t *m, step_kind_t kind, int file,
    const uint8_t *data, size_t size, uint64_t offset)
{
    step_t  *step;

    assert_true(m->steps < STEPS_MAX);

    step = &m->step[m->steps++];
    step->kind = kind;
    step->file = file;
    step->data = NULL;
    step->size = size;
    step->offset = offset;

    if (data) {
        step->data = malloc(size);
        assert_non_null(step->data);
        memcpy(step->data, data, size);
    }

    return m->steps == m->fail_at ? -m->fail_with : 0;
}


static inline int
memory_create(void *context, const char *name, uint64_t size)
{
    int              rc, i;
    memory_file_t   *file;
    memory_files_t  *m = context;

    assert_true(m->files < FILES_MAX);

    for (i = 0; i < m->files; i++) {
        assert_string_not_equal(m->file[i].name, name);
    }

    rc = memory_step(m, STEP_CREATE, m->files, NULL, (size_t) size, 0);

    if (rc < 0) {
        return rc;
    }

    file = &m->file[m->files];
    memcpy(file->name, name, strlen(name) + 1);
    file->data = calloc(1, (size_t) size);
    file->size = (size_t) size;
    file->there = 1;
    assert_non_null(file->data);

    return m->files++;
}


static inline int
memory_write(void *context, int file, const uint8_t *data, size_t size,
    uint64_t offset)
{
    int              rc;
    memory_files_t  *m = context;

    assert_true(offset + size <= m->file[file].size);

    rc = memory_step(m, STEP_WRITE, file, data, size, offset);

    /* a write that fails may have written some */

    memcpy(m->file[file].data + offset, data, rc < 0 ? size / 2 : size);

    return rc;
}


static inline int
memory_sync(void *context, int file)
{
    return memory_step(context, STEP_SYNC, file, NULL, 0, 0);
}


static inline int
memory_finish(void *context, int file, uint64_t size)
{
    memory_files_t  *m = context;

    if (size) {
        m->file[file].size = (size_t) size;
    }

    return memory_step(m, STEP_FINISH, file, NULL, (size_t) size, 0);
}


static inline int
memory_remove(void *context, const char *name)
{
    int              i;
    memory_files_t  *m = context;

    for (i = 0; i < m->files; i++) {
        if (m->file[i].there && strcmp(m->file[i].name, name) == 0) {
            m->file[i].there = 0;
            return memory_step(m, STEP_REMOVE, i, NULL, 0, 0);
        }
    }

    return -ENOENT;
}


static inline int
memory_sync_names(void *context)
{
    return memory_step(context, STEP_NAMES, -1, NULL, 0, 0);
}


static inline void
memory_files_init(memory_files_t *m, sealed_journal_files_t *files)
{
    memset(m, 0, sizeof(memory_files_t));

    files->context = m;
    files->create = memory_create;
    files->write = memory_write;
    files->sync = memory_sync;
    files->finish = memory_finish;
    files->remove = memory_remove;
    files->sync_names = memory_sync_names;
}


static inline void
memory_files_free(memory_files_t *m)
{
    int     i;
    size_t  n;

    for (i = 0; i < m->files; i++) {
        free(m->file[i].data);
    }

    for (n = 0; n < m->steps; n++) {
        free(m->step[n].data);
    }
}


static inline void *
test_resize(void *context, void *old, size_t size)
{
    void  *data;

    if (size == 0) {
        free(old);
        return NULL;
    }

    data = realloc(old, size);
    assert_non_null(data);

    return data;
}


static inline int
found_mailbox(void *context, const sealed_journal_mailbox_t *mailbox,
    uint64_t closed_until, uint64_t *reference)
{
    found_t  *found = context;

    assert_true(found->mailboxes < 256);

    found->mailbox[found->mailboxes].state = *mailbox;
    found->mailbox[found->mailboxes].closed_until = closed_until;
    *reference = found->mailboxes++;

    return 0;
}


static inline int
found_body(void *context, const sealed_journal_body_t *body,
    uint32_t references, uint64_t *reference)
{
    found_t       *found = context;
    found_body_t  *b;

    assert_true(found->bodies < FOUND_MAX);
    assert_true(body->body.size <= sizeof(b->data));
    assert_true(references > 0);

    b = &found->body[found->bodies];
    memcpy(b->data, body->body.data, body->body.size);
    b->size = body->body.size;
    b->references = references;
    b->named = 0;
    *reference = found->bodies++;

    return 0;
}


static inline int
found_item(void *context, uint64_t mailbox, uint64_t seq,
    uint64_t *reference, sealed_bytes_t slice)
{
    uint64_t       body;
    found_t       *found = context;
    found_item_t  *item, *last;

    body = *reference;

    assert_true(found->items < FOUND_MAX);
    assert_true(mailbox < found->mailboxes && body < found->bodies);
    assert_true(slice.size <= SEALED_MAX_HEADER);

    item = &found->item[found->items];
    memcpy(item->id, found->mailbox[mailbox].state.id, sizeof(item->id));
    item->life = found->mailbox[mailbox].state.life;
    item->seq = seq;
    item->slice_size = (uint32_t) slice.size;
    memcpy(item->slice, slice.data, slice.size);
    item->body_size = found->body[body].size;
    memcpy(item->body, found->body[body].data, item->body_size);
    found->body[body].named++;

    assert_true(found->mailbox[mailbox].closed_until == 0);
    assert_true(seq > found->mailbox[mailbox].state.through);
    assert_true(seq < found->mailbox[mailbox].state.next);

    last = found->items ? item - 1 : NULL;

    if (last && memcmp(last->id, item->id, sizeof(item->id)) == 0) {
        assert_true(last->seq < seq);
    }

    found->items++;

    return 0;
}


static inline int
found_revocation(void *context,
    const sealed_journal_revocation_t *revocation)
{
    found_t  *found = context;

    assert_true(found->revocations < 64);
    found->revocation[found->revocations++] = *revocation;

    return 0;
}


static inline int
found_certificate(void *context,
    const sealed_journal_certificate_t *certificate)
{
    found_t  *found = context;

    assert_true(found->certificates < 64);
    found->certificate[found->certificates++] = *certificate;

    return 0;
}


static inline int
found_quota(void *context, const sealed_journal_quota_t *quota)
{
    found_t  *found = context;

    assert_true(found->quotas < 64);
    found->quota[found->quotas++] = *quota;

    return 0;
}


/* all that recovery makes of these files */

static inline void
recover(found_t *found, memory_file_t *file, int files,
    const sealed_master_secret_t *secret, uint32_t hour)
{
    int                               i;
    size_t                            n;
    sealed_recovery_t                 recovery;
    sealed_recovery_sink_t            sink;
    sealed_recovery_report_t          report;
    sealed_journal_header_result_t   *header;

    memset(&found->report, 0, sizeof(found->report));
    found->mailboxes = 0;
    found->bodies = 0;
    found->items = 0;
    found->revocations = 0;
    found->certificates = 0;
    found->quotas = 0;
    found->error = NULL;
    found->headers_damaged = 0;

    sink.context = found;
    sink.mailbox = found_mailbox;
    sink.body = found_body;
    sink.item = found_item;
    sink.revocation = found_revocation;
    sink.certificate = found_certificate;
    sink.quota = found_quota;
    sink.progress = NULL;

    header = calloc((size_t) files + 1, sizeof(*header));
    assert_non_null(header);

    sealed_recovery_init(&recovery, test_zone, secret, hour, test_resize,
                         NULL);

    for (i = 0; found->error == NULL && i < files; i++) {
        if (file[i].there) {
            found->error = sealed_recovery_examine(&recovery, file[i].data,
                                                   file[i].size, &header[i]);
            found->headers_damaged += header[i]
                                      == SEALED_JOURNAL_HEADER_DAMAGED;
        }
    }

    for (i = 0; found->error == NULL && i < files; i++) {
        if (file[i].there && header[i] == SEALED_JOURNAL_HEADER_OK) {
            found->error = sealed_recovery_read(&recovery, file[i].data,
                                                file[i].size, &report);

            found->report.records += report.records;
            found->report.damaged += report.damaged;
            found->report.damaged_octets += report.damaged_octets;
            found->report.torn_octets += report.torn_octets;
        }
    }

    if (found->error == NULL) {
        assert_int_equal(sealed_recovery_resolve(&recovery), 0);
        assert_int_equal(sealed_recovery_emit(&recovery, &sink), 0);
        found->result = recovery.result;

        assert_int_equal(found->result.envelopes, found->items);
        assert_int_equal(found->result.bodies, found->bodies);

        for (n = 0; n < found->bodies; n++) {
            assert_int_equal(found->body[n].references,
                             found->body[n].named);
        }
    }

    free(header);
    sealed_recovery_free(&recovery);
}


#endif /* SEALED_TEST_JOURNAL_H */
