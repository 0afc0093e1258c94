#!/usr/bin/perl

# Mailboxes that nobody asks for, with a journal: what has ended stays so when
# nginx is killed and started again, what is only read does not end for it, and
# what nobody reads ends however often nginx is started anew.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::Clock ();
use Sealed::HTTP ();
use Sealed::Wait qw(served wait_until);

my $missing = Sealed::Clock::missing();

plan skip_all => $missing if $missing;

my $day = 86400;
my $clock = Sealed::Clock->new(
    workers => 1, zone_parameters => 'journal=%%DIR%%/journal sync=always',
    zone_conf => 'mailbox idle=10d; max_ttl 60d; certificate_lifetime 300d;',
);
my $nginx = $clock->nginx;
my $client = Sealed::Client->new(nginx => $nginx);

$nginx->allow(qr/exited on signal 9/);

sub at { return (sign => { created => $clock->now }) }

# a day after the last time, and after a start that found one, the journal is
# rewritten

sub rewritten { return scalar(() = $nginx->error_log =~ /" rewritten: /g) }

sub step {
    my ($seconds) = @_;

    my $before = rewritten();

    $clock->step($seconds);
    ok(wait_until(sub { rewritten() > $before }),
       'the journal is rewritten') if $seconds >= $day;
}

sub again {
    my ($how, $away) = @_;

    $client->disconnect;

    if (($how // 'kill') eq 'kill') {
        $nginx->kill_all;

    } else {
        ok($nginx->stop, 'stop');
    }

    $clock->leap($away) if $away;

    my $before = rewritten();

    $nginx->forget;
    $clock->start;
    ok(wait_until(sub { rewritten() > $before }),
       'the journal is rewritten');
    $client->disconnect;
}

sub certified {
    return $client->certified(not_before => $clock->now - 10,
                              not_after => $clock->now + 100 * $day, @_);
}

sub mailboxes {
    return Sealed::HTTP->new(port => $nginx->port)->request({
        method => 'GET', target => '/status',
        headers => [ [ 'Connection', 'close' ] ] })
        ->json->{zones}[0]{mailboxes};
}

my ($read, $left) = ($client->mailbox, $client->mailbox);
my $sender = certified(class => 2);
my $body = 'x' x 512;

for my $box ($read, $left) {
    is(served(sub {
           $client->open_mailbox(certified(class => 1), $box, at()) })->status,
       201, 'open');
    is($client->send($sender, $box, $body, at())->status, 201, 'send');
}

# one is read now and then, also when nginx is killed in between

for (1 .. 3) {
    step(3 * $day);
    is($client->read($read, at())->status, 200, 'read') for 1 .. 2;
}

again();
is(mailboxes(), 2, 'nine days: both are there after a start');
is(served(sub { $client->read($read, at()) })->status, 200,
   'the one that is read');

# the other one has what is left of its time, and two days for what a journal
# may not have seen

step(2 * $day);
is($client->read($read, at())->status, 200, 'read');
is(mailboxes(), 2, 'nothing ends early for a start');

step(2 * $day);
ok(wait_until(sub { mailboxes() == 1 }), 'one has ended');
is($client->open_mailbox(certified(class => 1), $left, at())->status, 410,
   'its key opens none for a while');
again();
is(mailboxes(), 1, 'and stays so');

is(served(sub {
       $client->send($sender, $left, $body, at()) })->status, 404,
   'no mail for it');
is($client->read($left, at())->status, 401, 'nothing to be read');
is(scalar($client->read($read, at())->items), 1, 'the other has its mail');

step(3600);
is($client->open_mailbox(certified(class => 1), $left, at())->status, 201,
   'and then a new one');
is($client->read($left, at())->status, 204, 'with nothing of the old one');

again();
is(served(sub { $client->read($left, at()) })->status, 204,
   'after a start neither');
is(mailboxes(), 2, 'both are there');


# what is asked for after a day or more is known of after a start

sub ask_both {
    my ($when) = @_;

    for ([ 'one', $read ], [ 'the other', $left ]) {
        my ($name, $box) = @$_;
        my $status = served(sub { $client->read($box, at()) })
                     ->status;

        ok($status == 200 || $status == 204, "$when: $name") or diag($status);
    }
}

step(6 * $day);
ask_both('after six days');
is($client->send($sender, $read, $body, at())->status, 201,
   'what was written before that is on disk');
again();
step(9 * $day);
ask_both('nine days later');


# what nobody asks for ends, however often nginx is started

my $nobodys = $client->mailbox;

is($client->open_mailbox(certified(class => 1), $nobodys, at())->status, 201,
   'one more');

for my $how ('stop', 'kill', 'stop') {
    step(3 * $day);
    ask_both("three days, and $how");
    again($how);
    is(mailboxes(), 3, 'all three are there');
}

step(3.5 * $day);
ok(wait_until(sub { mailboxes() == 2 }), 'and then two');
ask_both('those that are read');


# a time in which nginx did not run does not count, but for a day

again('stop', 30 * $day);
is(mailboxes(), 2, 'away for thirty days: both are there');
ask_both('after thirty days');

is($client->close_mailbox($_, at())->status, 204, 'close') for $read, $left;
$client->disconnect;
$nginx->ends_empty;

$nginx->finish;
done_testing;
