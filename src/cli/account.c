
#include "account.h"
#include "file.h"
#include "options.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>


static int basic(char **line, const char *text, size_t size);


int
sealed_account_header(struct curl_slist **headers, const char *file)
{
    int                 rc;
    char               *text, *line, *colon;
    size_t              size, i;
    struct curl_slist  *list;

    rc = sealed_file_read(&text, &size, file, SEALED_KEY_FILE_MAX,
                          SEALED_FILE_SECRET);
    if (rc) {
        return rc;
    }

    while (size && (text[size - 1] == '\n' || text[size - 1] == '\r')) {
        text[--size] = '\0';
    }

    colon = strchr(text, ':');
    line = NULL;

    for (i = 0; i < size; i++) {
        if ((unsigned char) text[i] < 0x20) {
            colon = NULL;
        }
    }

    if (colon == NULL || colon == text) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: is not one line of "
                         "\"name:password\" or \"Header: value\"", file);

    } else if (colon[1] == ' ') {
        line = strdup(text);

    } else {
        rc = basic(&line, text, size);
    }

    if (rc == 0 && line) {
        list = curl_slist_append(*headers, line);

        if (list) {
            *headers = list;

        } else {
            rc = sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
        }

    } else if (rc == 0) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    if (line) {
        sodium_memzero(line, strlen(line));
        free(line);
    }

    sealed_file_forget(text, size);

    return rc;
}


void
sealed_account_forget(struct curl_slist *headers)
{
    struct curl_slist  *line;

    for (line = headers; line; line = line->next) {
        sodium_memzero(line->data, strlen(line->data));
    }

    curl_slist_free_all(headers);
}


static int
basic(char **line, const char *text, size_t size)
{
    size_t  room;

    static const char  head[] = "Authorization: Basic ";

    room = sizeof(head) + sodium_base64_encoded_len(size,
                              sodium_base64_VARIANT_ORIGINAL);

    *line = malloc(room);
    if (*line == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    memcpy(*line, head, sizeof(head) - 1);
    sodium_bin2base64(*line + sizeof(head) - 1, room - (sizeof(head) - 1),
                      (const uint8_t *) text, size,
                      sodium_base64_VARIANT_ORIGINAL);

    return SEALED_EXIT_OK;
}
