
/*
 * Loaded before others (LD_PRELOAD), it lets calls on files of a journal and
 * of a zone fail, be done by half, or end processes, and one that sends to a
 * client stop its process, as a file says that SEALED_FAULTS names and that
 * tests write (t/lib/Sealed/Faults.pm).
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>


enum {
    CREATE   = 1 << 0,
    OPEN     = 1 << 1,
    ALLOCATE = 1 << 2,
    WRITE    = 1 << 3,
    SYNC     = 1 << 4,
    NAMES    = 1 << 5,
    TRUNCATE = 1 << 6,
    REMOVE   = 1 << 7,
    MAP      = 1 << 8,
    LOCK     = 1 << 9,
    EXECUTE  = 1 << 10,
    SEND     = 1 << 11
};

enum {
    JOURNAL   = 1 << 0,
    SNAPSHOT  = 1 << 1,
    DIRECTORY = 1 << 2,
    ZONE      = 1 << 3,
    LOCK_FILE = 1 << 4,
    PROGRAM   = 1 << 5,
    CLIENT    = 1 << 6                  /* whose port the error is */
};

enum {
    FAIL = 1,
    SHORT,                              /* of a write, half; a file that is
                                         * mapped is cut to half then */
    BEFORE,                             /* who is meant ends, then it is done */
    AFTER,
    HALF,                               /* after half of a write */
    STOP                                /* the caller, when it is done */
};

enum {
    SELF   = 1 << 0,
    OTHERS = 1 << 1,                    /* workers */
    MASTER = 1 << 2
};


/* all numbers in the host's order, as Perl's pack() has them */

typedef struct {
    uint32_t  calls;                    /* 0: none */
    uint32_t  files;
    uint32_t  after;                    /* so many that pass */
    uint32_t  times;
    uint32_t  what;
    uint32_t  who;
    uint32_t  error;
    uint32_t  seen;
    uint32_t  done;
} faults_t;


#define EXPORT  __attribute__ ((visibility ("default")))


static faults_t  *faults;


static void init(void) __attribute__ ((constructor));
static unsigned file_of(const char *path);
static unsigned file_of_fd(int fd);
static unsigned file_of_socket(int fd);
static unsigned begin(unsigned call, unsigned file);
static void end(unsigned what);
static void end_processes(void);
static void cut_file(int fd, size_t size);
static int open_file(int directory, const char *path, int flags, mode_t mode);
static mode_t mode_of(int flags, va_list args);


static void
init(void)
{
    int          fd;
    void        *memory;
    const char  *path;

    path = getenv("SEALED_FAULTS");
    if (path == NULL) {
        return;
    }

    fd = (int) syscall(SYS_openat, AT_FDCWD, path, O_RDWR|O_CLOEXEC, 0);
    if (fd == -1) {
        return;
    }

    memory = (void *) syscall(SYS_mmap, NULL, sizeof(faults_t),
                              PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);
    (void) close(fd);

    if (memory != MAP_FAILED) {
        faults = memory;
    }
}


static unsigned
file_of(const char *path)
{
    size_t  i, size, end;

    static const struct {
        const char  *ending;
        unsigned     file;
    } files[] = {
        { ".journal", JOURNAL },
        { ".snapshot", SNAPSHOT },
        { "/journal", DIRECTORY },
        { ".zone", ZONE },
        { "lock", LOCK_FILE }
    };

    size = strlen(path);

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        end = strlen(files[i].ending);

        if (size >= end && strcmp(path + size - end, files[i].ending) == 0) {
            return files[i].file;
        }
    }

    return 0;
}


static unsigned
file_of_fd(int fd)
{
    char     name[64], path[4096];
    ssize_t  size;

    if (faults == NULL || faults->calls == 0) {
        return 0;
    }

    (void) snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    size = readlink(name, path, sizeof(path) - 1);

    if (size < 0) {
        return 0;
    }

    path[size] = '\0';

    return file_of(path);
}


static unsigned
file_of_socket(int fd)
{
    socklen_t           size;
    struct sockaddr_in  peer;

    if (faults == NULL || (faults->calls & SEND) == 0) {
        return 0;
    }

    size = sizeof(peer);

    return getpeername(fd, (struct sockaddr *) &peer, &size) == 0
           && peer.sin_family == AF_INET
           && ntohs(peer.sin_port) == faults->error
           ? CLIENT : 0;
}


/* what is to happen to this call; processes have ended where it is BEFORE */

static unsigned
begin(unsigned call, unsigned file)
{
    uint32_t  n, what;

    if (faults == NULL
        || (__atomic_load_n(&faults->calls, __ATOMIC_ACQUIRE) & call) == 0
        || (faults->files & file) == 0)
    {
        return 0;
    }

    n = __atomic_fetch_add(&faults->seen, 1, __ATOMIC_ACQ_REL);

    if (n < faults->after || n - faults->after >= faults->times) {
        return 0;
    }

    what = faults->what;

    if (what == FAIL || what == SHORT) {
        (void) __atomic_fetch_add(&faults->done, 1, __ATOMIC_ACQ_REL);
        errno = (int) faults->error;

    } else if (what == BEFORE) {
        end_processes();
    }

    return what;
}


static void
end(unsigned what)
{
    int  saved;

    if (what == AFTER) {
        saved = errno;
        end_processes();
        errno = saved;

    } else if (what == STOP) {
        (void) __atomic_fetch_add(&faults->done, 1, __ATOMIC_ACQ_REL);
        (void) kill(getpid(), SIGSTOP);
    }
}


/* the master leads its group; only it can be meant where it is the caller */

static void
end_processes(void)
{
    int       fd;
    char      name[64], list[4096], *p;
    long      pid;
    ssize_t   size;
    uint32_t  who;

    (void) __atomic_fetch_add(&faults->done, 1, __ATOMIC_ACQ_REL);

    who = getpgrp() == getpid() ? SELF : faults->who;

    if ((who & OTHERS) && getppid() != 1) {
        (void) snprintf(name, sizeof(name), "/proc/%d/task/%d/children",
                        (int) getppid(), (int) getppid());

        fd = (int) syscall(SYS_openat, AT_FDCWD, name, O_RDONLY|O_CLOEXEC, 0);
        size = fd == -1 ? 0 : read(fd, list, sizeof(list) - 1);
        list[size > 0 ? size : 0] = '\0';
        (void) close(fd);

        for (p = list; (pid = strtol(p, &p, 10)) > 0; /* void */ ) {
            if (pid != getpid()) {
                (void) kill((pid_t) pid, SIGKILL);
            }
        }
    }

    if ((who & MASTER) && getppid() != 1) {
        (void) kill(getppid(), SIGKILL);
    }

    if (who & SELF) {
        (void) kill(getpid(), SIGKILL);

        for ( ;; ) {
            (void) pause();
        }
    }
}


static int
open_file(int directory, const char *path, int flags, mode_t mode)
{
    int       fd;
    unsigned  what;

    what = begin(flags & O_CREAT ? CREATE : OPEN, file_of(path));

    if (what == FAIL) {
        return -1;
    }

    fd = (int) syscall(SYS_openat, directory, path, flags, mode);
    end(what);

    return fd;
}


static mode_t
mode_of(int flags, va_list args)
{
    return flags & (O_CREAT|O_TMPFILE) ? (mode_t) va_arg(args, int) : 0;
}


EXPORT int
open(const char *path, int flags, ...)
{
    mode_t   mode;
    va_list  args;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);

    return open_file(AT_FDCWD, path, flags, mode);
}


EXPORT int
openat(int directory, const char *path, int flags, ...)
{
    mode_t   mode;
    va_list  args;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);

    return open_file(directory, path, flags, mode);
}


EXPORT int
fallocate(int fd, int mode, off_t offset, off_t size)
{
    int       rc;
    unsigned  what;

    what = begin(ALLOCATE, file_of_fd(fd));

    if (what == FAIL) {
        return -1;
    }

    rc = (int) syscall(SYS_fallocate, fd, mode, offset, size);
    end(what);

    return rc;
}


EXPORT int
posix_fallocate(int fd, off_t offset, off_t size)
{
    return fallocate(fd, 0, offset, size) == -1 ? errno : 0;
}


EXPORT ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
    ssize_t   n;
    unsigned  what;

    what = begin(WRITE, file_of_fd(fd));

    if (what == FAIL) {
        return -1;
    }

    if ((what == SHORT || what == HALF) && size > 1) {
        size /= 2;
    }

    n = syscall(SYS_pwrite64, fd, data, size, offset);

    if (what == HALF) {
        end_processes();
    }

    end(what);

    return n;
}


EXPORT ssize_t
writev(int fd, const struct iovec *iov, int count)
{
    ssize_t   n;
    unsigned  what;

    what = begin(SEND, file_of_socket(fd));
    n = syscall(SYS_writev, fd, iov, count);
    end(what);

    return n;
}


EXPORT int
fdatasync(int fd)
{
    int       rc;
    unsigned  what;

    what = begin(SYNC, file_of_fd(fd));

    if (what == FAIL) {
        return -1;
    }

    rc = (int) syscall(SYS_fdatasync, fd);
    end(what);

    return rc;
}


EXPORT int
fsync(int fd)
{
    int       rc;
    unsigned  what;

    what = begin(NAMES, file_of_fd(fd));

    if (what == FAIL) {
        return -1;
    }

    rc = (int) syscall(SYS_fsync, fd);
    end(what);

    return rc;
}


EXPORT int
ftruncate(int fd, off_t size)
{
    int       rc;
    unsigned  what;

    what = begin(TRUNCATE, file_of_fd(fd));

    if (what == FAIL) {
        return -1;
    }

    rc = (int) syscall(SYS_ftruncate, fd, size);
    end(what);

    return rc;
}


EXPORT int
unlinkat(int directory, const char *path, int flags)
{
    int       rc;
    unsigned  what;

    what = begin(REMOVE, file_of(path));

    if (what == FAIL) {
        return -1;
    }

    rc = (int) syscall(SYS_unlinkat, directory, path, flags);
    end(what);

    return rc;
}


/* as somebody else does, whatever the caller may do with it */

static void
cut_file(int fd, size_t size)
{
    int   other;
    char  name[64];

    (void) snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    other = (int) syscall(SYS_openat, AT_FDCWD, name, O_RDWR|O_CLOEXEC);

    if (other != -1) {
        (void) syscall(SYS_ftruncate, other, (off_t) size);
        (void) close(other);
    }
}


EXPORT void *
mmap(void *address, size_t size, int protection, int flags, int fd,
    off_t offset)
{
    void      *memory;
    unsigned   what;

    what = fd == -1 ? 0 : begin(MAP, file_of_fd(fd));

    if (what == FAIL) {
        return MAP_FAILED;
    }

    memory = (void *) syscall(SYS_mmap, address, size, protection, flags, fd,
                              offset);

    if (what == SHORT) {
        cut_file(fd, size / 2);
    }

    end(what);

    return memory;
}


EXPORT int
flock(int fd, int operation)
{
    int       rc;
    unsigned  what;

    what = begin(LOCK, file_of_fd(fd));

    if (what == FAIL) {
        return -1;
    }

    rc = (int) syscall(SYS_flock, fd, operation);
    end(what);

    return rc;
}


EXPORT int
execve(const char *path, char *const args[], char *const environment[])
{
    if (begin(EXECUTE, PROGRAM) == FAIL) {
        return -1;
    }

    return (int) syscall(SYS_execve, path, args, environment);
}


/* by their other names */

#define OTHER_NAME(name)  __attribute__ ((visibility ("default"), alias (name)))

int open64(const char *path, int flags, ...) OTHER_NAME("open");
int openat64(int directory, const char *path, int flags, ...)
    OTHER_NAME("openat");
int fallocate64(int fd, int mode, off_t offset, off_t size)
    OTHER_NAME("fallocate");
int posix_fallocate64(int fd, off_t offset, off_t size)
    OTHER_NAME("posix_fallocate");
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
    OTHER_NAME("pwrite");
int ftruncate64(int fd, off_t size) OTHER_NAME("ftruncate");
void *mmap64(void *address, size_t size, int protection, int flags, int fd,
    off_t offset) OTHER_NAME("mmap");
