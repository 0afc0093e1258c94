
/*
 * Credentials of an account, for the few requests that are made in its name:
 * drawing certificates, and an operator's.  They are in a file that nobody
 * else can read, one line:
 *
 *   name:password          HTTP basic authentication
 *   Header-Name: value     any header, a token or a cookie
 */

#ifndef SEALED_CLI_ACCOUNT_H
#define SEALED_CLI_ACCOUNT_H


#include "../sealed.h"

#include <curl/curl.h>


#pragma GCC visibility push(hidden)


/* appends the header; an exit code */
int sealed_account_header(struct curl_slist **headers, const char *file);

/* wipes and frees them */
void sealed_account_forget(struct curl_slist *headers);


#pragma GCC visibility pop


#endif /* SEALED_CLI_ACCOUNT_H */
