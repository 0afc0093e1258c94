#!/usr/bin/perl

# Mail under way while workers are killed, while the configuration is loaded
# anew and the zone grows and shrinks, and for a long time: nothing that was
# accepted is lost, nothing comes twice or in parts, no request fails that need
# not, and in the end the zone is what it was.
#
# Environment: SEALED_KILLS (50), SEALED_RELOADS (100), SEALED_CHURN (20
# seconds).

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use Sealed::Client ();
use Sealed::Load ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until);

my $kills = $ENV{SEALED_KILLS} // 50;
my $reloads = $ENV{SEALED_RELOADS} // 100;
my $churn = $ENV{SEALED_CHURN} // 20;

my @zone = (zone_conf => 'class load 3 send budget=100000000;
                          mailbox envelopes=10000 bytes=64m;
                          first_uses address=1000;');

my $nginx = Sealed::Nginx->gateway(workers => 2, @zone);
my $client = Sealed::Client->new(nginx => $nginx);

$nginx->allow(qr/worker process \d+ exited on signal 9/);

sub account {
    my ($report, $what) = @_;

    cmp_ok($report->{accepted}, '>', 0,
           "$what: $report->{accepted} envelopes accepted");
    is($report->{lost}, 0, "$what: none of them lost");
    is($report->{twice}, 0, "$what: none came twice");
    is($report->{strange}, 0, "$what: none that was not sent, all in order");
    is_deeply($report->{failed}, [], "$what: no request failed");
}

sub sound {
    my ($what) = @_;

    my ($holds, $said) = $nginx->zone_check;

    ok($holds, "$what: the zone is sound") or diag($said);
}

sub close_all {
    my ($load) = @_;

    for ($load->mailboxes) {
        my $status = $client->close_mailbox($_)->status;

        fail("close: $status") if $status != 204;
    }

    $client->disconnect;
}


# workers are killed

my $load = Sealed::Load->new($client, class => 3, pairs => 3, fanout => 2,
                             size => 1024, tolerant => 1);

for (1 .. $kills) {
    sleep 0.01 + rand 0.1;

    my @workers = wait_until { my @w = $nginx->workers; @w && \@w };
    my $one = $workers[0][rand @{ $workers[0] }];

    kill 'KILL', $one;
    wait_until { !grep { $_ == $one } $nginx->workers };
}

wait_until { $nginx->workers == 2 };

my $report = $load->stop;

account($report, 'kills');
diag("$report->{unanswered} requests without an answer") if $ENV{V};

# what the last of them had under way is given back by those who live

my ($holds, $said);

wait_until { ($holds, $said) = $nginx->zone_check;
             $said =~ / 0 envelopes, 0 bodies, 0 cells/ };
ok($holds, 'kills: the zone is sound') or diag($said);
like($said, qr/ 0 envelopes, 0 bodies, 0 cells/, 'kills: nothing is left');
close_all($load);


# the configuration is loaded anew, with another size each time

$load = Sealed::Load->new($client, class => 3, pairs => 2, size => 4096);

my $done = 0;

for (1 .. $reloads) {
    my $size = 16 + 4 * ($_ % 5);

    $nginx->write_conf(http => Sealed::Nginx::gateway_conf(
        @zone, zone_size => $size . 'm'));
    $done++ if $nginx->reload;

    # many generations at a time would only be slower
    wait_until { $nginx->leaving < 6 };
}

is($done, $reloads, "$reloads reloads");
account($load->stop, 'reloads');
sound('reloads');
is(scalar(() = $nginx->error_log =~ /sealed zone "main" had \d+k and has/g),
   $reloads, 'the zone had another size after each');
close_all($load);


# a long time

$load = Sealed::Load->new($client, class => 3, pairs => 2, fanout => 5,
                          size => 16384);
sleep 2;
account($load->stop, 'at first');

my $base = $nginx->zone_status;
my $second = Sealed::Load->new($client, class => 3, pairs => 2, fanout => 5,
                               size => 4096);

sleep $churn;
account($second->stop, "$churn seconds");

my $after;

wait_until { $after = $nginx->zone_status;
             $base->{pages_free} - $after->{pages_free} <= 2
             && !grep { $after->{$_} != $base->{$_} }
                      qw(envelopes bodies cells) };

is($after->{$_}, $base->{$_}, "$churn seconds: $_ as before")
    for qw(envelopes bodies cells);
cmp_ok($base->{pages_free} - $after->{pages_free}, '<=', 2,
       "$churn seconds: pages as before, but for the new mailboxes");
is($nginx->zone_status->{damaged}, 0, 'no envelope was damaged');

close_all($_) for $load, $second;

$nginx->finish;
done_testing;
