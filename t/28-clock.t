#!/usr/bin/perl

# A clock that steps, forwards by weeks and back again, while mail waits:
# nothing that is due stays, nothing that is not due goes, readers wait and
# are woken as before, and what was sent before cannot be sent again.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::Clock ();
use Sealed::HTTP ();
use Sealed::Wait qw(wait_until);

my $missing = Sealed::Clock::missing();

plan skip_all => $missing if $missing;

my $clock = Sealed::Clock->new(
    workers => 2,
    zone_conf => 'mailbox idle=60d; max_ttl 7d; certificate_lifetime 300d;',
);
my $nginx = $clock->nginx;

my $day = 86400;
my $client = Sealed::Client->new(nginx => $nginx);
my ($box, $idle) = ($client->mailbox, $client->mailbox);

# and back: for a second or two nothing is new

sub back {
    $clock->set(0);
    ok(wait_until(sub { $client->status($box, at())->status == 200 }),
       'back again');
}

# certificates for all of it

my @long = (not_before => time - 100 * $day, not_after => time + 100 * $day);
my $sender = $client->certified(class => 2, @long);
my $brief = $client->certified(class => 2, not_before => time - 3600,
                               not_after => time + 3600);

sub at { return (@_, sign => { created => $clock->now }) }

sub posted {
    my ($octet, $name, $status) = @_;

    is($client->send($sender, $box, $octet x 512, at())->status,
       $status // 201, "$name: send");
}

sub holds {
    my ($expected, $name) = @_;

    my $response = $client->read($box, at());

    is($response->status == 204 ? ''
       : join('', map { substr $_->{body}, 0, 1 } $response->items),
       $expected, "$name: holds \"$expected\"");
}

sub woken {
    my ($octet, $name) = @_;

    my $next = $client->status($box, at())->json->{next};
    my $http = Sealed::HTTP->new(port => $nginx->port);

    $http->send($client->request($box, 'GET', $client->path($box,
        '/envelopes?wait=30&after=' . ($next - 1)), at()));
    ok(!$http->closed(0.2), "$name: a reader waits");
    posted($octet, $name);
    is(($http->response->items)[0]{body}, $octet x 512, "$name: and wakes");
    $http->close;

    is($client->read($box, after => $next, wait => 1, at())->status, 204,
       "$name: one second of waiting goes by");
}

for ([ $box, 'open' ], [ $idle, 'another' ]) {
    my ($mailbox, $name) = @$_;

    is($client->open_mailbox($client->certified(class => 1, @long), $mailbox)
       ->status, 201, $name);
}

posted('a', 'at first');
my $brief_replay = $client->request($brief, 'POST', $client->path($box,
    '/envelopes'), body => 'b' x 512, at());
my $brief_again = sub { Sealed::HTTP->new(port => $nginx->port)
                                    ->request($brief_replay)->status };
is($brief_again->(), 201, 'a certificate of an hour');
is($brief_again->(), 409, 'its replay');
woken('c', 'at first');

my $replay = $client->request($sender, 'POST', $client->path($box,
    '/envelopes'), body => 'r' x 512, at());
my $again = sub { Sealed::HTTP->new(port => $nginx->port)
                              ->request($replay)->status };

is($again->(), 201, 'a request');
is($again->(), 409, 'a replay');
holds('abcr', 'at first');

# a reader who waits through the step, and mail that he waits for

my $waiting = Sealed::HTTP->new(port => $nginx->port);
$waiting->send($client->request($box, 'GET', $client->path($box,
    '/envelopes?wait=60&after=4'), at()));
ok(!$waiting->closed(0.2), 'a reader waits');

$clock->set(2 * 3600);
posted('d', 'an hour later');
is(($waiting->response->items)[0]{body}, 'd' x 512,
   'the reader wakes an hour later');
is($again->(), 401, 'the replay is too old now');
is($client->send($brief, $box, 'x' x 512, at())->status, 401,
   'the certificate has ended');
holds('abcrd', 'an hour later');
woken('e', 'an hour later');

$clock->set(-3600);
posted('f', 'an hour before', 503);
is($client->read($box, at())->status, 503,
   'before its birth the zone takes nothing');

back();
is($again->(), 503, 'the replay is none again');
is($brief_again->(), 503,
   'nor that of the certificate that had ended meanwhile');
posted('g', 'back');
woken('h', 'back');
holds('abcrdegh', 'back');

# mail ends, mailboxes do not

$clock->set(8 * $day);
ok(wait_until(sub { $nginx->zone_status->{envelopes} == 0 }),
   'after 8 days the mail is gone');
holds('', 'after 8 days');
woken('i', 'after 8 days');
is($client->status($idle, at())->status, 200, 'its owner was there');

back();
posted('j', 'back again');
holds('ij', 'back again');
woken('k', 'back again');
is($client->acknowledge($box, 11, at())->status, 204, 'acknowledged');
holds('', 'back again, acknowledged');

# mailboxes end whose owners stay away

$clock->set(50 * $day);
is($client->status($box, at())->status, 200, 'one owner comes after 50 days');
$clock->set(75 * $day);
ok(wait_until(sub { $nginx->zone_status->{mailboxes} == 1 }),
   'the other one has not come for 67');
is($client->status($idle, at())->status, 401, 'his mailbox is gone');
woken('l', 'after 75 days');

back();
woken('m', 'at the end');
is($client->close_mailbox($box, at())->status, 204, 'close');

$nginx->finish;
done_testing;
