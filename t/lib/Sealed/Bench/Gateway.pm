package Sealed::Bench::Gateway;

# The gateway under load, and the requests for it.

use strict;
use warnings;

use HTTP::Tiny ();
use JSON::PP qw(decode_json);
use Time::HiRes ();

use Sealed::Bench::Load qw(load $connections);
use Sealed::Bench::Server ();
use Sealed::Wait qw(wait_until);

use constant {
    CERTIFICATES => 1000,
    EACH         => 10000,              # mailboxes an opener
};

my $serial = 0;


# top, module, workers, zone (size), storage (file= and so on), log (level); a
# new one is empty

sub new {
    my ($class, %o) = @_;

    my $self = bless { name => 'gateway' . $serial++, workers => 1,
                       estimate => {}, %o }, $class;

    $self->{$_} = Sealed::Bench::Server::free_port()
        for qw(port other_port);

    $self->sealed(qw(keygen deployment), $self->path('master'));
    $self->sealed(qw(keygen authority), $self->path('authority'));
    $self->write_conf;

    return $self->start;
}

sub start {
    my ($self) = @_;

    $self->{server} = Sealed::Bench::Server->new(
        name => $self->{name}, port => $self->{port},
        command => [ 'nginx', '-p', "$Sealed::Bench::Server::dir/", '-c',
                     $self->path('conf'), '-e', 'stderr' ]);

    # requests from the second of the zone's birth are refused
    my $born = time;
    wait_until { time > $born } 3;

    return $self;
}

# with nothing but what is on disk

sub restart {
    my ($self) = @_;

    $self->stop;
    $self->start;
}

# what was said before the configuration's own log was opened

sub log { return "$Sealed::Bench::Server::dir/$_[0]{name}.output" }

sub server { return $_[0]{server} }

sub path {
    my ($self, $name) = @_;

    return "$Sealed::Bench::Server::dir/$self->{name}.$name";
}

sub write_conf {
    my ($self) = @_;

    my ($port, $other) = @{$self}{qw(port other_port)};
    my ($master, $authority) = map { $self->path($_) }
                               qw(master authority.pub);
    my $each = EACH;
    my $storage = $self->{storage} // '';

    # sealed_access in front of an answer that costs nothing: empty_gif
    # refuses POST, and what stands in for its 405 is "return 200"
    my $checked = 'empty_gif; error_page 405 =200 @done;';

    Sealed::Bench::Server::nginx_conf(
        name => $self->{name}, module => $self->{module},
        workers => $self->{workers}, log => $self->{log}, http => <<"END");
    sealed_zone main $self->{zone} $storage {
        master_secret $master;
        authority $authority;
        class opener 1 open mailboxes=$each budget=2000000000;
        class sender 2 send budget=2000000000;
        envelope_sizes 256 512 1k 4k 16k 64k;
        max_recipients 5000;
        mailbox envelopes=1000000 bytes=4000m;
        first_uses address=1000000 worker=1000000;
    }

    server {
        listen 127.0.0.1:$port reuseport;
        location = /.well-known/sealed-sender { sealed_discovery main; }
        location = /status { sealed_status; }
        location /v1/ { sealed_send main; sealed_mailbox main; }
        location = /checked { sealed_access main; $checked }
        location \@done { return 200; }
    }

    # the same requests, without a check and without anything behind it
    server {
        listen 127.0.0.1:$other reuseport;
        location / { return 200; }
        location = /checked { $checked }
        location \@done { return 200; }
    }
END
}

sub stop {
    my ($self) = @_;

    $self->{server}->stop;
}

# another number of workers; what is in the zone stays

sub reload {
    my ($self, $workers) = @_;

    my %old = map { $_ => 1 } $self->{server}->workers;

    $self->{workers} = $workers;
    $self->write_conf;
    kill 'HUP', $self->{server}->pid;

    wait_until {
        my @now = $self->{server}->workers;
        @now == $workers && !grep { $old{$_} } @now;
    } 20 or die "no new workers after a reload\n";
}

sub sealed {
    my ($self, @args) = @_;

    local $ENV{SEALED_HOME} = $self->path('home');
    local $ENV{SEALED_GATEWAY} = "http://127.0.0.1:$self->{port}";

    open my $pipe, '-|', "$self->{top}/build/sealed", @args, '--json'
        or die "sealed: $!\n";
    my $said = do { local $/; <$pipe> };
    close $pipe or die "failed: sealed @args\n$said\n";

    return $said;
}

sub open_mailboxes {
    my ($self, $count, $name) = @_;

    $self->sealed(qw(bench mailboxes --class 1 --each), EACH, '--authority',
                  $self->path('authority'), '--count', $count,
                  '--connections', $connections,
                  $self->path($name // 'ids'));
}

# sender certificates that have been used already

sub certificates {
    my ($self, $name, $count) = @_;

    $name //= 'senders';
    $count //= CERTIFICATES;

    $self->sealed(qw(bench certificates --class 2 --authority),
                  $self->path('authority'), '--count', $count,
                  $self->path($name));
}

# requests in the file NAME.0, with options of "sealed bench requests"

sub prepare {
    my ($self, $name, $count, @options) = @_;

    my %has = @options;

    unshift @options, '--certificates', $self->path('senders')
        unless $has{'--certificates'};
    push @options, '--mailboxes', $self->path('ids')
        unless $has{'--path'} || $has{'--mailboxes'};

    $self->sealed(qw(bench requests --count), int $count, @options,
                  $self->path("$name.0"));
}

# all of them, each once: { answers, seconds, cpu }

sub replay {
    my ($self, $name) = @_;

    my $before = $self->{server}->cpu;
    my $result = decode_json($self->sealed(qw(bench replay
        --connections), $connections, $self->path("$name.0")));

    $result->{cpu} = $self->{server}->cpu - $before;

    return $result;
}

# wrk sends prepared requests for so many seconds; their number is a guess at
# first, then what the last round needed, and some more

sub run {
    my ($self, $name, $seconds, $port, @options) = @_;

    my %has = @options;
    my $count = $has{'--recipients'} // 1;
    my $guess = 10_000_000 / $count;

    $guess = 120_000 if $guess > 120_000;

    my $need = $self->{estimate}{$name} //= $guess;
    my $result;

    while (1) {
        $self->prepare($name, $need * $seconds, @options);

        $result = load(server => $self->{server}, port => $port,
                       hook => "$self->{top}/t/bench/requests.lua",
                       args => [ $self->path($name) ], seconds => $seconds);

        last unless $result->{exhausted};
        $need *= 2;
    }

    unlink $self->path("$name.0");
    $self->{estimate}{$name} = 1.4 * $result->{requests} / $seconds + 100;

    return $result;
}

# a round of sends or fan-outs; what is counted is what the zone then holds

sub round {
    my ($self, $name, $seconds, $recipients, @options) = @_;

    my $before = $self->status->{envelopes};
    my $result = $self->run($name, $seconds, $self->{port}, @options);
    my $stored = $self->status->{envelopes} - $before;

    $result->{deliveries} = $result->{requests} * $recipients;

    die "$name: $result->{deliveries} deliveries answered, $stored stored\n"
        if $stored < $result->{deliveries};

    return $result;
}

sub status {
    my ($self) = @_;

    my $answer = HTTP::Tiny->new(timeout => 10)->get(
        "http://127.0.0.1:$self->{port}/status");

    die "status: $answer->{status} $answer->{content}\n"
        unless $answer->{success};

    return decode_json($answer->{content})->{zones}[0];
}

# octets of the zone that hold something

sub used {
    my ($self) = @_;

    my $status = $self->status;

    return 4096 * ($status->{pages} - $status->{pages_free});
}

1;
