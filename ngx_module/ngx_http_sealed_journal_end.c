
#include "ngx_http_sealed_journal.h"

#include <sodium.h>


#if (NGX_THREADS)


/* A worker's stream when the worker leaves. */


static ngx_uint_t ngx_http_sealed_journal_last(
    ngx_http_sealed_zone_conf_t *zone);
static int ngx_http_sealed_journal_certificates(
    ngx_http_sealed_journal_t *j);


/* all that waits is written, and that this was the end */

void
ngx_http_sealed_journals_exit(ngx_http_sealed_main_conf_t *smcf)
{
    int                             rc;
    ngx_uint_t                      i;
    ngx_http_sealed_journal_t      *j;
    ngx_http_sealed_zone_conf_t   **zone;
    const sealed_journal_batch_t   *batch;

    zone = smcf->zones.elts;

    for (i = 0; i < smcf->zones.nelts; i++) {
        j = zone[i]->journal.stream;

        if (j == NULL) {
            continue;
        }

        /* nginx has waited for the threads, but tells nobody any more */

        if (j->busy) {
            if (j->writer.under_way) {
                sealed_journal_done(&j->writer, j->rc ? -1 : 0);
            }

            j->busy = 0;
        }

        ngx_http_sealed_rewrite_exit(j);

        rc = ngx_http_sealed_journal_last(zone[i])
             ? ngx_http_sealed_journal_certificates(j) : 0;

        if (rc == 0
            && ngx_http_sealed_journal_put_empty(j, SEALED_JOURNAL_END)
               == NGX_OK)
        {
            batch = sealed_journal_take(&j->writer);
            rc = batch ? sealed_journal_commit(&j->output, batch, 0) : 0;
        }

        if (rc == 0) {
            rc = sealed_journal_finish(&j->output);
        }

        if (rc != 0) {
            ngx_log_error(NGX_LOG_ERR, j->log, rc,
                          "the end of journal \"%V\" could not be written",
                          &zone[i]->journal.path);
        }

        sealed_journal_directory_close(&j->directory);
        sodium_memzero(j->writer.key, sizeof(j->writer.key));
        zone[i]->journal.stream = NULL;
    }
}


/*
 * Whether no other worker writes any more.  Of two that leave at once both
 * may see that, which does no harm.
 */

static ngx_uint_t
ngx_http_sealed_journal_last(ngx_http_sealed_zone_conf_t *zone)
{
    uint32_t        i;
    sealed_zone_t  *z;

    z = zone->zone;

    __atomic_store_n(&z->workers[z->worker].journal, 0, __ATOMIC_SEQ_CST);

    for (i = 0; i < SEALED_WORKERS; i++) {
        if (i != z->worker
            && __atomic_load_n(&z->workers[i].journal, __ATOMIC_SEQ_CST)
            && sealed_worker_taken(z, i))
        {
            return 0;
        }
    }

    return 1;
}


/*
 * At the end of nginx: budgets and windows of the certificates that were used
 * since the last snapshot began.  An error number, or 0.
 */

static int
ngx_http_sealed_journal_certificates(ngx_http_sealed_journal_t *j)
{
    int                             rc;
    uint64_t                        since;
    ngx_uint_t                      lost;
    sealed_zone_t                  *zone;
    sealed_snapshot_result_t        result;
    const sealed_journal_batch_t   *batch;
    sealed_certificate_snapshot_t   walk;

    zone = j->zone->zone;
    since = zone->header->journal.begun;

    /* none yet, or the clock was put back: all certificates */

    if (since == 0 || since > (uint64_t) ngx_time()) {
        since = 1;
    }

    sealed_certificate_snapshot_init(&walk, since);
    lost = 0;

    do {
        result = sealed_certificate_snapshot_step(&walk, zone, &j->writer,
                                                  ngx_time());

        if (result == SEALED_SNAPSHOT_WAIT) {
            batch = sealed_journal_take(&j->writer);
            rc = batch ? sealed_journal_commit(&j->output, batch, 0)
                       : NGX_ENOSPC;
            sealed_journal_done(&j->writer, rc ? -1 : 0);

            if (rc != 0) {
                return rc;
            }
        }

        lost += result == SEALED_SNAPSHOT_LOST;

    } while (result != SEALED_SNAPSHOT_DONE);

    if (lost) {
        ngx_log_error(NGX_LOG_ERR, j->log, 0,
                      "the locks of %ui of %uD parts of sealed zone \"%V\" "
                      "are lost: what certificates in them have spent since "
                      "the last rewriting is not in journal \"%V\"", lost,
                      zone->shard_mask + 1, &j->zone->name,
                      &j->zone->journal.path);
    }

    return 0;
}


#else /* !NGX_THREADS: a configuration with a journal is refused */


void
ngx_http_sealed_journals_exit(ngx_http_sealed_main_conf_t *smcf)
{
}


#endif
