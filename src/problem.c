
#include "problem.h"
#include "json.h"
#include "text.h"

#include <string.h>


#define URN  "urn:sealed-sender:problem:"


static const sealed_problem_t  problems[SEALED_VERDICTS] = {

    [SEALED_OK] = { 200, "about:blank", "OK", "" },

    [SEALED_NO_RESOURCE] = { 404, URN "no-resource", "No such resource",
        "The path is not one of this protocol." },
    [SEALED_METHOD_NOT_ALLOWED] = { 405, URN "method",
        "Method not allowed",
        "The resource does not have this method; Allow names those it has."
    },
    [SEALED_LENGTH_REQUIRED] = { 411, URN "length-required",
        "Length required",
        "A body needs Content-Length; without a body send 0." },
    [SEALED_MEDIA_TYPE] = { 415, URN "media-type", "Wrong media type",
        "A fan-out is application/vnd.sealed-sender.fanout+cbor, a batch "
        "application/vnd.sealed-sender.blind, a report application/json." },
    [SEALED_BODY_TOO_LARGE] = { 413, URN "too-large", "Body too large",
        "The body is longer than anything this request may carry." },
    [SEALED_ENVELOPE_SIZE] = { 413, URN "envelope-size",
        "Not an envelope size",
        "The envelope has none of the sizes that discovery lists." },
    [SEALED_TOO_MANY_RECIPIENTS] = { 413, URN "recipients",
        "Too many recipients",
        "There are more recipients than max_recipients in discovery." },
    [SEALED_SLICE_TOO_LARGE] = { 413, URN "header-size",
        "Header too large",
        "A recipient's header is longer than max_header in discovery." },

    [SEALED_UNAUTHORIZED] = { 401, URN "unauthorized", "Unauthorized",
        "The request is not authenticated by this protocol." },
    [SEALED_FIRST_USE_BUSY] = { 503, URN "first-uses",
        "Too many new certificates",
        "Certificates are checked for the first time at a limited rate." },
    [SEALED_ZONE_YOUNG] = { 503, URN "young", "Signed too early",
        "The request was signed before the store began; sign it anew." },

    [SEALED_DIGEST_MISMATCH] = { 400, URN "digest", "Digest mismatch",
        "Content-Digest is not that of the body as received." },
    [SEALED_BAD_QUERY] = { 400, URN "query", "Malformed query",
        "The query has something else than this request's parameters." },
    [SEALED_BAD_HEADER] = { 400, URN "header", "Malformed header",
        "TTL is one to ten digits, Sealed-Delivery is online, Last-Event-ID "
        "one number; byte sequences are canonical base64 between colons." },
    [SEALED_BAD_LAYOUT] = { 400, URN "layout", "Malformed fan-out",
        "The body is not an array of three byte strings, recipients, "
        "headers and body, whose lengths divide." },
    [SEALED_DUPLICATE_RECIPIENT] = { 400, URN "duplicate-recipient",
        "Duplicate recipient", "A recipient is named twice." },
    [SEALED_BAD_MAILBOX_KEY] = { 400, URN "mailbox-key",
        "Wrong mailbox key",
        "Sealed-Mailbox-Key is missing, malformed, or not the key of this "
        "mailbox id." },
    [SEALED_BAD_SEQUENCE] = { 400, URN "sequence", "No such envelope yet",
        "The number is at or above the mailbox's next." },
    [SEALED_BAD_HANDSHAKE] = { 400, URN "handshake", "Malformed handshake",
        "A WebSocket needs HTTP/1.1, Connection: Upgrade and a key of 16 "
        "octets, each once." },
    [SEALED_HANDSHAKE_VERSION] = { 426, URN "websocket-version",
        "Unknown WebSocket version", "The version spoken here is 13." },
    [SEALED_ORIGIN] = { 403, URN "origin", "Origin not allowed",
        "Pages of this origin may not open a WebSocket here." },
    [SEALED_BAD_BATCH] = { 400, URN "batch", "Malformed batch",
        "The body is not a count from 1 to max_batch and as many canonical "
        "elements of ristretto255 other than the identity." },
    [SEALED_BAD_DOCUMENT] = { 400, URN "document", "Malformed document",
        "The body is not a JSON object with just the members of this "
        "request, binary ones in base64url of their size." },
    [SEALED_NONCE_USED] = { 409, URN "nonce", "Nonce used",
        "The nonce was seen or lies below the window; this does not mean "
        "that the request was carried out." },
    [SEALED_TOO_MANY_READERS] = { 429, URN "readers", "Too many readers",
        "So many requests that wait are not allowed on one connection." },
    [SEALED_NO_BUDGET] = { 429, URN "budget", "Budget spent",
        "The certificate's class does not allow as much before "
        "Retry-After." },
    [SEALED_OPENER_LIMIT] = { 429, URN "opener-limit",
        "No more mailboxes",
        "The certificate has opened as many mailboxes as it may." },
    [SEALED_NO_QUOTA] = { 429, URN "quota", "No more certificates",
        "The account does not get as many certificates of this class for "
        "this epoch." },

    [SEALED_NO_MAILBOX] = { 404, URN "no-mailbox", "No such mailbox",
        "There is no open mailbox with this id." },
    [SEALED_MAILBOX_CLOSED] = { 410, URN "closed", "Mailbox closed",
        "The mailbox has ended and cannot be opened again yet." },
    [SEALED_MAILBOX_FULL] = { 507, URN "mailbox-full", "Mailbox full",
        "The mailbox holds as much as it may; its owner has to read." },
    [SEALED_ZONE_FULL] = { 503, URN "store-full", "Store full",
        "There is no room for this now; nothing was stored." },
    [SEALED_CERTIFICATES_FULL] = { 503, URN "certificates-full",
        "Certificate table full",
        "There is no room for a new certificate now." },
    [SEALED_TICKETS_BUSY] = { 503, URN "tickets-busy", "Tickets busy",
        "Too many tickets were used within a minute." },
    [SEALED_READERS_BUSY] = { 503, URN "readers-busy", "Readers busy",
        "There are as many waiting readers as there may be; come back." },
    [SEALED_UNAVAILABLE] = { 503, URN "unavailable", "Store unavailable",
        "The store cannot work now; nothing was changed." }
};


const sealed_problem_t *
sealed_problem(sealed_verdict_t verdict)
{
    return &problems[verdict];
}


size_t
sealed_problem_format(char out[SEALED_PROBLEM_MAX], sealed_verdict_t verdict,
    const uint64_t *next)
{
    char                    digits[SEALED_DECIMAL_SIZE], *end;
    sealed_json_t           json;
    const sealed_problem_t *problem;

    problem = &problems[verdict];

    sealed_json_init(&json, out, SEALED_PROBLEM_MAX);
    sealed_json_object(&json);
    sealed_json_name(&json, "type");
    sealed_json_string(&json, problem->type, strlen(problem->type));
    sealed_json_name(&json, "title");
    sealed_json_string(&json, problem->title, strlen(problem->title));
    sealed_json_name(&json, "status");
    sealed_json_uint(&json, problem->status);
    sealed_json_name(&json, "detail");
    sealed_json_string(&json, problem->detail, strlen(problem->detail));

    if (next) {
        end = sealed_decimal_encode(digits, *next);
        sealed_json_name(&json, "next");
        sealed_json_string(&json, digits, (size_t) (end - digits));
    }

    sealed_json_object_end(&json);

    return (size_t) (json.pos - out);
}
