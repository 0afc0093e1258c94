
/*
 * Text forms: base64url (RFC 4648, section 5, unpadded), structured-field
 * byte sequences (RFC 8941, section 3.3.5, ":" standard base64 ":") and
 * decimal integers.
 *
 * Decoders take canonical text only: no white space, exact padding, unused
 * bits zero, no leading zero in numbers.  They return 0, or -1 and leave the
 * output undefined.  Encoders write no terminating zero and return the end
 * of what they wrote.
 */

#ifndef SEALED_TEXT_H
#define SEALED_TEXT_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


/* octets needed for the text of n octets */
#define SEALED_BASE64URL_SIZE(n)         (((n) * 4 + 2) / 3)
#define SEALED_BASE64_SIZE(n)            (((n) + 2) / 3 * 4)
#define SEALED_BYTE_SEQUENCE_SIZE(n)     (SEALED_BASE64_SIZE(n) + 2)
#define SEALED_DECIMAL_SIZE              20


/* exactly size octets must come out */
int sealed_base64url_decode(uint8_t *out, size_t size, sealed_bytes_t text);
char *sealed_base64url_encode(char *out, const void *data, size_t size);

/* standard alphabet, padded */
char *sealed_base64_encode(char *out, const void *data, size_t size);

/* at most max octets come out; *size is set to their number */
int sealed_base64_decode(uint8_t *out, size_t max, size_t *size,
    sealed_bytes_t text);
int sealed_byte_sequence_decode(uint8_t *out, size_t max, size_t *size,
    sealed_bytes_t text);
char *sealed_byte_sequence_encode(char *out, const void *data, size_t size);

/* one to 20 digits below 2^64, no sign, no leading zero but "0" itself */
int sealed_decimal_decode(uint64_t *value, sealed_bytes_t text);
char *sealed_decimal_encode(char *out, uint64_t value);


#pragma GCC visibility pop


#endif /* SEALED_TEXT_H */
