package Sealed::Bench::Server;

# A server that is measured: started in the foreground on a loopback port of
# its own, with a directory of its own, and stopped by its process id.
# Whatever happens, nothing of it is left at the end.

use strict;
use warnings;

use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET ();
use POSIX qw(:sys_wait_h);

use Sealed::Wait qw(wait_until slurp spew);

my @running;
my $owner = $$;

our $dir;

# the scratch folder; perl -c makes none

INIT {
    $dir = tempdir('sealed-bench-XXXXXX', TMPDIR => 1);
    $SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);
}


# name, command => [ ... ], port, environment => { }

sub new {
    my ($class, %o) = @_;

    my $self = bless { %o }, $class;

    $self->{pid} = fork // die "fork: $!\n";

    if (!$self->{pid}) {
        chdir $dir;
        $ENV{$_} = $o{environment}{$_} for keys %{ $o{environment} };
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$dir/$self->{name}.output";
        open STDERR, '>>&', \*STDOUT;
        exec { $o{command}[0] } @{ $o{command} } or POSIX::_exit(127);
    }

    push @running, $self;

    # a journal of gigabytes is read first

    my $up = wait_until {
        waitpid($self->{pid}, WNOHANG) == 0 or return 'ended';
        IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                              PeerPort => $self->{port});
    } 120;

    die "$self->{name} does not start:\n", slurp("$dir/$self->{name}.output")
        if !$up || $up eq 'ended';

    return $self;
}

sub pid { return $_[0]{pid} }

sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} // return;

    @running = grep { $_ != $self } @running;

    my @below = children($pid);

    kill 'TERM', $pid;

    if (!wait_until { waitpid($pid, WNOHANG) != 0 } 10) {
        kill 'KILL', $pid, @below;
        waitpid $pid, 0;
    }
}

sub children {
    my ($pid) = @_;

    return map { split ' ', slurp("$_/children") } glob "/proc/$pid/task/*";
}

# the processes that do the work: workers, or a server that has none

sub workers {
    my ($self) = @_;

    my @workers = grep { slurp("/proc/$_/cmdline") =~ /worker process\0*\z/ }
                  children($self->{pid});

    return @workers ? @workers : $self->{pid};
}

# seconds that these processes have had a processor

sub cpu {
    my ($self) = @_;

    my $sum = 0;

    for my $pid ($self->workers) {
        $sum += (split ' ', slurp($_))[0] for glob "/proc/$pid/task/*/schedstat";
    }

    return $sum / 1e9;
}

# octets of memory that belong to the workers alone

sub private_memory {
    my ($self) = @_;

    my $sum = 0;

    for my $pid ($self->workers) {
        $sum += $1 * 1024 if slurp("/proc/$pid/status")
                             =~ /^RssAnon:\s+(\d+) kB/m;
    }

    return $sum;
}

# Has the kernel give the workers all of their shared memory now, by reading
# an octet of each page: what is measured then is the server and not how fast
# this machine clears fresh pages.

sub touch_memory {
    my ($self) = @_;

    for my $pid ($self->workers) {
        open my $memory, '<:raw', "/proc/$pid/mem" or die "/proc/$pid/mem: $!\n";

        for (split /\n/, slurp("/proc/$pid/maps")) {
            no warnings 'portable';

            my ($at, $end) = map { hex } /^(\w+)-(\w+) rw-s / or next;

            for ( ; $at < $end; $at += 4096) {
                sysseek $memory, $at, 0;
                sysread $memory, my $octet, 1;
            }
        }
    }
}

sub free_port {
    my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
        or die "no free port: $!\n";

    return $socket->sockport;
}

sub file {
    my ($name, $content) = @_;

    spew("$dir/$name", $content, 0600);

    return "$dir/$name";
}

# a folder that nginx's configuration names

sub folder {
    my ($name) = @_;

    mkdir "$dir/$name";

    return "$dir/$name";
}

# what every nginx here has in common; workers run as who started them

sub nginx_conf {
    my (%o) = @_;

    my $folder = folder($o{name});
    my $log = $o{log} // 'warn';
    my $user = $> == 0 ? 'user root;' : '';
    my $temp = join ' ', map { "${_}_temp_path $folder/$_;" }
               qw(client_body proxy fastcgi uwsgi scgi);

    return file("$o{name}.conf", <<"END");
load_module $o{module};
$user
daemon off;
pid $folder/pid;
error_log $folder/error.log $log;
worker_processes $o{workers};

events {
    worker_connections 1024;
}

http {
    access_log off;
    keepalive_requests 1000000000;
    client_header_buffer_size 4k;
    large_client_header_buffers 4 32k;
    client_max_body_size 8m;
    client_body_buffer_size 1m;
    $temp
$o{http}
}
END
}

END {
    my $status = $?;

    if ($$ == $owner) {
        my @all = @running;

        # a second one must not end this halfway
        $SIG{$_} = 'IGNORE' for qw(INT TERM HUP);

        $_->stop for @all;
        chdir '/';
        $ENV{BENCH_KEEP} ? warn "kept: $dir\n" : remove_tree($dir);
    }

    $? = $status;
}

1;
