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
use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until spew);

my ($library) = glob '/usr/lib/*/faketime/libfaketime.so.1';

plan skip_all => 'no library goes in front of the sanitizers\' own'
    if ($ENV{NGINX_MODULE} // 'x') eq '';
plan skip_all => 'libfaketime is not installed' unless $library;

my $nginx = Sealed::Nginx->gateway(
    start => 0, workers => 2, main => "env FAKETIME_TIMESTAMP_FILE;\n"
        . "env FAKETIME_NO_CACHE;\nenv DONT_FAKE_MONOTONIC;\n",
    zone_conf => 'mailbox idle=60d; max_ttl 7d; certificate_lifetime 300d;',
);

my $day = 86400;
my ($client, $box);
my $offset = 0;
my $file = $nginx->dir . '/time';

# by so many seconds, from now on

sub step {
    my ($seconds) = @_;

    $offset = $seconds;
    spew("$file.new", sprintf("%+d\n", $seconds));
    rename "$file.new", $file or die "$file: $!\n";

    ok(wait_until(sub { my $there = clock(); abs($there - now()) < 5 }, 10),
       sprintf 'the clock goes by %+.1f days', $seconds / 86400);
}

# and back: for a second or two nothing is new

sub back {
    step(0);
    ok(wait_until(sub { $client->status($box, at())->status == 200 }, 10),
       'back again');
}

sub now { return time + $offset }

# what nginx takes for the time

sub clock {
    return Sealed::HTTP->new(port => $nginx->port)->request({
        method => 'GET', target => '/.well-known/sealed-sender',
        headers => [ [ 'Connection', 'close' ] ] })->json->{time};
}

spew($file, "+0\n");

{
    local $ENV{LD_PRELOAD} = $library;
    local $ENV{FAKETIME_TIMESTAMP_FILE} = $file;
    local $ENV{FAKETIME_NO_CACHE} = 1;
    local $ENV{DONT_FAKE_MONOTONIC} = 1;

    $nginx->start;
}


$client = Sealed::Client->new(nginx => $nginx);

# certificates for all of it

my @long = (not_before => time - 100 * $day, not_after => time + 100 * $day);
my $sender = $client->certified(class => 2, @long);
my $brief = $client->certified(class => 2, not_before => time - 3600,
                               not_after => time + 3600);
($box, my $idle) = ($client->mailbox, $client->mailbox);

sub at { return (@_, sign => { created => now() }) }

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

step(2 * 3600);
posted('d', 'an hour later');
is(($waiting->response->items)[0]{body}, 'd' x 512,
   'the reader wakes an hour later');
is($again->(), 401, 'the replay is too old now');
is($client->send($brief, $box, 'x' x 512, at())->status, 401,
   'the certificate has ended');
holds('abcrd', 'an hour later');
woken('e', 'an hour later');

step(-3600);
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

step(8 * $day);
ok(wait_until(sub { $nginx->zone_status->{envelopes} == 0 }, 20),
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

step(50 * $day);
is($client->status($box, at())->status, 200, 'one owner comes after 50 days');
step(75 * $day);
ok(wait_until(sub { $nginx->zone_status->{mailboxes} == 1 }, 20),
   'the other one has not come for 67');
is($client->status($idle, at())->status, 401, 'his mailbox is gone');
woken('l', 'after 75 days');

back();
woken('m', 'at the end');
is($client->close_mailbox($box, at())->status, 204, 'close');

$nginx->finish;
done_testing;
