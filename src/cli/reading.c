
#include "commands.h"
#include "evidence.h"
#include "output.h"
#include "reading.h"
#include "show.h"

#include <stdlib.h>
#include <time.h>


/* expiry is rounded up to the hour */
enum { REMEMBER_LONGER = 2 * 3600 };


static int handle_message(sealed_reading_t *r, const sealed_item_t *item,
    const sealed_envelope_t *envelope);
static int authenticate(const sealed_reading_t *r,
    const sealed_envelope_t *envelope);
static void refuse(sealed_reading_t *r, const sealed_item_t *item,
    const char *why);


int
sealed_reading_item(sealed_reading_t *r, const sealed_item_t *item)
{
    int                      rc;
    size_t                   largest;
    uint64_t                 now;
    sealed_envelope_t        envelope;
    sealed_seen_state_t      state;

    largest = r->owner.gateway.limits.envelope_sizes[
                  r->owner.gateway.limits.nsizes - 1];

    if (item->body.size > largest
        || sealed_envelope_open(&envelope, r->plaintext, item->header,
                                item->body, r->identity.private_key,
                                r->identity.public_key)
           != 0)
    {
        refuse(r, item, "cannot be opened: damaged, or not sealed for this "
                        "identity");
        return SEALED_EXIT_OK;
    }

    if (authenticate(r, &envelope) != 0) {
        refuse(r, item, "its sender's name has ended or is not signed by the "
                        "given authority");
        return SEALED_EXIT_OK;
    }

    if (sealed_evidence_check(item, &envelope) != 0) {
        refuse(r, item, "its sender made sure that it cannot be reported; "
                        "dropped");
        return SEALED_EXIT_OK;
    }

    r->verified++;
    r->page_verified++;

    state = sealed_seen_envelope(&r->seen, envelope.ephemeral, item->seq);

    if (state == SEALED_SEEN_REPEATED) {
        sealed_detail("%llu: came before, dropped",
                      (unsigned long long) item->seq);
        return SEALED_EXIT_OK;
    }

    now = (uint64_t) time(NULL);
    r->inbox.until = now + r->owner.gateway.max_ttl + REMEMBER_LONGER;

    rc = handle_message(r, item, &envelope);

    if (rc == 0 && r->evidence) {
        rc = sealed_evidence_store(r->evidence, item, &envelope);
    }

    if (rc == 0 && state == SEALED_SEEN_NEW) {
        rc = sealed_seen_add_envelope(&r->seen, envelope.ephemeral,
                                      item->seq, r->inbox.until);
    }

    return rc;
}


static int
handle_message(sealed_reading_t *r, const sealed_item_t *item,
    const sealed_envelope_t *envelope)
{
    int                    rc;
    sealed_message_t       message;
    sealed_inbox_result_t  result;

    if (sealed_message_parse(&message, envelope->message) != 0) {
        refuse(r, item, "verified, but made by a program that this one does "
                        "not understand");
        return SEALED_EXIT_OK;
    }

    rc = sealed_inbox_add(&result, &r->inbox, &message,
                          envelope->identity.key);

    if (rc) {
        return rc;
    }

    sealed_show_message(item, envelope, &message, &result);
    free(result.text);

    if (result.state == SEALED_INBOX_PIECE
        || result.state == SEALED_INBOX_PASSED_OVER)
    {
        r->pieces++;

    } else {
        r->shown++;
    }

    return SEALED_EXIT_OK;
}


static void
refuse(sealed_reading_t *r, const sealed_item_t *item, const char *why)
{
    sealed_show_refused(item, why);
    r->shown++;
}


static int
authenticate(const sealed_reading_t *r, const sealed_envelope_t *envelope)
{
    uint64_t  now;
    unsigned  i;

    now = (uint64_t) time(NULL);

    for (i = 0; i < r->nauthorities; i++) {
        if (sealed_identity_verify(&envelope->identity, r->authorities[i],
                                   now)
            == 0)
        {
            return 0;
        }
    }

    return -1;
}
