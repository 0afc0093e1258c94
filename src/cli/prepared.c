
#include "prepared.h"
#include "options.h"
#include "output.h"
#include "../hash.h"
#include "../octets.h"
#include "../request_signature.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>


enum {
    MAGIC_SIZE = sizeof(SEALED_PREPARED_MAGIC) - 1
};


static void write_integer(FILE *file, uint32_t value);
static int read_integer(const sealed_prepared_file_t *prepared,
    size_t *offset, uint32_t *value);
static int read_octets(const sealed_prepared_file_t *prepared,
    size_t *offset, sealed_bytes_t *octets);
static int read_all(sealed_prepared_file_t *prepared);


void
sealed_prepared_body(sealed_prepared_t *request, sealed_bytes_t body)
{
    uint8_t  digest[32];

    sealed_sha256(digest, body.data, body.size);
    sealed_content_digest_format(request->digest, digest);
    request->digest[SEALED_CONTENT_DIGEST_SIZE] = '\0';
    request->body_size = body.size;
}


size_t
sealed_prepared_head(char out[SEALED_PREPARED_HEAD_MAX],
    const sealed_prepared_t *request, sealed_sender_t *sender, uint64_t now)
{
    int               n;
    char              input[SEALED_SIGNATURE_INPUT_MAX];
    char              value[SEALED_SIGNATURE_MAX], type[128];
    unsigned          i;
    sealed_request_t  signed_request;

    const char  *covered[SEALED_COMPONENTS] = {
        request->method,
        request->path,
        NULL,
        request->content_type ? request->digest : NULL,
        sender->credential.certificate,
        NULL,
        NULL,
        NULL,
        request->mailbox_key
    };

    for (i = 0; i < SEALED_COMPONENTS; i++) {
        signed_request.value[i].data = (const uint8_t *) covered[i];
        signed_request.value[i].size = covered[i] ? strlen(covered[i]) : 0;
    }

    signed_request.has_body = (request->content_type != NULL);

    sealed_request_signature_sign(input, value, &signed_request,
                                  sender->credential.key,
                                  sender->credential.keyid, now,
                                  sender->nonce++);

    type[0] = '\0';

    if (request->content_type) {
        n = snprintf(type, sizeof(type), "Content-Type: %s\r\n"
                     "Content-Digest: ", request->content_type);

        if (n < 0 || (size_t) n >= sizeof(type)) {
            return 0;
        }
    }

    n = snprintf(out, SEALED_PREPARED_HEAD_MAX,
                 "%s %s HTTP/1.1\r\n"
                 "Host: %s\r\n"
                 "Content-Length: %zu\r\n"
                 "%s%s%s"
                 "Sealed-Certificate: %s\r\n"
                 "%s%s%s"
                 "Signature-Input: %s\r\n"
                 "Signature: %s\r\n"
                 "\r\n",
                 request->method, request->path, request->host,
                 request->content_type ? request->body_size : 0,
                 type, request->content_type ? request->digest : "",
                 request->content_type ? "\r\n" : "",
                 sender->credential.certificate,
                 request->mailbox_key ? "Sealed-Mailbox-Key: " : "",
                 request->mailbox_key ? request->mailbox_key : "",
                 request->mailbox_key ? "\r\n" : "",
                 input, value);

    return n < 0 || n >= SEALED_PREPARED_HEAD_MAX ? 0 : (size_t) n;
}


void
sealed_prepared_begin(FILE *file, uint32_t bodies, uint32_t requests)
{
    fwrite(SEALED_PREPARED_MAGIC, 1, MAGIC_SIZE, file);
    write_integer(file, bodies);
    write_integer(file, requests);
}


void
sealed_prepared_add_body(FILE *file, sealed_bytes_t body)
{
    write_integer(file, (uint32_t) body.size);
    fwrite(body.data, 1, body.size, file);
}


void
sealed_prepared_add_request(FILE *file, uint32_t body, const char *head,
    size_t size)
{
    write_integer(file, body);
    write_integer(file, (uint32_t) size);
    fwrite(head, 1, size, file);
}


int
sealed_prepared_open(sealed_prepared_file_t *prepared, const char *name)
{
    int          fd, rc;
    struct stat  st;

    memset(prepared, 0, sizeof(sealed_prepared_file_t));

    fd = open(name, O_RDONLY|O_CLOEXEC|O_NONBLOCK);

    if (fd == -1 || fstat(fd, &st) == -1) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", name, strerror(errno));
        goto done;
    }

    if (!S_ISREG(st.st_mode) || st.st_size < MAGIC_SIZE + 8) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: is not a file of requests",
                         name);
        goto done;
    }

    prepared->size = (size_t) st.st_size;
    prepared->memory = mmap(NULL, prepared->size, PROT_READ, MAP_PRIVATE, fd,
                            0);

    if (prepared->memory == MAP_FAILED) {
        prepared->memory = NULL;
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", name, strerror(errno));
        goto done;
    }

    rc = SEALED_EXIT_OK;

    if (read_all(prepared) != 0) {
        sealed_prepared_close(prepared);
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: is not a file of requests, "
                         "or not whole", name);
    }

done:

    if (fd != -1) {
        close(fd);
    }

    return rc;
}


void
sealed_prepared_close(sealed_prepared_file_t *prepared)
{
    free(prepared->body);

    if (prepared->memory) {
        munmap(prepared->memory, prepared->size);
    }

    memset(prepared, 0, sizeof(sealed_prepared_file_t));
}


void
sealed_prepared_next(const sealed_prepared_file_t *prepared, size_t *offset,
    sealed_bytes_t *head, sealed_bytes_t *body)
{
    uint32_t  number;

    number = SEALED_PREPARED_NO_BODY;
    head->data = NULL;
    head->size = 0;
    body->data = NULL;
    body->size = 0;

    if (read_integer(prepared, offset, &number) == 0
        && read_octets(prepared, offset, head) == 0
        && number < prepared->bodies)
    {
        *body = prepared->body[number];
    }
}


static int
read_all(sealed_prepared_file_t *prepared)
{
    size_t          offset;
    uint32_t        i, number;
    sealed_bytes_t  head;

    offset = MAGIC_SIZE;

    if (memcmp(prepared->memory, SEALED_PREPARED_MAGIC, MAGIC_SIZE) != 0
        || read_integer(prepared, &offset, &prepared->bodies) != 0
        || read_integer(prepared, &offset, &prepared->requests) != 0
        || prepared->bodies > prepared->size / 4)
    {
        return -1;
    }

    prepared->body = calloc(prepared->bodies + (size_t) 1,
                            sizeof(sealed_bytes_t));
    if (prepared->body == NULL) {
        return -1;
    }

    for (i = 0; i < prepared->bodies; i++) {
        if (read_octets(prepared, &offset, &prepared->body[i]) != 0) {
            return -1;
        }
    }

    prepared->first = offset;

    for (i = 0; i < prepared->requests; i++) {
        if (read_integer(prepared, &offset, &number) != 0
            || read_octets(prepared, &offset, &head) != 0
            || head.size == 0
            || (number >= prepared->bodies
                && number != SEALED_PREPARED_NO_BODY))
        {
            return -1;
        }
    }

    return offset == prepared->size ? 0 : -1;
}


static int
read_integer(const sealed_prepared_file_t *prepared, size_t *offset,
    uint32_t *value)
{
    if (prepared->size - *offset < 4) {
        return -1;
    }

    *value = sealed_get32(prepared->memory + *offset);
    *offset += 4;

    return 0;
}


static int
read_octets(const sealed_prepared_file_t *prepared, size_t *offset,
    sealed_bytes_t *octets)
{
    uint32_t  size;

    if (read_integer(prepared, offset, &size) != 0
        || prepared->size - *offset < size)
    {
        return -1;
    }

    octets->data = prepared->memory + *offset;
    octets->size = size;
    *offset += size;

    return 0;
}


static void
write_integer(FILE *file, uint32_t value)
{
    uint8_t  octets[4];

    (void) sealed_put32(octets, value);
    fwrite(octets, 1, sizeof(octets), file);
}
