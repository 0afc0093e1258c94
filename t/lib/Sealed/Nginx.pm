package Sealed::Nginx;

# A real nginx on a free loopback port in a directory of its own.
#
#     my $nginx = Sealed::Nginx->new(http => 'server { ... }');
#     my $nginx = Sealed::Nginx->gateway;       # the whole gateway
#     ...
#     $nginx->finish;       # stops it and adds the standing tests
#     done_testing;
#
# Environment: NGINX_BIN (default /usr/sbin/nginx), NGINX_MODULE (path of the
# module, empty when it is built in).
#
# finish() stops nginx and tests, for every user of this package alike: no
# alerts, no sanitizer report, no connection left open, no worker that ended
# badly, nothing that identifies a client in any log; and with a zone: its
# counters are back where they were, its invariants hold.

use strict;
use warnings;

use Cwd qw(abs_path);
use Fcntl qw(:flock);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Spec ();
use File::Temp qw(tempdir);
use IO::Socket::INET ();
use JSON::XS ();
use POSIX qw(:sys_wait_h);
use Test::More ();
use Time::HiRes ();

use Sealed::Crypto qw(b64 b64u random_bytes ed25519_public);
use Sealed::HTTP ();
use Sealed::Wait qw(wait_until slurp spew);

my $top = abs_path(dirname(__FILE__) . '/../../..');

my $binary = $ENV{NGINX_BIN} || '/usr/sbin/nginx';
my $module = $ENV{NGINX_MODULE} // "$top/build/module/"
                                   . 'ngx_http_sealed_module.so';

my @running;


# Options of new():
#
#     http        content of http {}, behind the harness's own lines
#     main        lines in front of events {} (worker_processes and so on)
#     events      content of events {}
#     conf        instead of these, the whole file; %%MAIN%%, %%EVENTS%% and
#                 %%HTTP%% stand for the harness's own lines
#     files       { name => content }, in the directory, mode 0600
#     dirs        [ name ]
#     workers     worker_processes (default 1)
#     log_level   of the error log (default info)
#     module      0: do not load the module
#     zone        name of the zone to watch
#     zone_file   the path of its file, when it has one
#     young       1: do not wait until the zone takes requests
#     start       0: do not start yet
#     daemon      1: in the background, as a new binary (USR2) needs it
#     faults      a Sealed::Faults; nginx leads a group of processes
#
# In texts %%PORT%%, %%PORT2%% ... are free ports (the first has to be
# listened to) and %%DIR%% is the directory.

sub new {
    my ($class, %o) = @_;

    my $dir = tempdir('sealed-test-XXXXXX', TMPDIR => 1);

    my $self = bless {
        workers => 1, log_level => 'info', %o,
        watched => [ qw(mailboxes envelopes bodies cells) ],
        dir => $dir, ports => [], secrets => {}, allowed => [], owner => $$,
        generation => 0,
    }, $class;

    mkdir "$dir/$_" or die "$dir/$_: $!\n" for qw(logs tmp), @{ $o{dirs} || [] };

    $self->file($_, $o{files}{$_}) for keys %{ $o{files} || {} };
    $self->write_conf;

    push @running, $self;

    $self->start unless defined $o{start} && !$o{start};

    return $self;
}

# The gateway with everything switched on under /v1/, for tests that are not
# about configuration.  Options beside those of new():
#
#     zone_size   default 16m
#     zone_parameters  more of sealed_zone, behind the size
#     zone_conf   more lines in sealed_zone {}
#     server_conf more lines in server {}

sub gateway {
    my ($class, %o) = @_;

    my $seed = $o{authority_seed} // random_bytes(32);
    my $master = $o{master_secret} // random_bytes(32);

    my %files = (
        'master' => 'test ' . unpack('H*', $master) . "\n",
        'authority' => b64u(ed25519_public($seed)) . "\n",
        %{ $o{files} || {} },
    );

    my $self = $class->new(
        zone => 'main', http => gateway_conf(%o), %o, files => \%files,
        authority_seed => $seed, master_secret => $master, start => 0,
    );

    $self->secret_octets($master, $seed);
    $self->start unless defined $o{start} && !$o{start};

    return $self;
}

sub gateway_conf {
    my (%o) = @_;

    my $size = join ' ', $o{zone_size} // '16m', $o{zone_parameters} // ();
    my $zone = $o{zone_conf} // '';
    my $server = $o{server_conf} // '';

    return <<"END";
    sealed_zone main $size {
        master_secret %%DIR%%/master;
        authority %%DIR%%/authority;
        class opener 1 open quota=100;
        class verified 2 send budget=1000 quota=1000;
        envelope_sizes 512 1k 4k 16k 64k;
        $zone
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        server_name localhost;

        client_body_buffer_size 128k;
        client_max_body_size 1m;

        location = /.well-known/sealed-sender {
            sealed_discovery main;
        }

        location /v1/ {
            sealed_send main;
            sealed_mailbox main;
        }

        location = /v1/certificates {
            sealed_issue main account=\$http_x_account
                         origin=https://app.example;
        }

        location ~ ^/v1/(?:reports|revocations)\$ {
            sealed_reports main;
            sealed_revocations main;
        }

        location = /status {
            sealed_status;
        }

        $server
    }
END
}

sub authority_seed { return $_[0]{authority_seed} }

sub master_secret { return $_[0]{master_secret} }

sub dir { return $_[0]{dir} }

# the first port, or the one of that number

sub port {
    my ($self, $number) = @_;

    $number //= 1;

    return $self->{ports}[$number - 1] //= $self->free_port;
}

# Ports below the range that the kernel hands out for outgoing connections;
# a lock keeps tests that run side by side apart.

sub free_port {
    my ($self) = @_;

    my $locks = File::Spec->tmpdir . "/sealed-test-ports.$<";

    mkdir $locks, 0700;

    for (1 .. 200) {
        my $port = 20000 + int rand 10000;

        open my $lock, '>', "$locks/$port" or die "$locks/$port: $!\n";
        next unless flock $lock, LOCK_EX | LOCK_NB;

        my $try = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp',
            Listen => 1, ReuseAddr => 1) or next;

        close $try;
        push @{ $self->{locks} }, $lock;

        return $port;
    }

    die "no free port found\n";
}

# write a file into the directory and return its path

sub file {
    my ($self, $name, $content, $mode) = @_;

    my $path = "$self->{dir}/$name";

    spew($path, $self->expand($content), $mode // 0600);

    return $path;
}

sub expand {
    my ($self, $text) = @_;

    $text =~ s/%%PORT(\d*)%%/$self->port($1 || 1)/ge;
    $text =~ s/%%DIR%%/$self->{dir}/g;

    return $text;
}

sub conf {
    my ($self) = @_;

    my $load = $module ne '' && ($self->{module} // 1)
               ? "load_module $module;" : '';
    my $user = $> == 0 ? 'user root;' : '';
    my $daemon = $self->{daemon} ? 'on' : 'off';

    # a new binary gets no more of the environment than it is given

    my %faults = $self->{faults} ? $self->{faults}->environment : ();
    my $env = join ' ', map { "env $_;" } sort(keys %faults),
                        map { "${_}_OPTIONS" } qw(ASAN LSAN UBSAN);

    my $main = <<"END";
$load
$user
$env
daemon $daemon;
pid %%DIR%%/nginx.pid;
error_log %%DIR%%/logs/error.log $self->{log_level};
worker_processes $self->{workers};
END

    my $events = "worker_connections 512;\n";

    my $http = join '', map { "    $_\n" }
        'log_format harness "$status $body_bytes_sent";',
        'access_log %%DIR%%/logs/access.log harness;',
        map { "${_}_temp_path %%DIR%%/tmp/$_;" }
            qw(client_body proxy fastcgi uwsgi scgi);

    my $conf = $self->{conf} // join '', "%%MAIN%%\n", $self->{main} // '',
        "\nevents {\n%%EVENTS%%\n", $self->{events} // '', "}\n",
        "\nhttp {\n%%HTTP%%\n", $self->{http} // '', "\n}\n";

    $conf =~ s/%%MAIN%%/$main/g;
    $conf =~ s/%%EVENTS%%/$events/g;
    $conf =~ s/%%HTTP%%/$http/g;

    return $self->expand($conf);
}

# (re)write nginx.conf, with other texts or options if any are given

sub write_conf {
    my ($self, %o) = @_;

    @{$self}{keys %o} = values %o;

    return $self->file('nginx.conf', $self->conf);
}

# nginx's command line, in a child that shares nothing with the test

sub command {
    my ($self, $output, @args) = @_;

    my $report = "log_path=$self->{dir}/logs/sanitizer";

    # nginx -t leaves its memory to the end of the process, and so does one
    # that does not start
    my $leaks = grep({ $_ eq '-t' } @args) ? 0 : $self->{leaks} // 1;

    my %faults = $self->{faults} ? $self->{faults}->environment : ();

    $report .= ':verify_asan_link_order=0' if %faults;

    delete local $ENV{NGINX};
    local @ENV{keys %faults} = values %faults;
    local $ENV{ASAN_OPTIONS} = "$report:detect_leaks=$leaks";
    local $ENV{UBSAN_OPTIONS} = "$report:print_stacktrace=1";
    local $ENV{LSAN_OPTIONS} = "suppressions=$top/t/lib/leaks-of-nginx"
                               . ':print_suppressions=0';

    my $pid = fork // die "fork: $!\n";

    return $pid if $pid;

    setpgrp 0, 0 if %faults;

    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $output;
    open STDERR, '>>&', \*STDOUT;

    exec { $binary } $binary, '-p', "$self->{dir}/", @args
        or POSIX::_exit(127);
}

sub start {
    my ($self) = @_;

    die "it runs already\n" if $self->{pid};

    $self->{generation}++;

    # what one that was killed has left
    unlink "$self->{dir}/nginx.pid";

    $self->{pid} = $self->command("$self->{dir}/logs/output",
                                  '-c', "$self->{dir}/nginx.conf",
                                  '-e', "$self->{dir}/logs/error.log");

    if ($self->{daemon}) {
        waitpid $self->{pid}, 0;
        $self->{exit} = $? if $?;
        wait_until { slurp("$self->{dir}/nginx.pid") =~ /^\d+$/ } unless $?;
        ($self->{pid}) = slurp("$self->{dir}/nginx.pid") =~ /^(\d+)$/
            unless $?;
    }

    my $count = $self->worker_count;

    my $up = wait_until {
        return 'ended' if $self->reap;
        $self->listening && $self->workers >= $count;
    } 120;

    if (!$up || $up eq 'ended') {
        my $log = slurp("$self->{dir}/logs/output") . $self->error_log;

        $self->kill_all;
        $self->{finished} = 1;
        die "nginx did not start:\n$log\n";
    }

    if (defined $self->{zone}) {
        $self->ready unless $self->{young};
        $self->{status_at_start} //= $self->zone_counters;
    }

    return $self;
}

# Requests from the second of a zone's birth are refused; the clock with which
# they are signed may be a little behind.

sub ready {
    my $born = int Time::HiRes::time();

    wait_until { time > $born };
}

sub listening {
    my ($self) = @_;

    return 1 unless @{ $self->{ports} };

    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->port, Proto => 'tcp',
        Timeout => 1) or return 0;

    close $socket;
    return 1;
}

# true when the master that this object started has ended

sub reap {
    my ($self) = @_;

    return 1 if defined $self->{exit};

    if ($self->{daemon}) {
        $self->{exit} = 0 if gone($self->{pid});
        return defined $self->{exit};
    }

    return 0 unless $self->{pid} && waitpid($self->{pid}, WNOHANG) > 0;

    $self->{exit} = $?;
    return 1;
}

# A process that is not our child.  It has its sockets as long as one of its
# threads is there, while the first may have ended.

sub gone {
    my ($pid) = @_;

    return !grep { slurp("$_/stat") =~ /\) [^ZX] / }
                 glob "/proc/$pid/task/*";
}

# changes with each start and each reload: there are other workers then

sub generation { return $_[0]{generation} }

# the process to talk to; not the one that was started after a binary upgrade

sub master {
    my ($self) = @_;

    return $self->{master_pid} // $self->{pid};
}

sub adopt {
    my ($self, $pid) = @_;

    $self->{master_pid} = $pid;
}

# The binary with this master is the only one again, and can be told to start
# another: its pid file is back, and it sleeps, done with the one that ended.

sub alone {
    my ($self, $pid) = @_;

    return wait_until {
        slurp("$self->{dir}/nginx.pid") =~ /^$pid$/
            && slurp("/proc/$pid/stat") =~ /\) S /;
    };
}

# Its children.  While one of them ends the kernel may pass over another, so
# that the list has to be the same twice.

sub children {
    my ($pid) = @_;

    my $before = '';

    for (1 .. 100) {
        my $list = join ' ', map { slurp("$_/children") }
                                 glob "/proc/$pid/task/*";

        return split ' ', $list if $_ > 1 && $list eq $before;
        $before = $list;
    }

    die "children of $pid come and go\n";
}

# pids of workers that take connections

sub workers {
    my ($self) = @_;

    return grep { slurp("/proc/$_/cmdline") =~ /^nginx: worker process\0*\z/ }
                children($self->master);
}

# how many the configuration asks for, a number other than "auto"

sub worker_count {
    my ($self) = @_;

    return slurp("$self->{dir}/nginx.conf")
               =~ /^\s*worker_processes\s+(\d+);/m ? $1 : 1;
}

# the worker that holds a connection, once it has been accepted

sub worker_of {
    my ($self, $http) = @_;

    my $socket = $http->socket;
    my $pair = sprintf '%08X:%04X %08X:%04X ',
                       unpack('L', $socket->peeraddr), $socket->peerport,
                       unpack('L', $socket->sockaddr), $socket->sockport;

    # the kernel's list may lack one while others come and go

    return wait_until {

        # a long list, while somebody measures on the same machine

        my $list = slurp('/proc/net/tcp');
        my $at = index $list, $pair;

        return undef if $at < 0;

        my ($inode) = substr($list, $at, 200)
                      =~ /^\Q$pair\E(?:\S+ +){6}(\d+)/ or return undef;

        for my $pid ($self->workers) {
            return $pid if grep { (readlink // '') eq "socket:[$inode]" }
                                glob "/proc/$pid/fd/*";
        }

        return undef;
    };
}

# Stops a worker, while it waits for something to do: one that has a lock
# would keep it from others.

sub halt {
    my ($self, @pids) = @_;

    for my $pid (@pids) {
        wait_until { slurp("/proc/$pid/stat") =~ /\) [ST] / };
        kill 'STOP', $pid;
    }

    stands_still($_) or die "process $_ does not stop\n" for @pids;
}

sub stands_still {
    my ($pid) = @_;

    return wait_until { slurp("/proc/$pid/stat") =~ /\) T / };
}

# A connection of one worker: the others stand still while it is accepted.
# port: another than the first.

sub connection_of {
    my ($self, $pid, %o) = @_;

    my @others = grep { $_ != $pid } $self->workers;

    $self->halt(@others);

    my $http = Sealed::HTTP->new(port => $o{port} // $self->port);
    my $holder = $self->worker_of($http) // 0;

    kill 'CONT', @others;

    return $holder == $pid ? $http
                           : die "$holder has a connection of $pid\n";
}

# pids of workers that are on their way out

sub leaving {
    my ($self) = @_;

    return grep { slurp("/proc/$_/cmdline") =~ /is shutting down/ }
                children($self->master);
}

sub signal {
    my ($self, $signal, $pid) = @_;

    return kill $signal, $pid // $self->master;
}

# New configuration; true when its workers have taken over, false when the
# configuration was refused.  wait_old: until the last old worker has gone.

sub reload {
    my ($self, %o) = @_;

    my %old = map { $_ => 1 } $self->workers;
    my $seen = length $self->error_log;
    my $count = $self->worker_count;

    $self->signal('HUP');

    my $result = wait_until {
        return 'refused' if substr($self->error_log, $seen) =~ /\[emerg\]/;
        return 'ended' if $self->reap;

        my @now = $self->workers;
        @now >= $count && !grep { $old{$_} } @now;
    } 120;

    die "nginx ended at the reload\n" if $result && $result eq 'ended';
    die "no new workers after the reload\n" unless $result;

    return 0 if $result eq 'refused';

    $self->{generation}++;

    if ($o{wait_old}) {
        wait_until { !grep { $old{$_} } $self->leaving } 120
            or die "old workers stay after the reload\n";
    }

    return 1;
}

# "nginx -s SIGNAL", as people and packages do it: (exit status, output)

sub command_signal {
    my ($self, $signal) = @_;

    my $output = "$self->{dir}/nginx-signal.output";

    unlink $output;

    local $self->{leaks} = 0;
    my $pid = $self->command($output, '-c', "$self->{dir}/nginx.conf",
                             '-e', 'stderr', '-s', $signal);

    waitpid $pid, 0;

    return ($? >> 8, slurp($output));
}

# QUIT, and TERM if that does not help; true when the first sufficed

sub stop {
    my ($self, $signal) = @_;

    return 1 if !$self->{pid} || $self->{stopped};

    my $pid = $self->master;
    my $gone = sub { $pid == $self->{pid} ? $self->reap
                                          : gone($pid) };

    kill $signal // 'QUIT', $pid;
    my $clean = wait_until { $gone->() };

    if (!$clean) {
        kill 'TERM', $pid;
        wait_until { $gone->() } 5;
    }

    $self->kill_all;

    return $clean ? 1 : 0;
}

# stop and start with the same directory

sub restart {
    my ($self, $signal) = @_;

    my $clean = $self->stop($signal);

    $self->start_again;

    return $clean;
}

# a start after an end of any kind

sub start_again {
    my ($self) = @_;

    $self->forget;

    return $self->start;
}

# what an end, or a start that failed, has left in here

sub forget {
    my ($self) = @_;

    delete @{$self}{qw(pid master_pid exit stopped finished)};
}

# Ended, "stopped" in order (which is a test) or "killed", and started again.
# A file that is ahead of its journal is put down there first.

sub again {
    my ($self, $how) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    if ($how eq 'stopped') {
        Test::More::ok($self->stop, 'stop');

    } else {
        $self->kill_all;
    }

    $self->start_again;

    wait_until { $self->zone_status->{journal_ready} // 1 };
}

# a start that is refused, and why: two tests

sub refuses_to_start {
    my ($self, $name, $like) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    # what does not start leaves its memory to the end of the process
    local $self->{leaks} = 0;

    $self->forget;
    Test::More::is(eval { $self->start; 1 }, undef, "$name: refused");
    Test::More::like($@, $like, "$name: why");
    $self->forget;
}

# A master and its workers, which are returned: it stands still first, so that
# it starts no more that would be missed.

sub kill_with_children {
    my ($pid) = @_;

    kill 'STOP', $pid;
    wait_until { slurp("/proc/$pid/stat") !~ /\) [RSD] / };

    my @below = children($pid);

    kill 'KILL', $pid, @below;

    return @below;
}

# until nobody is left who has its sockets

sub kill_all {
    my ($self) = @_;

    my @killed;

    for my $pid (grep { defined } $self->{pid}, $self->{master_pid}) {
        my $ended = $pid == $self->{pid} && defined $self->{exit};
        my @below = $ended ? () : kill_with_children($pid);

        push @killed, @below, grep { $_ != $self->{pid} } $pid;
    }

    wait_until { $self->reap } if $self->{pid};
    wait_until { !grep { !gone($_) } @killed };
    $self->{stopped} = 1;
}

# nginx -t: (exit status, output); with another configuration if given as
# the options of write_conf()

sub config_test {
    my ($self, %o) = @_;

    my %keep = map { $_ => $self->{$_} } keys %o;

    @{$self}{keys %o} = values %o;
    my $path = $self->file('nginx-test.conf', $self->conf);
    @{$self}{keys %keep} = values %keep;

    my $output = "$self->{dir}/nginx-test.output";

    unlink $output;

    my $pid = $self->command($output, '-t', '-c', $path, '-e', 'stderr');

    waitpid $pid, 0;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;

    return ($status, slurp($output));
}

sub error_log  { return slurp("$_[0]{dir}/logs/error.log") }
sub access_log { return slurp("$_[0]{dir}/logs/access.log") }

# wait for a line in the error log

sub logged {
    my ($self, $pattern, $seconds) = @_;

    return wait_until { $self->error_log =~ $pattern } $seconds;
}


# What must not be in any log.  secret() takes texts, secret_octets() octets
# and looks for them as they are and in the usual encodings.

sub secret {
    my ($self, @texts) = @_;

    $self->{secrets}{$_} = 1 for grep { defined && length } @texts;
}

sub secret_octets {
    my ($self, @octets) = @_;

    for my $octets (@octets) {
        my $hex = unpack 'H*', $octets;

        # the padded last group of base64 says little and ends what is whole
        (my $base64 = b64($octets)) =~ s/=+\z//;

        $self->secret($octets, $hex, uc $hex, $base64, b64u($octets));
    }
}

# lines of the error log that this test provokes; seen by no standing test

sub allow {
    my ($self, @patterns) = @_;

    push @{ $self->{allowed} }, @patterns;
}


# the status page, and one zone of it

sub status {
    my ($self) = @_;

    my $response = Sealed::HTTP->new(port => $self->port)->request({
        method => 'GET', target => $self->{status_uri} // '/status',
        headers => [ [ 'Connection', 'close' ] ],
    });

    die "status page: $response->{status}\n" if $response->{status} != 200;

    return $response->json;
}

sub zone_status {
    my ($self, $name) = @_;

    $name //= $self->{zone};

    my ($zone) = grep { $_->{name} eq $name } @{ $self->status->{zones} };

    return $zone // die "status page: no zone \"$name\"\n";
}

# The counters that have to return to where they were; others can be named.

sub watch {
    my ($self, @names) = @_;

    $self->{watched} = \@names;
    $self->{status_at_start} = $self->zone_counters;
}

# after a start with something in the zone: at the end nothing is

sub ends_empty {
    my ($self) = @_;

    $self->{status_at_start} = { map { $_ => 0 } @{ $self->{watched} } };
}

sub zone_counters {
    my ($self) = @_;

    my $zone = $self->zone_status;

    return { map { $_ => $zone->{$_}
                   // die "status page: no \"$_\" in a zone\n" }
                 @{ $self->{watched} } };
}

# the zone's memory, opened so that it outlives nginx

sub zone_memory {
    my ($self, $name) = @_;

    $name //= $self->{zone};

    my $master = $self->master;

    for my $link (glob "/proc/$master/fd/*") {
        my $target = readlink $link // next;

        next unless $target =~ m{^/memfd:\Qsealed:$name\E(?: |\z)}
                    || $target eq ($self->{zone_file} // '');

        open my $fh, '<:raw', $link or die "$link: $!\n";
        return $fh;
    }

    return undef;
}

# Checks the invariants of a copy of the zone: (holds, what was said).

sub zone_check {
    my ($self, $name, $memory) = @_;

    $name //= $self->{zone};
    $memory //= $self->zone_memory($name);

    return (0, "no memory file of zone \"$name\" found") unless $memory;

    my $tool = "$top/build/zone_check";

    return (0, "$tool is missing") unless -x $tool;

    my $copy = "$self->{dir}/zone";

    seek $memory, 0, 0;
    open my $fh, '>:raw', $copy or die "$copy: $!\n";

    while (my $n = sysread $memory, my $data, 1 << 20) {
        syswrite $fh, $data or die "$copy: $!\n";
    }

    close $fh;

    open my $pipe, '-|', "$tool \Q$copy\E 2>&1" or die "$tool: $!\n";
    my $said = do { local $/; <$pipe> } // '';
    my $holds = close $pipe;

    unlink $copy;

    return ($holds ? 1 : 0, $said);
}


# what the standing tests look for, found in the logs so far:
# { alerts, sanitizer, sockets, workers, secrets }, each a list of lines

sub findings {
    my ($self) = @_;

    my %found = map { $_ => [] } qw(alerts sanitizer sockets workers secrets);

    my %log = map { $_ => slurp($_) } grep { -f } glob "$self->{dir}/logs/*";
    my @secrets = keys %{ $self->{secrets} };
    my $any = @secrets ? join '|', map { quotemeta } @secrets : undef;

    for my $path (sort keys %log) {
        for my $line (split /\n/, $log{$path}) {
            next if grep { $line =~ $_ } @{ $self->{allowed} };

            push @{ $found{sockets} }, $line if $line =~ /open socket #\d+/;
            push @{ $found{alerts} }, $line
                if $line =~ /\[(?:alert|emerg|crit)\]/;
            push @{ $found{sanitizer} }, $line
                if $line =~ /Sanitizer|runtime error:/;
            push @{ $found{workers} }, $line
                if $line =~ /exited on signal \d+/
                   || $line =~ /exited with (?:fatal )?code [1-9]/;
            push @{ $found{secrets} }, "$path: $line"
                if defined $any && $line =~ /$any/;
        }
    }

    return \%found;
}

# Stop, and the standing tests.

sub finish {
    my ($self) = @_;

    return if $self->{finished}++;

    my $t = Test::More->builder;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($memory, $after);

    if (defined $self->{zone} && $self->{pid} && !$self->{stopped}) {
        my $before = $self->{status_at_start};

        # what a request leaves behind may go a moment after its answer
        wait_until {
            $after = eval { $self->zone_counters } // { error => $@ };
            same($before, $after);
        };

        $t->ok(same($before, $after), 'zone is as it was at the start')
            or $t->diag("before: ", text($before), ", after: ", text($after));

        $memory = $self->zone_memory;
    }

    my $was_up = $self->{pid} && !$self->{stopped};
    my $clean = $self->stop;

    if ($was_up) {
        $t->ok($clean && !$self->{exit}, 'nginx stops when told to')
            or $t->diag('exit status ', $self->{exit} // 'unknown');
    }

    if (defined $self->{zone} && $was_up) {
        my ($holds, $said) = $memory
            ? $self->zone_check($self->{zone}, $memory)
            : (0, 'no memory file of the zone found');

        $t->ok($holds, "invariants of the zone") or $t->diag($said);
    }

    my $found = $self->findings;

    for ([ alerts => 'no alerts in the log' ],
         [ sanitizer => 'nothing found by sanitizers' ],
         [ sockets => 'no connection left open' ],
         [ workers => 'no worker ended badly' ],
         [ secrets => 'nobody identified in a log' ])
    {
        my ($kind, $name) = @$_;
        my @lines = @{ $found->{$kind} };

        $t->ok(!@lines, $name)
            or $t->diag(join "\n", @lines[0 .. ($#lines > 19 ? 19
                                                            : $#lines)]);
    }

    $t->diag("see $self->{dir}/logs") if !$t->is_passing;
    $self->{keep} = !$t->is_passing;

    $self->remove;
}

sub same {
    my ($one, $other) = @_;

    return text($one) eq text($other);
}

sub text {
    return JSON::XS->new->canonical->encode($_[0]);
}

sub remove {
    my ($self) = @_;

    @running = grep { $_ != $self } @running;
    remove_tree($self->{dir}) unless $self->{keep} || $ENV{SEALED_TEST_KEEP};
}

# a test that forgot finish(), or died before it: nothing stays running, and
# it does not pass

END {
    my $status = $?;

    for my $self (grep { $_->{owner} == $$ } @running) {
        my $unfinished = !$self->{finished};

        $self->kill_all if $self->{pid} && !$self->{stopped};

        if ($unfinished) {
            Test::More::diag("finish() was not called, see "
                             . "$self->{dir}/logs");
            $status ||= 1;
        }
    }

    $? = $status;
}

1;
