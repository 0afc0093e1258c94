
#include "vectors.h"
#include "problem.h"

#include <stdio.h>


#define URN  "urn:sealed-sender:problem:"


static const unsigned  statuses[SEALED_VERDICTS] = {
    [SEALED_NO_RESOURCE] = 404,
    [SEALED_METHOD_NOT_ALLOWED] = 405,
    [SEALED_LENGTH_REQUIRED] = 411,
    [SEALED_MEDIA_TYPE] = 415,
    [SEALED_BODY_TOO_LARGE] = 413,
    [SEALED_ENVELOPE_SIZE] = 413,
    [SEALED_TOO_MANY_RECIPIENTS] = 413,
    [SEALED_SLICE_TOO_LARGE] = 413,
    [SEALED_UNAUTHORIZED] = 401,
    [SEALED_FIRST_USE_BUSY] = 503,
    [SEALED_ZONE_YOUNG] = 503,
    [SEALED_DIGEST_MISMATCH] = 400,
    [SEALED_BAD_QUERY] = 400,
    [SEALED_BAD_HEADER] = 400,
    [SEALED_BAD_LAYOUT] = 400,
    [SEALED_DUPLICATE_RECIPIENT] = 400,
    [SEALED_BAD_MAILBOX_KEY] = 400,
    [SEALED_BAD_SEQUENCE] = 400,
    [SEALED_BAD_HANDSHAKE] = 400,
    [SEALED_HANDSHAKE_VERSION] = 426,
    [SEALED_ORIGIN] = 403,
    [SEALED_BAD_BATCH] = 400,
    [SEALED_BAD_DOCUMENT] = 400,
    [SEALED_NONCE_USED] = 409,
    [SEALED_TOO_MANY_READERS] = 429,
    [SEALED_NO_BUDGET] = 429,
    [SEALED_OPENER_LIMIT] = 429,
    [SEALED_NO_QUOTA] = 429,
    [SEALED_NO_MAILBOX] = 404,
    [SEALED_MAILBOX_CLOSED] = 410,
    [SEALED_MAILBOX_FULL] = 507,
    [SEALED_ZONE_FULL] = 503,
    [SEALED_CERTIFICATES_FULL] = 503,
    [SEALED_TICKETS_BUSY] = 503,
    [SEALED_READERS_BUSY] = 503,
    [SEALED_UNAVAILABLE] = 503
};


/* texts go into documents as they are: nothing in them needs an escape */

static void
assert_plain(const char *text)
{
    size_t  i;

    for (i = 0; text[i]; i++) {
        assert_in_range(text[i], 0x20, 0x7e);
        assert_int_not_equal(text[i], '"');
        assert_int_not_equal(text[i], '\\');
    }
}


static void
test_rows(void **state)
{
    size_t                   length;
    unsigned                 i, j, unauthorized;
    const char              *name;
    const sealed_problem_t  *problem;

    unauthorized = 0;

    for (i = SEALED_OK + 1; i < SEALED_VERDICTS; i++) {
        problem = sealed_problem(i);

        assert_non_null(problem);
        assert_true(statuses[i] != 0);
        assert_int_equal(problem->status, statuses[i]);
        unauthorized += problem->status == 401;

        assert_non_null(problem->type);
        assert_memory_equal(problem->type, URN, sizeof(URN) - 1);
        name = problem->type + sizeof(URN) - 1;
        length = strlen(name);
        assert_true(length > 0);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), length);

        for (j = SEALED_OK + 1; j < i; j++) {
            assert_string_not_equal(problem->type, sealed_problem(j)->type);
        }

        assert_non_null(problem->title);
        assert_in_range(strlen(problem->title), 4, 40);
        assert_plain(problem->title);

        assert_non_null(problem->detail);
        length = strlen(problem->detail);
        assert_in_range(length, 20, 160);
        assert_int_equal(problem->detail[length - 1], '.');
        assert_plain(problem->detail);
    }

    /* every defect of authentication looks like every other */
    assert_int_equal(unauthorized, 1);
}


static void
test_documents(void **state)
{
    int                      length;
    char                     expected[2 * SEALED_PROBLEM_MAX], *out;
    size_t                   size;
    unsigned                 i, with;
    uint64_t                 next;
    const sealed_problem_t  *problem;

    out = malloc(SEALED_PROBLEM_MAX);
    assert_non_null(out);

    for (i = SEALED_OK + 1; i < SEALED_VERDICTS; i++) {
        problem = sealed_problem(i);

        for (with = 0; with < 3; with++) {
            next = with == 1 ? 0 : UINT64_MAX;

            length = snprintf(expected, sizeof(expected),
                              "{\"type\":\"%s\",\"title\":\"%s\","
                              "\"status\":%u,\"detail\":\"%s\"%s}",
                              problem->type, problem->title, statuses[i],
                              problem->detail,
                              with == 0 ? "" : with == 1
                              ? ",\"next\":\"0\""
                              : ",\"next\":\"18446744073709551615\"");

            size = sealed_problem_format(out, i, with ? &next : NULL);

            assert_true(size <= SEALED_PROBLEM_MAX);
            assert_int_equal(size, length);
            assert_memory_equal(out, expected, size);
        }
    }

    free(out);
}


/* one in full: clients and their authors know it by heart */

static void
test_unauthorized(void **state)
{
    char    out[SEALED_PROBLEM_MAX];
    size_t  size;

    static const char  expected[] =
        "{\"type\":\"urn:sealed-sender:problem:unauthorized\","
        "\"title\":\"Unauthorized\",\"status\":401,"
        "\"detail\":\"The request is not authenticated by this protocol.\"}";

    size = sealed_problem_format(out, SEALED_UNAUTHORIZED, NULL);

    assert_int_equal(size, sizeof(expected) - 1);
    assert_memory_equal(out, expected, size);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_unauthorized)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
