#!/usr/bin/perl

# nginx with a journal under load, ended at named points: before, in the
# middle of and after each kind of call by which the journal and a zone's file
# are changed, at a start and when a new binary takes over.  It is one worker
# that ends, or all of them, the master, or everything.
#
#     SEALED_KILL_ROUNDS  how often at each point (1)
#     SEALED_KILL_POINTS  those whose name this matches
#     SEALED_CRASH_SEED   for the same choices again

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use Sealed::Crash ();
use Sealed::Faults ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp);

my $rounds = $ENV{SEALED_KILL_ROUNDS} // 1;
my $only = $ENV{SEALED_KILL_POINTS} // '';
my $seed = $ENV{SEALED_CRASH_SEED} // time;

srand $seed;

# under load, at a start, when a new binary takes over: the call, its file,
# and how many of them pass before (at most)

my @load = (
    [ 'commit, before the write',    'write',    'journal',  'before', 40 ],
    [ 'commit, in the write',        'write',    'journal',  'half',   40 ],
    [ 'commit, before the sync',     'sync',     'journal',  'before', 40 ],
    [ 'commit, after the sync',      'sync',     'journal',  'after',  40 ],
    [ 'segment, before its end',     'truncate', 'journal',  'before', 2 ],
    [ 'segment, after its end',      'truncate', 'journal',  'after',  2 ],
    [ 'segment, before it is made',  'create',   'journal',  'before', 2 ],
    [ 'segment, before its room',    'allocate', 'journal',  'before', 2 ],
    [ 'segment, before its name is safe', 'names', 'directory', 'before', 2 ],
    [ 'rewriting, begin',            'create',   'snapshot', 'after',  1 ],
    [ 'rewriting, in the middle',    'write',    'snapshot', 'half',   1 ],
    [ 'rewriting, before its sync',  'sync',     'snapshot', 'before', 1 ],
    [ 'rewriting, end',              'truncate', 'snapshot', 'after',  1 ],
    [ 'removal, before the first',   'remove', 'journal|snapshot', 'before', 0 ],
    [ 'removal, among them',         'remove', 'journal|snapshot', 'after',  2 ],
);

my @start = (
    [ 'start, before the lock',      'lock',     'lock',      'before', 0 ],
    [ 'start, while it reads',       'map', 'journal|snapshot', 'after', 1 ],
    [ 'start, before a first write', 'create',   'journal',   'before', 1 ],
    [ 'start, in a first write',     'write',    'journal',   'half',   1 ],
    [ 'start, after a first sync',   'sync',     'journal',   'after',  1 ],
);

my @file = (
    [ 'zone file, when it is made',  'create',   'zone',      'after',  0 ],
    [ 'zone file, before its room',  'allocate', 'zone',      'before', 0 ],
    [ 'zone file, after its room',   'allocate', 'zone',      'after',  0 ],
    [ 'zone file, when mapped',      'map',      'zone',      'after',  0 ],
    [ 'zone file, before it is filled', 'map', 'journal|snapshot', 'before',
      1 ],
);

my @handover = (
    [ 'new binary, before it is one', 'execute', 'program',   'before', 0 ],
    [ 'new binary, when it looks',    'open',    'directory', 'after',  0 ],
    [ 'new binary, before a first write', 'create', 'journal', 'before', 1 ],
    [ 'new binary, in a first write', 'write',   'journal',   'half',   1 ],
);

my @who = ([ 'self' ], [ 'self', 'others' ], [ 'master' ],
           [ 'self', 'others', 'master' ]);
my %done;


sub arm {
    my ($faults, $point, $who) = @_;

    my ($name, $call, $file, $at, $pass) = @$point;

    $faults->arm($call, on => $file, kill => $who, at => $at,
                 after => int rand $pass + 1);
}

# those that are there are done with, and there are others

sub start_again {
    my ($crash) = @_;

    $crash->kill_all;
    $crash->again;
}

sub under_load {
    my ($crash, $faults, $point, $who) = @_;

    $crash->begin;
    sleep 0.2 + rand 0.2;
    arm($faults, $point, $who);

    ok($faults->happened, "$point->[0]: it came to that");
    $faults->disarm;
    sleep 0.2;

    if (grep { $_ eq 'master' } @$who) {
        start_again($crash);
    } else {
        wait_until { 2 == $crash->nginx->workers };
        sleep 0.1;
    }

    $crash->end;
}

sub at_start {
    my ($crash, $faults, $point, $who, @without) = @_;

    $crash->begin;
    sleep 0.3 + rand 0.2;
    $crash->kill_all;
    $crash->end;

    unlink $_ or die "$_: $!\n" for @without;

    arm($faults, $point, $who);
    $crash->nginx->{pid} = $crash->launch;

    ok($faults->happened, "$point->[0]: it came to that");
    $faults->disarm;
    sleep rand 0.2;
    start_again($crash);
}

sub at_handover {
    my ($crash, $faults, $point, $who) = @_;

    my $nginx = $crash->nginx;
    my $old = $nginx->{pid};

    $crash->begin;
    sleep 0.2;
    arm($faults, $point, $who);
    $nginx->signal('USR2', $old);

    ok($faults->happened, "$point->[0]: it came to that");
    $faults->disarm;
    sleep 0.3;

    if (grep { $_ eq 'master' } @$who) {
        start_again($crash);
        $crash->end;
        return;
    }

    # the old one still serves, alone or beside it; the new one leaves

    my $new;

    wait_until { ($new) = slurp($crash->dir . '/nginx.pid') =~ /^(\d+)$/ };

    if (defined $new && $new != $old && !Sealed::Nginx::gone($new)) {
        kill 'QUIT', $new;
        wait_until { Sealed::Nginx::gone($new) };
    }

    $nginx->alone($old);

    wait_until { 2 == $nginx->workers };
    sleep 0.1;
    $crash->end;
}

sub run {
    my ($crash, $faults, $how, $points, @more) = @_;

    for my $round (0 .. $rounds - 1) {
        for my $i (grep { $points->[$_][0] =~ /$only/ } 0 .. $#$points) {
            my $point = $points->[$i];
            my $who = $how == \&under_load || $how == \&at_handover
                      ? $who[($i + $round) % @who]
                      : $who[($i + $round) % 2 * 3];

            $how->($crash, $faults, $point, $who, @more);
            $crash->check("$point->[0] (@$who)");
            $done{$point->[0]}++;
        }
    }
}


# a sum of rounds so far

sub rounds {
    my $sum = 0;

    $sum += $_ for values %done;

    return $sum;
}


my $faults = Sealed::Faults->new;
my $crash = Sealed::Crash->new(seed => $seed, faults => $faults);

run($crash, $faults, \&under_load, \@load);
run($crash, $faults, \&at_start, \@start);

my $before = rounds();

$crash->say_totals($before);
$crash->finish;


# with a file beside the journal, in the background

$faults = Sealed::Faults->new;
$crash = Sealed::Crash->new(
    seed => $seed, faults => $faults, daemon => 1, leaks => 0,
    zone_parameters => 'file=%%DIR%%/main.zone journal=%%DIR%%/journal '
        . 'sync=always segment=256k',
);
$crash->nginx->{zone_file} = $crash->dir . '/main.zone';

run($crash, $faults, \&at_handover, \@handover);
run($crash, $faults, \&at_start, \@file, $crash->dir . '/main.zone');

$crash->say_totals(rounds() - $before);
$crash->finish;

diag("$_: $done{$_}") for sort keys %done;
done_testing;
