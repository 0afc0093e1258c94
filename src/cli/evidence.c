
#include "evidence.h"
#include "file.h"
#include "key_file.h"
#include "options.h"
#include "output.h"
#include "../frank.h"
#include "../hash.h"
#include "../text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>


int
sealed_evidence_check(const sealed_item_t *item,
    const sealed_envelope_t *envelope)
{
    uint8_t  commitment[SEALED_COMMITMENT_SIZE];

    if (item->stamp.data == NULL) {
        return 0;
    }

    if (item->stamp.size != SEALED_STAMP_SIZE || envelope->kf.data == NULL) {
        return -1;
    }

    sealed_frank_commitment(commitment, envelope->kf.data,
                            envelope->message);

    return sodium_memcmp(commitment, item->stamp.data, sizeof(commitment));
}


int
sealed_evidence_store(const char *directory, const sealed_item_t *item,
    const sealed_envelope_t *envelope)
{
    int       rc;
    char      path[PATH_MAX];
    char      name[SEALED_BASE64URL_SIZE(SEALED_REPORT_ID_SIZE) + 1], *text;
    json_t   *document;
    uint8_t   digest[32], id[SEALED_REPORT_ID_SIZE];

    if (item->stamp.data == NULL) {
        return SEALED_EXIT_OK;
    }

    sealed_report_id(id, item->stamp.data);
    *sealed_base64url_encode(name, id, sizeof(id)) = '\0';
    rc = snprintf(path, sizeof(path), "%s/%s.report", directory, name);

    if (rc < 0 || (size_t) rc >= sizeof(path)) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: the name is too long",
                           directory);
    }

    /* the same message, read again */

    if (access(path, F_OK) == 0) {
        return SEALED_EXIT_OK;
    }

    sealed_sha256(digest, item->body.data, item->body.size);

    document = json_pack("{s:o, s:o, s:o, s:o}",
        "message", sealed_emit_base64url(envelope->message.data,
                                         envelope->message.size),
        "kf", sealed_emit_base64url(envelope->kf.data, 32),
        "body_digest", sealed_emit_base64url(digest, sizeof(digest)),
        "stamp", sealed_emit_base64url(item->stamp.data, item->stamp.size));

    text = document ? sealed_public_text(document) : NULL;
    json_decref(document);

    if (text == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = sealed_file_create(path, text, strlen(text), SEALED_FILE_SECRET);
    sealed_file_forget(text, strlen(text));

    return rc;
}
