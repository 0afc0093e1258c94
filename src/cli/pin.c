
#include "pin.h"
#include "file.h"
#include "key_file.h"
#include "options.h"
#include "output.h"
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


static int pin_path(char path[SEALED_STATE_PATH], const char *url);


int
sealed_pin_read(sealed_pin_t *pin, unsigned *found, const char *url)
{
    int      rc;
    char     path[SEALED_STATE_PATH];
    json_t  *document;

    *found = 0;
    memset(pin, 0, sizeof(sealed_pin_t));

    rc = pin_path(path, url);
    if (rc) {
        return rc;
    }

    if (access(path, F_OK) == -1 && errno == ENOENT) {
        return SEALED_EXIT_OK;
    }

    rc = sealed_public_read(&document, path, "sealed-sender pin");
    if (rc) {
        return rc;
    }

    rc = sealed_public_octets(pin->exchange_key, 32, document,
                              "exchange_key", path);

    if (rc == 0 && json_object_get(document, "issuer_key")) {
        rc = sealed_public_octets(pin->issuer_key, 32, document,
                                  "issuer_key", path);

        pin->has_issuer = 1;
        pin->epoch_seconds = (uint64_t) json_integer_value(
                                 json_object_get(document, "epoch_seconds"));
        pin->classes = json_incref(json_object_get(document, "classes"));

        if (rc == 0
            && (pin->epoch_seconds == 0 || !json_is_object(pin->classes)))
        {
            rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: is damaged", path);
        }
    }

    json_decref(document);

    *found = (rc == 0);

    return rc;
}


int
sealed_pin_write(const sealed_pin_t *pin, const char *url)
{
    int      rc;
    char     path[SEALED_STATE_PATH], *text;
    json_t  *document;

    rc = pin_path(path, url);
    if (rc) {
        return rc;
    }

    document = json_pack("{s:s, s:s, s:o}", "type", "sealed-sender pin",
                         "gateway", url, "exchange_key",
                         sealed_emit_base64url(pin->exchange_key, 32));

    if (document && pin->has_issuer) {
        json_object_set_new(document, "issuer_key",
                            sealed_emit_base64url(pin->issuer_key, 32));
        json_object_set_new(document, "epoch_seconds",
                            json_integer((json_int_t) pin->epoch_seconds));
        json_object_set(document, "classes", pin->classes);
    }

    text = document ? sealed_public_text(document) : NULL;
    json_decref(document);

    if (text == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = sealed_file_replace(path, text, strlen(text), SEALED_FILE_SECRET);
    free(text);

    return rc;
}


void
sealed_pin_free(sealed_pin_t *pin)
{
    json_decref(pin->classes);
    pin->classes = NULL;
}


static int
pin_path(char path[SEALED_STATE_PATH], const char *url)
{
    char  hash[17];

    sealed_state_hash(hash, url);

    return sealed_state_path(path, "pins", hash);
}
