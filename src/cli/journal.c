
#include "commands.h"
#include "file.h"
#include "output.h"
#include "../host/journal_directory.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>


typedef struct {
    unsigned                      errors;
    unsigned                      warnings;
} sealed_journal_findings_t;


static int run(unsigned count, char **files);
static int check(const char *path, const sealed_master_secret_t *secret);
static void watch(void);
static void fill(int number, siginfo_t *info, void *context);
static int read_secret(sealed_master_secret_t *secret);
static void say(void *context, sealed_journal_level_t level,
    const char *text);
static int show(const sealed_recovery_t *recovery, size_t segments,
    uint64_t octets, const sealed_journal_findings_t *findings);


static const char  *master_secret;
static const char  *zone;
static uintptr_t    page;

static volatile sig_atomic_t  filled;


static const sealed_option_t  options[] = {
    { "master-secret", "FILE", SEALED_TEXT, &master_secret,
      "the zone's master secret, the journal is encrypted" },
    { "zone", "NAME", SEALED_TEXT, &zone,
      "the zone's name in nginx's configuration" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_journal_check = {
    "journal check",
    "DIRECTORY",
    "what a gateway would recover from a journal",
    "Reads a whole journal as nginx does when it starts, changes nothing, "
    "and says what\nis damaged, what would be dropped, and what lives. A "
    "journal that is being written\ncan be read too; its last records are "
    "then missing, or said to be damaged. Needs\nthe memory that recovery "
    "needs.\n\n"
    "Exit status 2 if anything that was whole once is damaged or missing.\n\n"
    "Example:\n"
    "  sealed journal check --zone main --master-secret master.key "
    "/var/lib/sealed/main",
    options, 1, 1, 0, run
};


static int
run(unsigned count, char **files)
{
    int                     rc;
    sealed_master_secret_t  secret;

    if (master_secret == NULL || zone == NULL) {
        return sealed_fail(SEALED_EXIT_USAGE, "--master-secret and --zone "
                           "are needed");
    }

    rc = read_secret(&secret);

    if (rc == 0) {
        rc = check(files[0], &secret);
        sealed_master_secret_wipe(&secret);
    }

    return rc;
}


static int
check(const char *path, const sealed_master_secret_t *secret)
{
    int                          rc;
    char                         wrong[SEALED_JOURNAL_WRONG_SIZE];
    size_t                       i, count;
    uint8_t                      identity[SEALED_JOURNAL_IDENTITY];
    uint64_t                     octets;
    sealed_recovery_t            recovery;
    sealed_journal_file_t       *files;
    sealed_journal_findings_t    findings;
    sealed_journal_directory_t   directory;

    rc = sealed_journal_directory_open(&directory, path);

    if (rc < 0) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", path, strerror(-rc));
    }

    rc = sealed_journal_directory_map(&directory, &files, &count, wrong);
    sealed_journal_directory_close(&directory);

    if (rc < 0) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", path, wrong);
    }

    watch();

    memset(&findings, 0, sizeof(findings));
    sealed_journal_identity(identity, zone, strlen(zone));
    sealed_recovery_init(&recovery, identity, secret,
                         (uint32_t) (time(NULL) / 3600),
                         sealed_journal_resize, NULL);

    if (sealed_journal_load(&recovery, files, count, say, &findings) != 0) {
        rc = SEALED_EXIT_LOCAL;

    } else {

        if (filled) {
            say(&findings, SEALED_JOURNAL_WARNING, "segments were cut while "
                "they were read, or the disk fails: look again when nginx "
                "does not run");
        }

        octets = 0;

        for (i = 0; i < count; i++) {
            octets += files[i].size;
        }

        rc = show(&recovery, count, octets, &findings);
    }

    sealed_recovery_free(&recovery);
    sealed_journal_directory_unmap(files, count);

    return rc;
}


static void
watch(void)
{
    struct sigaction  action;

    page = (uintptr_t) sysconf(_SC_PAGESIZE);

    memset(&action, 0, sizeof(action));
    action.sa_sigaction = fill;
    action.sa_flags = SA_SIGINFO;
    (void) sigemptyset(&action.sa_mask);
    (void) sigaction(SIGBUS, &action, NULL);
}


/*
 * nginx cuts a segment at its last record when it goes on to another one.
 * What is behind its end then reads as the room that it was: as zeros.
 */

static void
fill(int number, siginfo_t *info, void *context)
{
    void  *at;

    at = (void *) ((uintptr_t) info->si_addr & ~(page - 1));

    if (info->si_code != BUS_ADRERR
        || mmap(at, page, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED, -1,
                0)
           == MAP_FAILED)
    {
        (void) signal(number, SIG_DFL);
    }

    filled = 1;
}


static int
read_secret(sealed_master_secret_t *secret)
{
    int          rc;
    char        *text;
    size_t       size;
    unsigned     line;
    const char  *wrong;

    rc = sealed_file_read(&text, &size, master_secret, SEALED_KEY_FILE_MAX,
                          SEALED_FILE_SECRET);
    if (rc) {
        return rc;
    }

    wrong = sealed_master_secret_parse(secret, text, size, &line);
    sealed_file_forget(text, size);

    if (wrong) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s, line %u: %s",
                           master_secret, line, wrong);
    }

    return SEALED_EXIT_OK;
}


static void
say(void *context, sealed_journal_level_t level, const char *text)
{
    sealed_journal_findings_t  *findings = context;

    if (level == SEALED_JOURNAL_ERROR) {
        findings->errors++;
        (void) sealed_fail(SEALED_EXIT_LOCAL, "%s", text);

    } else if (level == SEALED_JOURNAL_WARNING) {
        findings->warnings++;
        sealed_remark("%s", text);

    } else {
        sealed_detail("%s", text);
    }
}


static int
show(const sealed_recovery_t *recovery, size_t segments, uint64_t octets,
    const sealed_journal_findings_t *findings)
{
    const sealed_recovery_result_t  *result;

    result = &recovery->result;

    if (sealed_common.json) {
        sealed_emit(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i}",
                        "segments", (json_int_t) segments,
                        "bytes", (json_int_t) octets,
                        "generation", (json_int_t) recovery->generation,
                        "mailboxes", (json_int_t) result->mailboxes,
                        "envelopes", (json_int_t) result->envelopes,
                        "bodies", (json_int_t) result->bodies,
                        "warnings", (int) findings->warnings,
                        "errors", (int) findings->errors));

    } else {
        printf("segments    %zu\n"
               "bytes       %llu\n"
               "generation  %llu\n"
               "mailboxes   %llu\n"
               "envelopes   %llu\n"
               "bodies      %llu\n", segments,
               (unsigned long long) octets,
               (unsigned long long) recovery->generation,
               (unsigned long long) result->mailboxes,
               (unsigned long long) result->envelopes,
               (unsigned long long) result->bodies);
    }

    return findings->errors ? SEALED_EXIT_LOCAL : SEALED_EXIT_OK;
}
