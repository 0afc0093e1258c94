package Sealed::Crash;

# A gateway with a journal under load that is ended again and again, and what
# its clients were told: every envelope that was accepted is there or was asked
# to go, none that was acknowledged is back, in the order of each sender, under
# numbers that were never used before.
#
#     my $crash = Sealed::Crash->new(seed => $seed);
#     $crash->begin;            # clients that send and read
#     ...                       # an end, and a start
#     $crash->end;              # no clients
#     $crash->check('name');    # a test
#     $crash->finish;
#
# Options are those of Sealed::Nginx.

use strict;
use warnings;

use POSIX qw(_exit);
use Test::More ();
use Time::HiRes qw(sleep);

use Sealed::Client ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp);

use constant { BOXES => 6, SENDERS => 3, SIZE => 512 };

sub new {
    my ($class, %o) = @_;

    my $http = Sealed::Nginx::gateway_conf(
        zone_size => '32m',
        # small segments, so that many are begun
        zone_parameters => 'journal=%%DIR%%/journal sync=always segment=256k',
        zone_conf => 'max_recipients 20;
                      mailbox envelopes=100000 bytes=16m;',
        %o);

    $http =~ s/envelope_sizes .*?;/envelope_sizes 512 1k;/;
    $http =~ s/(class opener 1 open)/$1 mailboxes=10/;
    $http =~ s/(class verified 2 send) budget=1000/$1 budget=1000000/;

    my $nginx = Sealed::Nginx->gateway(workers => 2, http => $http, %o);

    $nginx->allow(qr/exited on signal 9/);

    my $client = Sealed::Client->new(nginx => $nginx);
    my $opener = $client->certified(class => 1);

    my $self = bless {
        nginx => $nginx, dir => $nginx->dir, client => $client,
        seed => $o{seed}, number => 0, round => 0, highest => {},
        boxes => [ map { $client->mailbox } 1 .. BOXES ],
        senders => [ map { $client->certified(class => 2) } 1 .. SENDERS ],
        total => { map { $_ => 0 } qw(accepted acknowledged kept missing
                                      back disorder reused) },
    }, $class;

    for my $box (@{ $self->{boxes} }) {
        Test::More::is($client->open_mailbox($opener, $box)->status, 201,
                       'open');
    }

    $client->disconnect;

    return $self;
}

sub nginx { return $_[0]{nginx} }
sub dir { return $_[0]{dir} }
sub total { return $_[0]{total} }


# clients: each writes down who asked for what, and what the answer was

sub begin {
    my ($self) = @_;

    my $dir = $self->{dir};

    $self->{round}++;
    (@{$self}{qw(accepted asked acknowledged)}) = ({}, {}, {});

    open my $go, '>', "$dir/go" or die "$dir/go: $!\n";
    close $go;

    for my $which (0 .. SENDERS) {
        my $pid = fork // die "fork: $!\n";

        if ($pid == 0) {
            srand($self->{seed} + $self->{round} * 100 + $which);
            eval { $which < SENDERS ? $self->sender($which)
                                    : $self->reader };
            print STDERR "# client $which: $@";
            _exit(1);
        }

        push @{ $self->{children} }, $pid;
    }
}

sub under_load { return -e "$_[0]{dir}/go" }

sub end {
    my ($self) = @_;

    unlink "$self->{dir}/go";
    waitpid $_, 0 for @{ $self->{children} };
    $self->{children} = [];

    $_->{nonce} += 1 << 20 for @{ $self->{senders} };
    $self->{number} += 100000;
    $self->take_notes;
}

# until something was accepted in this round

sub noted {
    my ($self) = @_;

    my $senders = SENDERS - 1;

    return wait_until { grep { -s "$self->{dir}/notes.$_" } 0 .. $senders };
}

sub note_down {
    my ($file, @words) = @_;

    syswrite $file, join(' ', @words) . "\n" or _exit(1);
}

sub body {
    my ($name) = @_;

    return $name . ' ' . '.' x (SIZE - 1 - length $name);
}

sub sender {
    my ($self, $which) = @_;

    my ($client, $boxes) = @{$self}{qw(client boxes)};
    my $sender = $self->{senders}[$which];

    open my $notes, '>>', "$self->{dir}/notes.$which" or _exit(1);

    for (my $n = 0; ; $n++) {
        my $name = sprintf '%d-%09d', $which, $self->{number} + $n;
        my @to = grep { rand() < 0.5 } 0 .. BOXES - 1;
        @to = (int rand BOXES) unless @to;

        my $response = eval {
            @to == 1 && rand() < 0.5
                ? $client->send($sender, $boxes->[$to[0]], body($name))
                : $client->send_fanout($sender, [ @{$boxes}[@to] ],
                                       [ map { "to $_" } @to ], body($name));
        };

        if (!$response) {
            $client->disconnect;
            last unless $self->under_load;
            sleep 0.01;

        } elsif ($response->status == 201) {
            note_down($notes, 'accepted', $name, @to);

        } elsif ($response->status == 200) {
            my $told = eval { $response->json } or next;
            my %refused = map { $_->{recipient} => 1 } @{ $told->{refused} };

            note_down($notes, 'accepted', $name,
                      map { $to[$_] } grep { !$refused{$_} } 0 .. $#to);
        }

        last unless $self->under_load;
    }

    _exit(0);
}

sub reader {
    my ($self) = @_;

    my $client = $self->{client};

    open my $notes, '>>', "$self->{dir}/notes.reader" or _exit(1);

    while ($self->under_load) {
        my $which = int rand BOXES;
        my $box = $self->{boxes}[$which];
        my $response = eval { $client->read($box, limit => 50) };

        if (!$response) {
            $client->disconnect;
            sleep 0.01;
            next;
        }

        next if $response->status != 200;

        # an answer may be cut like anything else
        my @items = eval { $response->items } or next;
        my $last = int rand @items;
        my @names = map { $_->{body} =~ /^(\S+) / } @items[0 .. $last];

        note_down($notes, 'seen', $which, map { $_->{seq} } @items);
        note_down($notes, 'asked', $which, @names);

        $response = eval { $client->acknowledge($box, $items[$last]{seq}) };

        if ($response && $response->status == 204) {
            note_down($notes, 'acknowledged', $which, @names);
        } elsif (!$response) {
            $client->disconnect;
        }
    }

    _exit(0);
}

sub take_notes {
    my ($self) = @_;

    my $highest = $self->{highest};

    for my $file (glob "$self->{dir}/notes.*") {
        for my $line (split /\n/, slurp($file)) {
            my ($what, @words) = split ' ', $line;

            if ($what eq 'accepted') {
                my $name = shift @words;
                $self->{accepted}{$_}{$name} = 1 for @words;
                $self->{total}{accepted} += @words;

            } elsif ($what eq 'seen') {
                my $which = shift @words;
                $highest->{$which} = $words[-1]
                    if $words[-1] > ($highest->{$which} // 0);

            } else {
                my $which = shift @words;
                $self->{$what}{$which}{$_} = 1 for @words;
                $self->{total}{acknowledged} += @words
                    if $what eq 'acknowledged';
            }
        }

        unlink $file;
    }
}


# what is there, compared with the notes; the next round begins with nothing

sub check {
    my ($self, $name) = @_;

    my ($client, $boxes, $total) = @{$self}{qw(client boxes total)};
    my (@missing, @back, @disorder, @reused);

    $client->disconnect;
    $_->{nonce} += 1 << 20 for @$boxes;     # beyond what the reader used

    for my $which (0 .. BOXES - 1) {
        my (%there, %last);
        my $after = 0;

        for (;;) {
            my @items = $client->read($boxes->[$which], after => $after,
                                      limit => 1000)->items
                or last;

            for my $item (@items) {
                my ($from, $name) = $item->{body} =~ /^((\d+)-\d+) /
                    ? ($2, $1) : ('?', '?');

                push @disorder, "$which: $name behind $last{$from}"
                    if defined $last{$from} && $last{$from} ge $name;

                $last{$from} = $name;
                $there{$name} = $item->{seq};
                push @back, "$which: $name"
                    if $self->{acknowledged}{$which}{$name};
            }

            $after = $items[-1]{seq};
        }

        for my $name (keys %{ $self->{accepted}{$which} }) {
            push @missing, "$which: $name"
                unless $there{$name} || $self->{asked}{$which}{$name};
        }

        my $next = $client->status($boxes->[$which])->json->{next};
        my $highest = $self->{highest}{$which} // 0;

        push @reused, "$which: $next after $highest" if $next <= $highest;

        $total->{kept} += keys %there;

        if ($next > 1) {
            $self->{highest}{$which} = $next - 1;
            $client->acknowledge($boxes->[$which], $next - 1);
        }
    }

    $client->disconnect;
    $_->{nonce} += 1 << 20 for @$boxes;

    $total->{missing} += @missing;
    $total->{back} += @back;
    $total->{disorder} += @disorder;
    $total->{reused} += @reused;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::ok(!@missing && !@back && !@disorder && !@reused,
                   "round $self->{round}: $name")
        or Test::More::diag("seed $self->{seed}\nmissing: @missing\n"
                            . "back: @back\norder: @disorder\n"
                            . "numbers: @reused");
}


# everything ends at once, the group of processes that the master leads

sub kill_all {
    my ($self) = @_;

    my $nginx = $self->{nginx};
    my $group = $nginx->{pid};

    $nginx->{faults} ? kill('KILL', -$group) : $nginx->kill_all;
    wait_until { $nginx->reap; !members($group) }
        or die "processes stay\n";
    $nginx->{stopped} = 1;
}

sub members {
    my ($group) = @_;

    return grep { slurp("/proc/$_/stat") =~ /\) \S \d+ $group /
                  && !Sealed::Nginx::gone($_) }
           map { m{(\d+)} } glob '/proc/[0-9]*';
}

sub again {
    my ($self) = @_;

    $self->{nginx}->start_again;
}

# a start that is to come to an early end, its process

sub launch {
    my ($self) = @_;

    return $self->{nginx}->command("$self->{dir}/logs/output", '-c',
                                   "$self->{dir}/nginx.conf", '-e',
                                   "$self->{dir}/logs/error.log");
}

sub say_totals {
    my ($self, $rounds) = @_;

    my $total = $self->{total};

    Test::More::diag(join ', ', "$rounds rounds",
                     map { "$total->{$_} $_" }
                         qw(accepted acknowledged kept missing back disorder
                            reused));
}

sub finish {
    my ($self) = @_;

    my ($nginx, $client, $boxes) = @{$self}{qw(nginx client boxes)};

    Test::More::unlike($nginx->error_log, qr/is damaged|are missing/,
                       'nothing was damaged');
    Test::More::is($client->close_mailbox($_)->status, 204, 'close')
        for @$boxes;

    $client->disconnect;
    $nginx->ends_empty;
    $nginx->finish;
}

1;
