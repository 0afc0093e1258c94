
/*
 * A gateway that pushes items to "sealed read --follow" as it likes, as
 * server-sent events or on a WebSocket: only whole items are taken.
 *
 * The first octet's lowest bit says which, the others at which sending the
 * network stops, and how; the next octet how many items are enough.
 *
 * Aims at: cli/live_events.c cli/live_websocket.c
 */

#include "libcurl.h"

#include "cli/live.h"
#include "cli/options.h"


enum {
    ITEM_MAX = 512
};


static unsigned  left;


static int
take(void *user, const sealed_item_t *item, uint64_t *acknowledge,
    unsigned *enough)
{
    volatile uint8_t  last;

    CHECK(item->header.size + item->body.size + item->stamp.size
          <= ITEM_MAX);

    if (item->body.size) {
        last = item->body.data[item->body.size - 1];
        (void) last;
    }

    *acknowledge = item->seq;
    *enough = left == 0;
    left -= left != 0;

    /* one that cannot be stored */

    return item->seq == 13 ? SEALED_EXIT_LOCAL : SEALED_EXIT_OK;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int             rc;
    sealed_live_t   live;
    sealed_owner_t  owner;

    if (size < 2) {
        return 0;
    }

    begin_command();

    memset(&owner, 0, sizeof(owner));
    strcpy(owner.gateway.url, "https://gateway.example");
    strcpy(owner.mailbox.id_text, "AAAAAAAAAAAAAAAAAAAAAA");

    memset(&live, 0, sizeof(live));
    live.owner = &owner;
    live.item_max = ITEM_MAX;
    live.take = take;
    left = data[1];

    begin_network(data + 2, data + size);
    network_stops = data[0] >> 2;
    network_error = data[0] & 2 ? CURLE_AGAIN : CURLE_SEND_ERROR;

    rc = data[0] & 1 ? sealed_live_websocket(&live)
                     : sealed_live_events(&live);

    CHECK(rc == SEALED_EXIT_OK || rc == SEALED_EXIT_NETWORK
          || rc == SEALED_EXIT_LOCAL || rc == SEALED_EXIT_REFUSED);
    CHECK(!live.enough || live.taken);

    end_command();

    return 0;
}
