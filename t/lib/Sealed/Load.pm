package Sealed::Load;

# Mail under way, in processes of their own: each has a sender and a mailbox,
# sends numbered envelopes, reads and acknowledges them, and keeps account.
#
#     my $load = Sealed::Load->new($client, class => 3, pairs => 4);
#     ...
#     my $report = $load->stop;
#
# Envelopes are sent on a connection of their own, since a POST must not be
# sent again when its connection ends.  Readers keep theirs, and repeat what
# is idempotent when it was closed in between (RFC 9110, section 9.2.2).
#
# Options: pairs, class (of the sender), size (of envelopes), fanout (further
# mailboxes that get each of them too), tolerant (1: requests may fail, as when
# workers are killed).

use strict;
use warnings;

use JSON::XS ();
use POSIX ();
use Time::HiRes qw(sleep);

use Sealed::Wait qw(slurp spew);

sub new {
    my ($class, $client, %o) = @_;

    my $self = bless { client => $client, pairs => 2, size => 512, %o,
                       children => [] }, $class;

    # what they know is registered with nginx before they are

    for my $n (1 .. $self->{pairs}) {
        my $sender = $client->certified(class => $self->{class});
        my @boxes = map { $client->mailbox } 0 .. $self->{fanout} // 0;

        for my $box (@boxes) {
            my $status = $client->open_mailbox(
                $client->certified(class => 1), $box)->status;

            die "open: $status\n" if $status != 201;
        }

        push @{ $self->{all} }, [ $sender, @boxes ];
    }

    $client->disconnect;

    for my $n (1 .. $self->{pairs}) {
        my $report = "$client->{nginx}{dir}/load.$n";
        my $pid = fork // die "fork: $!\n";

        if ($pid == 0) {
            my $done = eval { $self->run($report,
                                         @{ $self->{all}[$n - 1] }); 1 };

            warn "# load: $@" unless $done;
            POSIX::_exit($done ? 0 : 1);
        }

        push @{ $self->{children} }, [ $pid, $report ];
    }

    return $self;
}

# Ends it: { sent, accepted, received, failed (texts), lost, twice, strange },
# the sums over all; every mailbox has been emptied.

sub stop {
    my ($self) = @_;

    my %sum = (failed => []);

    kill 'TERM', map { $_->[0] } @{ $self->{children} };

    for (@{ $self->{children} }) {
        my ($pid, $report) = @$_;

        waitpid $pid, 0;
        push @{ $sum{failed} }, "a process of the load ended with $?" if $?;

        my $part = eval { JSON::XS::decode_json(slurp($report)) } // {};

        push @{ $sum{failed} }, @{ delete $part->{failed} // [] };
        $sum{$_} += $part->{$_} for keys %$part;
    }

    # above all nonces that the processes have used

    for my $actor (map { @$_ } @{ $self->{all} }) {
        $actor->{nonce} = (time + 1) << 20;
    }

    return \%sum;
}

sub mailboxes {
    my ($self) = @_;

    return map { @{$_}[1 .. $#$_] } @{ $self->{all} };
}

sub body {
    my ($self, $n) = @_;

    my $seed = pack 'N', $n;

    return $seed x ($self->{size} / 4);
}

sub run {
    my ($self, $report, $sender, @boxes) = @_;

    my $stop = 0;
    my %account = (sent => 0, accepted => 0, received => 0, lost => 0,
                   twice => 0, strange => 0, full => 0, failed => []);
    my (%accepted, %unknown, %seen);
    my $last = 0;
    my $n = 0;

    local $SIG{TERM} = sub { $stop = 1 };

    $self->{account} = \%account;

    while (!$stop) {
        $n++;
        $account{sent}++;

        my $status = $self->send($sender, $n, @boxes);

        if (!defined $status) {
            $unknown{$n} = 1;

        } elsif ($status == 201 || $status == 200) {
            $accepted{$n} = 1;

        } elsif ($status == 503) {
            $account{full}++;

        } else {
            push @{ $account{failed} }, "send: $status";
        }

        next if $n % 4;

        $last = $self->receive($boxes[0], $last, \%seen);
        $self->acknowledge($boxes[0], $last) if $n % 8 == 0;

        for my $box (@boxes[1 .. $#boxes]) {
            $self->skim($box) if $n % 8 == 0;
        }
    }

    while (1) {
        my $before = $last;

        $last = $self->receive($boxes[0], $last, \%seen);
        last if $last == $before;
        $self->acknowledge($boxes[0], $last);
    }

    $self->acknowledge($boxes[0], $last);
    $self->skim($_) for @boxes[1 .. $#boxes];

    $account{accepted} = keys %accepted;
    $account{received} = keys %seen;
    $account{lost} = grep { !$seen{$_} } keys %accepted;
    $account{strange} += grep { !$accepted{$_} && !$unknown{$_} } keys %seen;
    $account{twice} = grep { $_ > 1 } values %seen;
    $account{unanswered} = keys %unknown;
    $self->disconnect;

    spew($report, JSON::XS::encode_json(\%account));
}

# the status, or undef when nobody knows what became of it

sub send {
    my ($self, $sender, $n, @boxes) = @_;

    my $client = $self->{client};
    my $http;
    my $status = eval {
        $http = $client->connection;

        my @more = (http => $http,
                    headers => [ [ 'Connection', 'close' ] ]);

        my $response = @boxes > 1
            ? $client->send_fanout($sender, \@boxes, [], $self->body($n),
                                   @more)
            : $client->send($sender, $boxes[0], $self->body($n), @more);

        $response->status;
    };

    if (!defined $status) {
        push @{ $self->{account}{failed} }, "send: $@"
            unless $self->{tolerant};
    }

    $http->close if $http;

    return $status;
}

# A request that may be repeated, on a connection that is kept: at once when
# the connection had ended before a single octet of an answer.

sub repeat {
    my ($self, $code) = @_;

    my $tries = $self->{tolerant} ? 50 : 2;
    my $error;

    for my $try (1 .. $tries) {
        my $kept = defined $self->{http};
        my $answer = eval {
            $self->{http} //= $self->{client}->connection;
            $code->($self->{http});
        };

        return $answer if defined $answer;

        $error = $@;
        my $silent = $self->{http} && $self->{http}{in} eq '';
        $self->disconnect;

        last if !$self->{tolerant} && !($kept && $silent);
        sleep 0.02 if $self->{tolerant};
    }

    push @{ $self->{account}{failed} }, "reader: $error";

    return undef;
}

sub disconnect {
    my ($self) = @_;

    my $http = delete $self->{http};
    $http->close if $http;
}

# returns the last number; all numbers come, each once, each whole

sub receive {
    my ($self, $box, $last, $seen) = @_;

    my $response = $self->repeat(sub {
        $self->{client}->read($box, http => $_[0], after => $last,
                              limit => 1000);
    }) // return $last;

    return $last if $response->status == 204;

    if ($response->status != 200) {
        push @{ $self->{account}{failed} }, 'read: ' . $response->status;
        return $last;
    }

    for my $item ($response->items) {
        my $n = unpack 'N', $item->{body};

        $self->{account}{strange}++
            if $item->{seq} != $last + 1 || $item->{body} ne $self->body($n);

        $seen->{$n}++;
        $last = $item->{seq};
    }

    return $last;
}

sub acknowledge {
    my ($self, $box, $through) = @_;

    return if $through == 0;

    my $response = $self->repeat(sub {
        $self->{client}->acknowledge($box, $through, http => $_[0]);
    }) // return;

    push @{ $self->{account}{failed} }, 'acknowledge: ' . $response->status
        if $response->status != 204;
}

# a mailbox of which only the number of envelopes matters

sub skim {
    my ($self, $box) = @_;

    my $response = $self->repeat(sub {
        $self->{client}->status($box, http => $_[0]);
    }) // return;

    my $next = $response->json->{next};

    $self->acknowledge($box, $next - 1) if $next > 1;
}

1;
