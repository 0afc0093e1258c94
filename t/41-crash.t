#!/usr/bin/perl

# nginx with a journal under load, killed again and again: one worker, all
# workers, everything; while it commits, begins segments, rewrites and
# recovers.  Afterwards, what clients were told: every envelope that was
# accepted is there or was asked to go, none that was acknowledged is back,
# in the order of each sender, under numbers that were never used before.
#
#     SEALED_CRASH_ROUNDS  how often (20)
#     SEALED_CRASH_SEED    for the same moments again

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use POSIX qw(_exit);
use Test::More;
use Time::HiRes qw(sleep time);

use Sealed::Client ();
use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp);

use constant { BOXES => 6, SENDERS => 3, SIZE => 512 };

my $rounds = $ENV{SEALED_CRASH_ROUNDS} // 20;
my $seed = $ENV{SEALED_CRASH_SEED} // time;

srand $seed;

my $http = Sealed::Nginx::gateway_conf(
    zone_size => '32m',
    zone_conf => 'max_recipients 20; mailbox envelopes=100000 bytes=16m;',
);

# small segments, so that many are begun
$http =~ s{(sealed_zone main \S+)}
          {$1 journal=%%DIR%%/journal sync=always segment=256k};
$http =~ s/envelope_sizes .*?;/envelope_sizes 512 1k;/;
$http =~ s/(class opener 1 open)/$1 mailboxes=10/;
$http =~ s/(class verified 2 send) budget=1000/$1 budget=1000000/;

my $nginx = Sealed::Nginx->gateway(workers => 2, http => $http);
my $dir = $nginx->dir;

$nginx->allow(qr/exited on signal 9/);

my $client = Sealed::Client->new(nginx => $nginx);
my $opener = $client->certified(class => 1);
my @boxes = map { $client->mailbox } 1 .. BOXES;
my @senders = map { $client->certified(class => 2) } 1 .. SENDERS;

is($client->open_mailbox($opener, $_)->status, 201, 'open') for @boxes;
$client->disconnect;


# what clients know: who asked for what, and what the answer was

my (%accepted, %asked, %acknowledged, %highest);
my %total = (map { $_ => 0 } qw(accepted acknowledged kept tries));
my $number = 0;

sub note_down {
    my ($file, @words) = @_;

    syswrite $file, join(' ', @words) . "\n" or _exit(1);
}

sub body {
    my ($name) = @_;

    return $name . ' ' . '.' x (SIZE - 1 - length $name);
}

# until nobody answers any more

sub sender {
    my ($which, $first) = @_;

    open my $notes, '>>', "$dir/notes.$which" or _exit(1);

    for (my $n = 0; ; $n++) {
        my $name = sprintf '%d-%09d', $which, $first + $n;
        my @to = grep { rand() < 0.5 } 0 .. BOXES - 1;
        @to = (int rand BOXES) unless @to;

        my $response = eval {
            @to == 1 && rand() < 0.5
                ? $client->send($senders[$which], $boxes[$to[0]],
                                body($name))
                : $client->send_fanout($senders[$which], [ @boxes[@to] ],
                                       [ map { "to $_" } @to ], body($name));
        };

        if (!$response) {
            $client->disconnect;
            last unless -e "$dir/go";
            sleep 0.01;

        } elsif ($response->status == 201) {
            note_down($notes, 'accepted', $name, @to);

        } elsif ($response->status == 200) {
            my $told = eval { $response->json } or next;
            my %refused = map { $_->{recipient} => 1 } @{ $told->{refused} };

            note_down($notes, 'accepted', $name,
                      map { $to[$_] } grep { !$refused{$_} } 0 .. $#to);
        }

        last unless -e "$dir/go";
    }

    _exit(0);
}

sub reader {
    open my $notes, '>>', "$dir/notes.reader" or _exit(1);

    while (-e "$dir/go") {
        my $which = int rand BOXES;
        my $response = eval { $client->read($boxes[$which], limit => 50) };

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

        $response = eval { $client->acknowledge($boxes[$which],
                                                $items[$last]{seq}) };

        if ($response && $response->status == 204) {
            note_down($notes, 'acknowledged', $which, @names);
        } elsif (!$response) {
            $client->disconnect;
        }
    }

    _exit(0);
}

sub take_notes {
    for my $file (glob "$dir/notes.*") {
        for my $line (split /\n/, slurp($file)) {
            my ($what, @words) = split ' ', $line;

            if ($what eq 'accepted') {
                my $name = shift @words;
                $accepted{$_}{$name} = 1 for @words;
                $total{accepted} += @words;

            } elsif ($what eq 'seen') {
                my $which = shift @words;
                $highest{$which} = $words[-1]
                    if $words[-1] > ($highest{$which} // 0);

            } else {
                my $which = shift @words;
                my $notes = $what eq 'asked' ? \%asked : \%acknowledged;
                $notes->{$which}{$_} = 1 for @words;
                $total{acknowledged} += @words if $what eq 'acknowledged';
            }
        }

        unlink $file;
    }
}


# ends

sub again {
    delete @{$nginx}{qw(pid master_pid exit stopped)};
    $nginx->start;
}

my @ends = (
    [ 'one worker' => sub {
        my @workers = $nginx->workers;
        kill 'KILL', $workers[rand @workers];
        wait_until { 2 == grep { $_ != 0 } $nginx->workers } 20;
    } ],
    [ 'all workers' => sub {
        kill 'KILL', $nginx->workers;
        wait_until { 2 == $nginx->workers } 20;
    } ],
    [ 'everything' => sub {
        unlink "$dir/go";
        $nginx->kill_all;
        again();
    } ],
    [ 'everything, and again while it recovers' => sub {
        unlink "$dir/go";
        $nginx->kill_all;

        for (1 .. 3) {
            my $pid = $nginx->command("$dir/logs/output", '-c',
                                      "$dir/nginx.conf", '-e',
                                      "$dir/logs/error.log");
            sleep rand 0.06;

            # stopped, it starts no more that would be missed
            kill 'STOP', $pid;
            my @below = Sealed::Nginx::children($pid);
            kill 'KILL', $pid, @below;
            waitpid $pid, 0;
            wait_until { !grep { !Sealed::Nginx::gone($_) } @below } 10;
        }

        again();
    } ],
    [ 'everything, soon after a start' => sub {
        unlink "$dir/go";
        $nginx->kill_all;
        again();
        sleep rand 0.8;                 # it rewrites its journal by then
        $nginx->kill_all;
        again();
    } ],
    [ 'stop and start' => sub {
        unlink "$dir/go";
        $nginx->stop;
        again();
    } ],
);

my %ended;

for my $round (1 .. $rounds) {
    open my $go, '>', "$dir/go" or die "$dir/go: $!\n";
    close $go;

    my @children;

    for my $which (0 .. SENDERS) {
        my $pid = fork // die "fork: $!\n";

        if ($pid == 0) {
            srand($seed + $round * 100 + $which);
            eval { $which < SENDERS ? sender($which, $number) : reader() };
            print STDERR "# client $which: $@";
            _exit(1);
        }

        push @children, $pid;
    }

    sleep 0.2 + rand 0.8;

    my ($name, $end) = @{ $ends[$round % @ends] };

    $ended{$name}++;
    $end->();

    # with workers killed the others go on for a while
    sleep 0.3 if -e "$dir/go";
    unlink "$dir/go";
    waitpid $_, 0 for @children;

    $_->{nonce} += 1 << 20 for @senders;
    $number += 100000;
    take_notes();


    # what is there

    my (@missing, @back, @order, @numbers);
    $_->{nonce} += 1 << 20 for @boxes;  # beyond what the reader used

    for my $which (0 .. BOXES - 1) {
        my (%there, %last);
        my $after = 0;

        for (;;) {
            my @items = $client->read($boxes[$which], after => $after,
                                      limit => 1000)->items
                or last;

            for my $item (@items) {
                my ($from, $name) = $item->{body} =~ /^((\d+)-\d+) /
                    ? ($2, $1) : ('?', '?');

                push @order, "$which: $name behind $last{$from}"
                    if defined $last{$from} && $last{$from} ge $name;

                $last{$from} = $name;
                $there{$name} = $item->{seq};
                push @back, "$which: $name" if $acknowledged{$which}{$name};
            }

            $after = $items[-1]{seq};
        }

        for my $name (keys %{ $accepted{$which} }) {
            push @missing, "$which: $name"
                unless $there{$name} || $asked{$which}{$name};
        }

        my $status = $client->status($boxes[$which])->json;

        push @numbers, "$which: $status->{next} after $highest{$which}"
            if $status->{next} <= ($highest{$which} // 0);

        $total{kept} += keys %there;

        # begin the next round with nothing

        if ($status->{next} > 1) {
            $highest{$which} = $status->{next} - 1;
            $client->acknowledge($boxes[$which], $highest{$which});
        }
    }

    $client->disconnect;
    $_->{nonce} += 1 << 20 for @boxes;
    (%accepted, %asked, %acknowledged) = ();

    ok(!@missing && !@back && !@order && !@numbers, "round $round: $name")
        or diag("seed $seed\nmissing: @missing\nback: @back\n"
                . "order: @order\nnumbers: @numbers");
}

diag("$rounds rounds, $total{accepted} accepted, $total{acknowledged} "
     . "acknowledged, $total{kept} there afterwards");

cmp_ok($total{accepted}, '>', $rounds * 10, 'there was something to lose');
unlike($nginx->error_log, qr/is damaged/, 'nothing was damaged');

# and from outside

my $stopped = $nginx->stop;
ok($stopped, 'stop');

my $said = qx($Bin/../build/sealed journal check --json --zone main \\
              --master-secret \Q$dir\E/master \Q$dir\E/journal 2>&1);
is($? >> 8, 0, 'a journal in order') or diag($said);
is(JSON::XS::decode_json($said)->{mailboxes}, BOXES, 'with all mailboxes');

again();
is($client->close_mailbox($_)->status, 204, 'close') for @boxes;
$client->disconnect;
$nginx->{status_at_start} = { map { $_ => 0 } qw(mailboxes envelopes bodies
                                                 cells) };
$nginx->finish;
done_testing;
