
/*
 * The commands, one table each, next to what they do.
 */

#ifndef SEALED_CLI_COMMANDS_H
#define SEALED_CLI_COMMANDS_H


#include "options.h"


#pragma GCC visibility push(hidden)


#define SEALED_VERSION  "1.0.0"


extern const sealed_command_t  sealed_command_keygen_deployment;
extern const sealed_command_t  sealed_command_keygen_authority;
extern const sealed_command_t  sealed_command_keygen_certificate;
extern const sealed_command_t  sealed_command_keygen_identity;
extern const sealed_command_t  sealed_command_keygen_mailbox;
extern const sealed_command_t  sealed_command_authority_sign;
extern const sealed_command_t  sealed_command_authority_certify;
extern const sealed_command_t  sealed_command_certificates;
extern const sealed_command_t  sealed_command_open;
extern const sealed_command_t  sealed_command_send;
extern const sealed_command_t  sealed_command_read;
extern const sealed_command_t  sealed_command_ack;
extern const sealed_command_t  sealed_command_status;
extern const sealed_command_t  sealed_command_close;
extern const sealed_command_t  sealed_command_request;
extern const sealed_command_t  sealed_command_report;
extern const sealed_command_t  sealed_command_revoke;
extern const sealed_command_t  sealed_command_journal_check;
extern const sealed_command_t  sealed_command_zone_check;
extern const sealed_command_t  sealed_command_zone_dump_stats;
extern const sealed_command_t  sealed_command_bench_certificates;
extern const sealed_command_t  sealed_command_bench_mailboxes;
extern const sealed_command_t  sealed_command_bench_requests;
extern const sealed_command_t  sealed_command_bench_replay;


#pragma GCC visibility pop


#endif /* SEALED_CLI_COMMANDS_H */
