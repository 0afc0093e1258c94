
#include "commands.h"
#include "mailbox.h"
#include "output.h"

#include <string.h>
#include <time.h>


static int run_ack(unsigned count, char **files);
static int run_close(unsigned count, char **files);


static unsigned     all;
static uint64_t     through = SEALED_UNSET;
static const char  *mailbox;


static const sealed_option_t  ack_options[] = {
    { "mailbox", "FILE", SEALED_TEXT, &mailbox,
      "the mailbox's key" },
    { "through", "N", SEALED_NUMBER, &through,
      "everything up to this number" },
    { "all", NULL, SEALED_FLAG, &all,
      "everything that is there now" },
    { NULL, NULL, 0, NULL, NULL }
};


static const sealed_option_t  close_options[] = {
    { "mailbox", "FILE", SEALED_TEXT, &mailbox,
      "the mailbox's key" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_ack = {
    "ack",
    "",
    "acknowledge envelopes, which removes them",
    "Tells the gateway what has been read; it then deletes that for good. "
    "sealed read\n--ack does so by itself.\n\n"
    "Examples:\n"
    "  sealed ack --mailbox bob.mailbox --through 17\n"
    "  sealed ack --mailbox bob.mailbox --all",
    ack_options, 0, 0, 1, run_ack
};


const sealed_command_t  sealed_command_close = {
    "close",
    "",
    "close a mailbox, with all that is in it",
    "Ends the mailbox. What was not read is gone, and the address stays "
    "dead: use a\nnew mailbox afterwards.\n\n"
    "Example:\n"
    "  sealed close --mailbox bob.mailbox",
    close_options, 0, 0, 1, run_close
};


static int
run_ack(unsigned count, char **files)
{
    int                      rc;
    sealed_seen_t            seen;
    sealed_owner_t           owner;
    sealed_mailbox_status_t  status;

    if (mailbox == NULL || (through != SEALED_UNSET) == (all != 0)) {
        return sealed_fail(SEALED_EXIT_USAGE, "--mailbox and either "
                           "--through N or --all are needed");
    }

    memset(&seen, 0, sizeof(seen));

    rc = sealed_owner_open(&owner, mailbox);

    if (rc == 0) {
        rc = sealed_seen_open(&seen, owner.mailbox.id_text,
                              (uint64_t) time(NULL));
    }

    if (rc == 0 && all) {
        rc = sealed_owner_status(&status, &owner);
        through = status.next - 1;
    }

    if (rc == 0) {
        rc = sealed_owner_acknowledge(&owner, through, &seen);
    }

    if (rc == 0) {

        if (sealed_common.json) {
            sealed_emit(json_pack("{s:I}", "through", (json_int_t) through));

        } else {
            printf("acknowledged through %llu\n",
                   (unsigned long long) through);
        }
    }

    sealed_seen_close(&seen);
    sealed_owner_close(&owner);

    return rc;
}


static int
run_close(unsigned count, char **files)
{
    int                rc;
    sealed_call_t      call;
    sealed_owner_t     owner;
    sealed_response_t  response;

    if (mailbox == NULL) {
        return sealed_fail(SEALED_EXIT_USAGE, "--mailbox is needed");
    }

    rc = sealed_owner_open(&owner, mailbox);

    if (rc == 0) {
        sealed_call_init(&call, "DELETE");
        sealed_call_mailbox_path(&call, &owner.gateway,
                                 owner.mailbox.id_text, "");

        rc = sealed_call_send(&response, &call, &owner.gateway,
                              &owner.credential);
    }

    if (rc == 0) {

        if (response.status != 204) {
            rc = sealed_call_refused(&response, "closing the mailbox");

        } else if (sealed_common.json) {
            sealed_emit(json_pack("{s:s}", "closed",
                                  owner.mailbox.id_text));

        } else {
            printf("mailbox %s closed\n", owner.mailbox.id_text);
        }

        sealed_response_free(&response);
    }

    sealed_owner_close(&owner);

    return rc;
}
