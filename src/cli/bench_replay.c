
#include "commands.h"
#include "output.h"
#include "prepared.h"
#include "replay.h"

#include <string.h>


typedef struct {
    sealed_prepared_file_t        file;
    size_t                        offset;
    uint64_t                      taken;
} replayed_t;


static int run(unsigned number, char **files);
static int next_prepared(void *data, unsigned connection,
    sealed_bytes_t *head, sealed_bytes_t *body);


static uint64_t  connections = 32;


static const sealed_option_t  options[] = {
    { "connections", "N", SEALED_NUMBER, &connections,
      "at once, 1 to 128 (32)" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_bench_replay = {
    "bench replay",
    "FILE",
    "send prepared requests, each once",
    "Sends the requests that \"bench requests\" wrote to FILE, in their "
    "order, over\nseveral connections of plain HTTP, and counts the "
    "answers. Status 0: all 2xx.\n\n"
    "Example:\n"
    "  sealed bench replay --connections 8 requests",
    options, 1, 1, 1, run
};


static int
run(unsigned number, char **files)
{
    int               rc;
    replayed_t        replayed;
    sealed_replay_t   replay;
    sealed_gateway_t  gateway;

    if (connections == 0 || connections > SEALED_REPLAY_CONNECTIONS_MAX) {
        return sealed_fail(SEALED_EXIT_USAGE, "--connections: 1 to %d",
                           SEALED_REPLAY_CONNECTIONS_MAX);
    }

    memset(&replay, 0, sizeof(replay));
    memset(&replayed, 0, sizeof(replayed));

    rc = sealed_gateway_connect(&gateway, NULL);

    if (rc == 0) {
        rc = sealed_prepared_open(&replayed.file, files[0]);
    }

    if (rc == 0) {
        replayed.offset = replayed.file.first;

        replay.url = gateway.url;
        replay.connections = (unsigned) connections;
        replay.label = "requests";
        replay.total = replayed.file.requests;
        replay.next = next_prepared;
        replay.data = &replayed;

        rc = sealed_replay(&replay);
    }

    if (rc == 0) {
        rc = sealed_replay_report(&replay);
    }

    sealed_prepared_close(&replayed.file);
    sealed_gateway_close(&gateway);

    return rc;
}


static int
next_prepared(void *data, unsigned connection, sealed_bytes_t *head,
    sealed_bytes_t *body)
{
    replayed_t  *replayed;

    replayed = data;

    if (replayed->taken == replayed->file.requests) {
        return 0;
    }

    replayed->taken++;
    sealed_prepared_next(&replayed->file, &replayed->offset, head, body);

    return 1;
}
