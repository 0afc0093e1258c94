
#include "request_signature_vectors.h"

#include <sodium.h>


/* the grammar: one sound text and what may be varied in it */

#define MAC     "sealed=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"

#define LIST    "(" DERIVED ")"
#define CREATED ";created=1800000100"
#define NONCE   ";nonce=\"1\""
#define KEYID   ";keyid=\"4c5BnIOIgkT3wvup0f6Cpg\""
#define TAG     ";tag=\"sealed-sender\""
#define ALG     ";alg=\"hmac-sha256\""
#define EXPIRES ";expires=1800000200"
#define REST    CREATED NONCE KEYID TAG
#define SOUND   "sealed=" LIST REST


static int
parse(sealed_request_signature_t *s, const char *input, const char *value)
{
    int             rc;
    sealed_bytes_t  in, val;

    in = exact_text(input);
    val = exact_text(value);

    memset(s, 0x5a, sizeof(sealed_request_signature_t));
    rc = sealed_request_signature_parse(s, in, val);

    free_bytes(in);
    free_bytes(val);

    return rc;
}


static void
test_taken(void **state)
{
    unsigned                    i;
    sealed_request_signature_t  s;

    static const struct {
        unsigned     count;
        uint64_t     created;
        uint64_t     expires;
        uint64_t     nonce;
        const char  *input;
    } cases[] = {
        { 3, NOW, UINT64_MAX, 1, SOUND },
        { 3, NOW, UINT64_MAX, 1, SOUND ALG },
        { 3, NOW, 1800000200, 1, SOUND EXPIRES },
        { 3, NOW, 1800000200, 1, SOUND ALG EXPIRES },

        /* parameters in any order */

        { 3, NOW, UINT64_MAX, 1, "sealed=" LIST TAG KEYID NONCE CREATED },
        { 3, NOW, 1800000200, 1,
          "sealed=" LIST EXPIRES ALG NONCE TAG CREATED KEYID },
        { 3, NOW, UINT64_MAX, 1, "sealed=" LIST KEYID CREATED ALG TAG NONCE },

        /* components too; what has to be covered is not grammar */

        { 3, NOW, UINT64_MAX, 1,
          "sealed=(\"@query\" \"@method\" \"@path\")" REST },
        { 1, NOW, UINT64_MAX, 1, "sealed=(\"ttl\")" REST },
        { 9, NOW, UINT64_MAX, 1,
          "sealed=(\"sealed-mailbox-key\" \"sealed-frank\""
          " \"sealed-delivery\" \"ttl\" \"sealed-certificate\""
          " \"content-digest\" \"@query\" \"@path\" \"@method\")" REST },

        /* numbers */

        { 3, 0, UINT64_MAX, 1, "sealed=" LIST ";created=0" NONCE KEYID TAG },
        { 3, 999999999999999u, UINT64_MAX, 1,
          "sealed=" LIST ";created=999999999999999" NONCE KEYID TAG },
        { 3, NOW, 0, 1, SOUND ";expires=0" },
        { 3, NOW, 999999999999999u, 1, SOUND ";expires=999999999999999" },
        { 3, NOW, UINT64_MAX, 0,
          "sealed=" LIST CREATED ";nonce=\"0\"" KEYID TAG },
        { 3, NOW, UINT64_MAX, UINT64_MAX,
          "sealed=" LIST CREATED ";nonce=\"18446744073709551615\""
          KEYID TAG }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(&s, cases[i].input, MAC), 0);
        assert_int_equal(s.count, cases[i].count);
        assert_true(s.created == cases[i].created);
        assert_true(s.expires == cases[i].expires);
        assert_true(s.nonce == cases[i].nonce);
        assert_int_equal(s.params.size, strlen(cases[i].input) - 7);
        assert_hex(s.keyid, "e1ce419c83888244f7c2fba9d1fe82a6");
    }

    assert_int_equal(parse(&s, "sealed=(\"ttl\" \"@path\" \"sealed-frank\")"
                               REST, MAC), 0);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.component[0], SEALED_TTL);
    assert_int_equal(s.component[1], SEALED_PATH);
    assert_int_equal(s.component[2], SEALED_FRANK);
}


static void
test_refused_inputs(void **state)
{
    unsigned                    i;
    sealed_request_signature_t  s;

    static const char  *const cases[] = {

        "",
        "sealed",
        "sealed=",
        LIST REST,

        /* members: another name, twice, more than one */

        "sig1=" LIST REST,
        "Sealed=" LIST REST,
        "SEALED=" LIST REST,
        "sealed2=" LIST REST,
        "xsealed=" LIST REST,
        SOUND "," SOUND,
        SOUND ", " SOUND,
        SOUND ",sig1=" LIST REST,
        SOUND ", sig1=" LIST REST,
        "sig1=" LIST REST ", " SOUND,
        SOUND ",",
        SOUND ", ",
        "," SOUND,

        /* white space and other octets where none belong */

        " " SOUND,
        SOUND " ",
        "\t" SOUND,
        SOUND "\t",
        SOUND "\n",
        SOUND "\r\n",
        SOUND "x",
        SOUND ";",
        SOUND "; ",
        SOUND ";;",
        "sealed =" LIST REST,
        "sealed= " LIST REST,
        "sealed=" LIST " " REST,
        "sealed=" LIST "; created=1800000100" NONCE KEYID TAG,
        "sealed=" LIST ";created =1800000100" NONCE KEYID TAG,
        "sealed=" LIST ";created= 1800000100" NONCE KEYID TAG,
        "sealed=" LIST CREATED " " NONCE KEYID TAG,
        "sealed=" LIST CREATED "\t" NONCE KEYID TAG,
        "sealed=" LIST CREATED ";" NONCE KEYID TAG,

        /* the list */

        "sealed=()" REST,
        "sealed=( )" REST,
        "sealed=( " DERIVED ")" REST,
        "sealed=(" DERIVED " )" REST,
        "sealed=(\"@method\"  \"@path\" \"@query\")" REST,
        "sealed=(\"@method\"\t\"@path\" \"@query\")" REST,
        "sealed=(\"@method\"\"@path\" \"@query\")" REST,
        "sealed=(\"@method\",\"@path\" \"@query\")" REST,
        "sealed=(\"@method\", \"@path\" \"@query\")" REST,
        "sealed=" DERIVED REST,
        "sealed=(" DERIVED REST,
        "sealed=" DERIVED ")" REST,
        "sealed=((" DERIVED "))" REST,
        "sealed=(" DERIVED "))" REST,
        "sealed=(" LIST ")" REST,
        "sealed=" LIST LIST REST,

        /* components: unknown, in capitals, twice, tokens, parameters */

        "sealed=(\"@method\" \"@path\" \"@query\" \"date\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"@authority\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"@target-uri\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"@signature-params\")"
        REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"\")" REST,
        "sealed=(\"\")" REST,
        "sealed=(\"@METHOD\" \"@path\" \"@query\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"TTL\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"Content-Digest\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"ttl \")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \" ttl\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"tt\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"ttll\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"@path\")" REST,
        "sealed=(\"@method\" \"@method\" \"@path\" \"@query\")" REST,
        "sealed=(" DERIVED " \"ttl\" \"ttl\")" REST,
        "sealed=(@method @path @query)" REST,
        "sealed=('@method' \"@path\" \"@query\")" REST,
        "sealed=(\"@method\";req \"@path\" \"@query\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\";req)" REST,
        "sealed=(" DERIVED " \"ttl\";sf)" REST,
        "sealed=(" DERIVED " \"ttl\";bs)" REST,
        "sealed=(" DERIVED " \"ttl\";tr)" REST,
        "sealed=(" DERIVED " \"ttl\";key=\"a\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query-param\";name=\"a\")" REST,
        "sealed=(\"\\@method\" \"@path\" \"@query\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query)" REST,
        "sealed=(\"@method\" \"@path\" \"@query",
        "sealed=(\"",

        /* parameters: missing */

        "sealed=" LIST,
        "sealed=" LIST NONCE KEYID TAG,
        "sealed=" LIST CREATED KEYID TAG,
        "sealed=" LIST CREATED NONCE TAG,
        "sealed=" LIST CREATED NONCE KEYID,
        "sealed=" LIST ALG EXPIRES,
        "sealed=" LIST CREATED NONCE KEYID ALG EXPIRES,

        /* twice, the same or not */

        SOUND CREATED,
        SOUND NONCE,
        SOUND KEYID,
        SOUND TAG,
        SOUND ALG ALG,
        SOUND EXPIRES EXPIRES,
        SOUND ";created=1800000101",
        SOUND ";nonce=\"2\"",
        SOUND ";expires=1800000200;expires=1800000300",

        /* unknown */

        SOUND ";foo",
        SOUND ";foo=1",
        SOUND ";foo=\"bar\"",
        SOUND ";CREATED=1",
        SOUND ";Alg=\"hmac-sha256\"",
        SOUND ";created",
        SOUND ";alg",
        SOUND ";expires",
        SOUND ";expires=",
        "sealed=" LIST ";Created=1800000100" NONCE KEYID TAG,
        "sealed=" LIST CREATED ";NONCE=\"1\"" KEYID TAG,
        "sealed=" LIST ";create=1800000100" NONCE KEYID TAG,
        "sealed=" LIST ";createdd=1800000100" NONCE KEYID TAG,

        /* created and expires */

        "sealed=" LIST ";created=" NONCE KEYID TAG,
        "sealed=" LIST ";created" NONCE KEYID TAG,
        "sealed=" LIST ";created=01800000100" NONCE KEYID TAG,
        "sealed=" LIST ";created=00" NONCE KEYID TAG,
        "sealed=" LIST ";created=-1" NONCE KEYID TAG,
        "sealed=" LIST ";created=-0" NONCE KEYID TAG,
        "sealed=" LIST ";created=+1800000100" NONCE KEYID TAG,
        "sealed=" LIST ";created=1800000100.0" NONCE KEYID TAG,
        "sealed=" LIST ";created=1.8e9" NONCE KEYID TAG,
        "sealed=" LIST ";created=\"1800000100\"" NONCE KEYID TAG,
        "sealed=" LIST ";created=:MTgwMA==:" NONCE KEYID TAG,
        "sealed=" LIST ";created=?1" NONCE KEYID TAG,
        "sealed=" LIST ";created=@1800000100" NONCE KEYID TAG,
        "sealed=" LIST ";created=1000000000000000" NONCE KEYID TAG,
        "sealed=" LIST ";created=000000000000001" NONCE KEYID TAG,
        "sealed=" LIST ";created=18446744073709551616" NONCE KEYID TAG,
        "sealed=" LIST ";created=18446744075509551716" NONCE KEYID TAG,
        "sealed=" LIST ";created=99999999999999999999999" NONCE KEYID TAG,
        "sealed=" LIST ";created=0x6b49d264" NONCE KEYID TAG,
        SOUND ";expires=01",
        SOUND ";expires=-1",
        SOUND ";expires=\"1800000200\"",
        SOUND ";expires=1000000000000000",
        SOUND ";expires=1800000200.5",

        /* nonce */

        "sealed=" LIST CREATED ";nonce=\"\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=" KEYID TAG,
        "sealed=" LIST CREATED ";nonce" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=1" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"01\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"00\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"18446744073709551616\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"99999999999999999999\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"100000000000000000000\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"000000000000000000001\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"-1\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"+1\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\" 1\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"1 \"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"1a\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"0x1\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"1.0\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"\\1\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"1\\\"\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"1" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"\xb1\"" KEYID TAG,

        /* keyid */

        "sealed=" LIST CREATED NONCE ";keyid=\"\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=4c5BnIOIgkT3wvup0f6Cpg" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6Cp\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6Cpgg\""
        TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6CpgA\""
        TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6Cpg==\""
        TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6Cph\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6Cpv\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6C+g\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6C/g\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6C g\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6C=g\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"\200c5BnIOIgkT3wvup0f6Cpg\""
        TAG,
        "sealed=" LIST CREATED NONCE ";keyid=:4c5BnIOIgkT3wvup0f6Cpg==:" TAG,

        /* tag and alg */

        "sealed=" LIST CREATED NONCE KEYID ";tag=\"sealed\"",
        "sealed=" LIST CREATED NONCE KEYID ";tag=\"Sealed-Sender\"",
        "sealed=" LIST CREATED NONCE KEYID ";tag=\"sealed-sender2\"",
        "sealed=" LIST CREATED NONCE KEYID ";tag=\"sealed-sender \"",
        "sealed=" LIST CREATED NONCE KEYID ";tag=\"\"",
        "sealed=" LIST CREATED NONCE KEYID ";tag=sealed-sender",
        "sealed=" LIST CREATED NONCE KEYID ";tag=\"sealed\\-sender\"",
        "sealed=" LIST CREATED NONCE KEYID ";tag",
        SOUND ";alg=\"hmac-sha512\"",
        SOUND ";alg=\"ed25519\"",
        SOUND ";alg=\"HMAC-SHA256\"",
        SOUND ";alg=\"hmac-sha256",
        SOUND ";alg=hmac-sha256",
        SOUND ";alg=\"\"",
        SOUND ";alg=\"none\""
    };

    assert_int_equal(parse(&s, SOUND, MAC), 0);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (parse(&s, cases[i], MAC) != -1) {
            fail_msg("taken: %s", cases[i]);
        }
    }
}


static void
test_refused_signatures(void **state)
{
    unsigned                    i;
    sealed_request_signature_t  s;

#define A42  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

    static const char  *const cases[] = {
        "",
        "sealed",
        "sealed=",
        "sealed=::",
        "sealed=:" A42 "A=",
        "sealed=:" A42 "A:",
        "sealed=:" A42 "A:;",
        "sealed=:" A42 "AA:",               /* 33 octets */
        "sealed=:" A42 "==:",               /* 31 octets */
        "sealed=:" A42 "B=:",               /* unused bits */
        "sealed=:" A42 "D=:",
        "sealed=:" A42 "A==:",
        "sealed=:" A42 "A= :",
        "sealed=: " A42 "=:",
        "sealed=:-" A42 "=:",
        "sealed=:_" A42 "=:",
        "sealed=:\x80" A42 "=:",
        "sealed=" A42 "A=::",
        "sealed=\"" A42 "A=\"",
        "sealed= " A42 "A=:",
        "sealed=:" A42 "A=:;a",
        "sealed=:" A42 "A=: ",
        " sealed=:" A42 "A=:",
        "sealed =:" A42 "A=:",
        "sealed= :" A42 "A=:",
        "Sealed=:" A42 "A=:",
        "sig1=:" A42 "A=:",
        "sig12=:" A42 "A=:",
        ":" A42 "A=:",
        MAC "," MAC,
        MAC ", " MAC,
        MAC ", sig1=:AAAA:",
        ("sig1=:AAAA:, " MAC)
    };

    assert_int_equal(parse(&s, SOUND, "sealed=:" A42 "A=:"), 0);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (parse(&s, SOUND, cases[i]) != -1) {
            fail_msg("taken: %s", cases[i]);
        }
    }
}


/* a zero octet ends nothing */

static void
test_zero_octets(void **state)
{
    uint8_t                     text[256];
    sealed_bytes_t              in, val;
    sealed_request_signature_t  s;

    memcpy(text, SOUND, sizeof(SOUND));
    in.data = text;
    in.size = sizeof(SOUND);
    val = text_bytes(MAC);

    assert_int_equal(sealed_request_signature_parse(&s, in, val), -1);
    in.size--;
    assert_int_equal(sealed_request_signature_parse(&s, in, val), 0);

    val.size++;
    assert_int_equal(sealed_request_signature_parse(&s, in, val), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_refused_inputs),
        cmocka_unit_test(test_refused_signatures),
        cmocka_unit_test(test_zero_octets)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
