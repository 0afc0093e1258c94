
#include "ngx_http_sealed.h"

#include <sys/eventfd.h>
#include <sys/mman.h>


/*
 * The places of workers on a host, whatever their master and their binary:
 * for each an eventfd to call it by, made once by the first master, and a
 * table of its readers.  A worker takes a free place when it starts and
 * gives it back when it exits.  The place of a worker that was killed is
 * free as soon as the kernel says that nobody holds its mutex.
 */

#define NGX_HTTP_SEALED_PLACES_KIND  'p'
#define NGX_HTTP_SEALED_WAKE_KIND    'w'


static ngx_fd_t ngx_http_sealed_places_memory(ngx_log_t *log);
static ngx_uint_t ngx_http_sealed_places_fit(ngx_fd_t fd);


typedef struct {
    sealed_readers_t              readers;
    ngx_atomic_t                  healed;       /* wake-ups that were lost */
} ngx_http_sealed_places_t;


static ngx_http_sealed_places_t  *ngx_http_sealed_places;
static int         ngx_http_sealed_fds[SEALED_WAKE_WORKERS];
static ngx_uint_t  ngx_http_sealed_own = SEALED_WAKE_WORKERS;


ngx_int_t
ngx_http_sealed_places_create(ngx_log_t *log)
{
    ngx_fd_t    fd;
    ngx_uint_t  i, inherited;

    if (ngx_http_sealed_places) {
        return NGX_OK;
    }

    /* one binary wakes the workers of the other */

    fd = ngx_http_sealed_inherited(NGX_HTTP_SEALED_PLACES_KIND, 0);
    inherited = fd != NGX_INVALID_FILE;

    for (i = 0; i < SEALED_WAKE_WORKERS; i++) {
        ngx_http_sealed_fds[i] = inherited
                 ? ngx_http_sealed_inherited(NGX_HTTP_SEALED_WAKE_KIND, i)
                 : NGX_INVALID_FILE;

        if (ngx_http_sealed_fds[i] == NGX_INVALID_FILE) {
            ngx_http_sealed_fds[i] = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);
        }

        if (ngx_http_sealed_fds[i] == -1) {
            ngx_log_error(NGX_LOG_EMERG, log, ngx_errno, "eventfd() failed");

            while (i--) {
                (void) close(ngx_http_sealed_fds[i]);
            }

            return NGX_ERROR;
        }
    }

    if (!inherited) {
        fd = ngx_http_sealed_places_memory(log);

    } else if (!ngx_http_sealed_places_fit(fd)) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "sealed: the binary that runs has another layout of "
                      "its readers, stop it before this one is started");
        return NGX_ERROR;
    }

    ngx_http_sealed_places = mmap(NULL, sizeof(ngx_http_sealed_places_t),
                                  PROT_READ|PROT_WRITE,
                                  fd == NGX_INVALID_FILE
                                  ? MAP_ANON|MAP_SHARED|MAP_NORESERVE
                                  : MAP_SHARED,
                                  fd, 0);

    if (ngx_http_sealed_places == MAP_FAILED) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno, "mmap() failed");
        ngx_http_sealed_places = NULL;
        return NGX_ERROR;
    }

#ifdef MADV_DONTDUMP

    (void) madvise(ngx_http_sealed_places, sizeof(ngx_http_sealed_places_t),
                   MADV_DONTDUMP);

#endif

    if (!inherited
        && sealed_readers_init(&ngx_http_sealed_places->readers) != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "sealed: no robust mutexes for readers");
        return NGX_ERROR;
    }

    if (fd == NGX_INVALID_FILE || ngx_test_config) {
        return NGX_OK;
    }

    for (i = 0; i < SEALED_WAKE_WORKERS; i++) {
        if (ngx_http_sealed_bequeath(log, NGX_HTTP_SEALED_WAKE_KIND,
                                     ngx_http_sealed_fds[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_sealed_bequeath(log, NGX_HTTP_SEALED_PLACES_KIND, fd);
}


/* without a name for it, a new binary has places of its own */

static ngx_fd_t
ngx_http_sealed_places_memory(ngx_log_t *log)
{
    ngx_fd_t  fd;

    fd = NGX_INVALID_FILE;

#if (SEALED_HAVE_MEMFD)

    fd = memfd_create("sealed", MFD_CLOEXEC);

    if (fd != NGX_INVALID_FILE
        && ftruncate(fd, sizeof(ngx_http_sealed_places_t)) == -1)
    {
        ngx_log_error(NGX_LOG_WARN, log, ngx_errno, "ftruncate() failed");
        (void) close(fd);
        fd = NGX_INVALID_FILE;
    }

#endif

    return fd;
}


static ngx_uint_t
ngx_http_sealed_places_fit(ngx_fd_t fd)
{
    uint64_t         size;
    ngx_file_info_t  fi;

    return ngx_fd_info(fd, &fi) != NGX_FILE_ERROR
           && ngx_file_size(&fi) == sizeof(ngx_http_sealed_places_t)
           && pread(fd, &size, sizeof(size),
                    offsetof(ngx_http_sealed_places_t, readers.size))
              == sizeof(size)
           && size == sizeof(sealed_readers_t);
}


/* the caller's place, SEALED_WAKE_WORKERS when there is none for it */

ngx_uint_t
ngx_http_sealed_place_take(void)
{
    ngx_http_sealed_own =
        sealed_readers_claim(&ngx_http_sealed_places->readers);

    return ngx_http_sealed_own;
}


void
ngx_http_sealed_place_leave(void)
{
    if (ngx_http_sealed_own < SEALED_WAKE_WORKERS) {
        sealed_readers_release(&ngx_http_sealed_places->readers,
                               ngx_http_sealed_own);
        ngx_http_sealed_own = SEALED_WAKE_WORKERS;
    }
}


ngx_uint_t
ngx_http_sealed_place(void)
{
    return ngx_http_sealed_own;
}


sealed_readers_t *
ngx_http_sealed_place_readers(void)
{
    return &ngx_http_sealed_places->readers;
}


ngx_socket_t
ngx_http_sealed_place_fd(void)
{
    return ngx_http_sealed_fds[ngx_http_sealed_own];
}


/* calls workers, a bit for each group of them (wake.h) */

void
ngx_http_sealed_wake(uint64_t workers)
{
    uint64_t    one;
    ngx_uint_t  i;

    one = 1;

    for (i = 0; workers && i < SEALED_WAKE_WORKERS; i++) {

        /* a full counter is a wake-up that is already on its way */

        if ((workers >> i % SEALED_WAKE_GROUPS & 1)
            && sealed_readers_taken(&ngx_http_sealed_places->readers, i)
            && write(ngx_http_sealed_fds[i], &one, sizeof(one)) == -1
            && ngx_errno != NGX_EAGAIN)
        {
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                          "write() to eventfd failed");
        }
    }
}


void
ngx_http_sealed_place_healed(ngx_uint_t wakeups)
{
    (void) ngx_atomic_fetch_add(&ngx_http_sealed_places->healed, wakeups);
}


/* shown by whichever worker is asked */

void
ngx_http_sealed_place_counts(ngx_uint_t *readers, ngx_uint_t *healed)
{
    *readers = sealed_readers_all(&ngx_http_sealed_places->readers,
                                  ngx_http_sealed_own);
    *healed = ngx_http_sealed_places->healed;
}
