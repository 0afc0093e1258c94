package Sealed::Bench::Redis;

# Redis as a store of mailboxes: a body is kept once, and each mailbox is a
# sorted set of the bodies in it.  One call of a script delivers to many.
# Nothing is written to disk, unless append names when what is appended is
# synced (always, everysec).

use strict;
use warnings;

use IO::Socket::INET ();
use Time::HiRes qw(time);

use Sealed::Bench::Server ();

use constant {
    AHEAD => 8,                         # calls sent and not yet answered,
                                        # if new() has no other number
    POOL  => 256,                       # different calls
};

my $deliver = <<'END';
local id = redis.call('INCR', 'body')
redis.call('SET', 'body:' .. id, ARGV[1], 'EX', 2592000)
for i = 1, #KEYS do
    redis.call('ZADD', KEYS[i], id, id)
end
return #KEYS
END


# ids: those of the mailboxes, 16 octets each

sub new {
    my ($class, %o) = @_;

    my $self = bless { %o }, $class;

    $self->{port} = Sealed::Bench::Server::free_port();
    $self->{server} = Sealed::Bench::Server->new(
        name => 'redis', port => $self->{port},

        # memory that FLUSHALL frees stays with the process, warm
        environment => { MALLOC_CONF =>
                         'dirty_decay_ms:-1,muzzy_decay_ms:-1' },
        command => [ qw(redis-server --bind 127.0.0.1 --save), '',
                     '--appendonly', $o{append} ? 'yes' : 'no',
                     '--appendfsync', $o{append} // 'no',
                     qw(--daemonize no --port), $self->{port}, '--dir',
                     Sealed::Bench::Server::folder(
                         'redis' . ($o{append} // '')) ]);

    $self->{socket} = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{port})
        or die "redis: $!\n";
    binmode $self->{socket};

    $self->{script} = $self->call('SCRIPT', 'LOAD', $deliver);
    $self->{all} = [ unpack '(a16)*', do {
        open my $fh, '<:raw', $o{ids} or die "$o{ids}: $!\n";
        local $/;
        <$fh>;
    } ];

    return $self;
}

sub server { return $_[0]{server} }
sub stop   { $_[0]{server}->stop }

sub command {
    return join '', '*' . @_ . "\r\n",
           map { '$' . length($_) . "\r\n$_\r\n" } @_;
}

sub send {
    my ($self, $data) = @_;

    my $sent = 0;

    while ($sent < length $data) {
        $sent += syswrite($self->{socket}, $data, length($data) - $sent,
                          $sent) // die "redis: $!\n";
    }
}

# an answer of one value

sub answer {
    my ($self) = @_;

    my $line = readline($self->{socket}) // die "redis has gone\n";

    $line =~ s/\r\n\z//;

    my ($type, $value) = $line =~ /^(.)(.*)\z/s;

    die "redis: $value\n" if $type eq '-';
    return $value if $type ne '$' || $value < 0;

    read $self->{socket}, my $bulk, $value + 2;
    return substr $bulk, 0, $value;
}

sub call {
    my ($self, @words) = @_;

    $self->send(command(@words));

    return $self->answer;
}

# begin anew, with one entry in every mailbox so that all of them exist

sub reset {
    my ($self) = @_;

    $self->call('FLUSHALL');

    my @all = @{ $self->{all} };

    while (my @some = splice @all, 0, 1000) {
        $self->call('EVALSHA', $self->{script}, scalar @some, @some,
                    'x' x 1024);
    }
}

# { deliveries, seconds, cpu }; the calls are made before the clock runs

sub round {
    my ($self, $seconds, $recipients) = @_;

    my $all = $self->{all};

    $self->{calls}{$recipients} //= [ map {
        my %chosen;

        $chosen{int rand @$all} = 1 while keys %chosen < $recipients;
        command('EVALSHA', $self->{script}, $recipients,
                @{$all}[keys %chosen], 'b' x 1024);
    } 1 .. POOL ];

    return $self->keep_busy($self->{calls}{$recipients}, $seconds,
                            $recipients);
}

# single entries, each of a stream of its own, as many at a time

sub adds {
    my ($self, $seconds) = @_;

    my $all = $self->{all};

    $self->{adds} //= [ map {
        command('XADD', 's:' . $all->[rand @$all], '*', 'b', 'b' x 1024)
    } 1 .. POOL ];

    return $self->keep_busy($self->{adds}, $seconds);
}

sub keep_busy {
    my ($self, $calls, $seconds, $recipients) = @_;

    my $ahead = $self->{ahead} // AHEAD;
    my ($sent, $answered) = (0, 0);
    my $cpu = $self->{server}->cpu;
    my $start = time;
    my $end = $start + $seconds;

    while (time < $end) {
        $self->send($calls->[$sent++ % POOL])
            while $sent - $answered < $ahead;

        my $answer = $self->answer;

        die "redis: another answer\n"
            if $recipients && $answer != $recipients;
        $answered++;
    }

    my $result = { deliveries => $answered * ($recipients // 1),
                   seconds => time - $start };

    $self->answer while $answered++ < $sent;
    $result->{cpu} = $self->{server}->cpu - $cpu;

    return $result;
}

sub used {
    my ($self) = @_;

    my ($used) = $self->call('INFO', 'memory') =~ /^used_memory:(\d+)/m;

    return $used;
}

# octets an envelope, the smaller of two ways: each mailbox a stream, or the
# body kept once; $each envelopes more to each of the first mailboxes

sub envelope_size {
    my ($self, $mailboxes, $each) = @_;

    my @some = @{ $self->{all} }[0 .. $mailboxes - 1];
    my $body = 'b' x 1024;
    my %size;

    for my $way (qw(stream set)) {
        my $add = sub {
            my ($mailbox) = @_;

            $way eq 'stream'
                ? $self->call('XADD', $mailbox, '*', 'b', $body)
                : $self->call('EVALSHA', $self->{script}, 1, $mailbox, $body);
        };

        $self->call('FLUSHALL');
        for my $n (1 .. 2) { $add->($_) for @some }

        my $before = $self->used;

        for my $n (1 .. $each) { $add->($_) for @some }
        $size{$way} = ($self->used - $before) / ($mailboxes * $each);
    }

    $self->call('FLUSHALL');

    return \%size;
}

1;
