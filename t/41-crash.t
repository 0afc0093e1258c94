#!/usr/bin/perl

# nginx with a journal under load, killed again and again: one worker, all
# workers, everything; while it commits, begins segments, rewrites and
# recovers, at moments that chance chooses.  t/41-kill-points.t chooses them.
#
#     SEALED_CRASH_ROUNDS  how often (20)
#     SEALED_CRASH_SEED    for the same moments again

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::XS ();
use Test::More;
use Time::HiRes qw(sleep time);

use Sealed::Crash ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until);

my $rounds = $ENV{SEALED_CRASH_ROUNDS} // 20;
my $seed = $ENV{SEALED_CRASH_SEED} // time;

srand $seed;

my $crash = Sealed::Crash->new(seed => $seed);
my $nginx = $crash->nginx;
my $dir = $crash->dir;

my @ends = (
    [ 'one worker' => sub {
        my @workers = $nginx->workers;
        kill 'KILL', $workers[rand @workers];
        wait_until { 2 == grep { $_ != 0 } $nginx->workers };
    } ],
    [ 'all workers' => sub {
        kill 'KILL', $nginx->workers;
        wait_until { 2 == $nginx->workers };
    } ],
    [ 'everything' => sub {
        unlink "$dir/go";
        $nginx->kill_all;
        $crash->again;
    } ],
    [ 'everything, and again while it recovers' => sub {
        unlink "$dir/go";
        $nginx->kill_all;

        for (1 .. 3) {
            my $pid = $crash->launch;

            sleep rand 0.06;

            my @below = Sealed::Nginx::kill_with_children($pid);
            waitpid $pid, 0;
            wait_until { !grep { !Sealed::Nginx::gone($_) } @below };
        }

        $crash->again;
    } ],
    [ 'everything, soon after a start' => sub {
        unlink "$dir/go";
        $nginx->kill_all;
        $crash->again;
        sleep rand 0.8;                 # it rewrites its journal by then
        $nginx->kill_all;
        $crash->again;
    } ],
    [ 'stop and start' => sub {
        unlink "$dir/go";
        $nginx->stop;
        $crash->again;
    } ],
);

for my $round (1 .. $rounds) {
    $crash->begin;
    $crash->noted;
    sleep 0.2 + rand 0.8;

    my ($name, $end) = @{ $ends[$round % @ends] };

    $end->();

    # with workers killed the others go on for a while
    sleep 0.3 if $crash->under_load;

    $crash->end;
    $crash->check($name);
}

$crash->say_totals($rounds);
cmp_ok($crash->total->{accepted}, '>=', $rounds,
       'there was something to lose');

# and from outside

ok($nginx->stop, 'stop');

my $said = qx($Bin/../build/sealed journal check --json --zone main \\
              --master-secret \Q$dir\E/master \Q$dir\E/journal 2>&1);
is($? >> 8, 0, 'a journal in order') or diag($said);
is(JSON::XS::decode_json($said)->{mailboxes}, Sealed::Crash::BOXES,
   'with all mailboxes');

$crash->again;
$crash->finish;
done_testing;
