#!/usr/bin/perl

# Blind certificates: drawn by an account, used by nobody in particular.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client qw(blind_certificate certificate_id);
use Sealed::Crypto qw(b64u random_bytes x25519 x25519_keypair);
use Sealed::Nginx ();
use Sealed::POPRF qw(poprf_request);
use Sealed::Wait qw(within_an_epoch);

within_an_epoch();

my $nginx = Sealed::Nginx->gateway(
    workers => 2,
    zone_conf => 'max_batch 8; first_uses address=100000;'
                 . 'class few 3 send budget=5 burst=2 quota=3;'
                 . 'class signed 4 send budget=5;',
);
my $client = Sealed::Client->new(nginx => $nginx);
my $body = 'x' x 512;

# an exchange

my $box = $client->mailbox;
my $opener = $client->drawn('alice', class => 1);
my @senders = $client->drawn('bob', class => 2, count => 8);

is($client->open_mailbox($opener, $box)->status, 201, 'open');
is($client->send($_, $box, $body)->status, 201, 'send') for @senders;
is($client->send($senders[0], $box, $body)->status, 201,
   'the second use of a certificate');
is(scalar($client->read($box)->items), 9, 'all of it is there');
is($client->acknowledge($box, 9)->status, 204, 'away with it');

# more workers, new connections: computed once, known to all

for (1 .. 6) {
    $client->disconnect;
    is($client->send($senders[0], $box, $body)->status, 201,
       "by any worker, $_");
}

is($client->acknowledge($box, 15)->status, 204, 'away with it');

# the next epoch's can be drawn, not used

my ($early) = $client->drawn('bob', class => 2,
                             epoch => $client->epoch + 1);
is($client->send($early, $box, $body)->status, 401, 'too early');

# quota

sub issued {
    my ($status, $name, $account, %o) = @_;

    my $response = $client->issue($account, class => 2, %o);

    is($response->status, $status, "$status: $name");
    is($response->header("Cache-Control"), "no-store", "$name: not cached")
        if $status != 403;
    is($response->json->{status}, $status, "$name: a problem document")
        if $status >= 400 && $status != 403;

    return $response;
}

issued(200, 'two of three', 'carol', class => 3, count => 2);
my $over = issued(429, 'two more', 'carol', class => 3, count => 2);
is($over->json->{type}, 'urn:sealed-sender:problem:quota', 'and why');
like($over->header('Retry-After'), qr/^\d+$/, 'Retry-After');
issued(200, 'the last one', 'carol', class => 3);
issued(429, 'no more', 'carol', class => 3);
issued(200, 'of another class', 'carol');
issued(200, 'for the next epoch', 'carol', class => 3, count => 3,
       epoch => $client->epoch + 1);
issued(200, 'for another account', 'dave', class => 3, count => 3);

# what is malformed costs nothing

my $identity = "\0" x 32;
my $beyond = "\xed" . "\xff" x 30 . "\x7f";
my ($element) = Sealed::POPRF::poprf_draw('x');
$element = substr $element, 2;

issued(400, 'none', 'erin', class => 3, body => poprf_request());
issued(400, 'an empty body', 'erin', class => 3, body => '');
issued(400, 'half a count', 'erin', class => 3, body => "\0");
issued(400, 'too many', 'erin', class => 3,
       body => poprf_request(($element) x 9));
issued(400, 'fewer than it says', 'erin', class => 3,
       body => "\0\2$element");
issued(400, 'more than it says', 'erin', class => 3,
       body => "\0\1$element$element");
issued(400, 'the identity', 'erin', class => 3,
       body => poprf_request($identity));
issued(400, 'the identity behind a good one', 'erin', class => 3,
       body => poprf_request($element, $identity));
issued(400, 'not canonical', 'erin', class => 3,
       body => poprf_request($beyond));
issued(400, 'not an element', 'erin', class => 3,
       body => poprf_request("\1" . "\0" x 31));

for my $epoch ($client->epoch - 1, $client->epoch + 2, 0, 4294967295) {
    issued(400, "epoch $epoch", 'erin', class => 3, epoch => $epoch);
}

issued(400, "query $_", 'erin', class => 3,
       query => $_ =~ s/EPOCH/$client->epoch/er)
    for '', '?', '?class=3', '?epoch=EPOCH', '?class=3&epoch=EPOCH&',
        '?class=03&epoch=EPOCH', '?class=3&epoch=EPOCH&class=3',
        '?class=3&epoch=EPOCH&n=1', '?class=few&epoch=EPOCH',
        '?class=256&epoch=EPOCH', '?class=3&epoch=4294967296';
issued(400, 'a class that is only signed', 'erin', class => 4);
issued(400, 'no such class', 'erin', class => 77);
issued(413, 'a body beyond reason', 'erin', body => 'x' x 9000);
issued(415, 'another type', 'erin', type => 'application/octet-stream');
issued(411, 'chunked', 'erin', send => { chunked => 10 });
issued(403, 'nobody', undef);
issued(404, 'a query in the path', 'erin', path => '/v1/certificates/');

my $wrong = issued(405, 'another method', 'erin', method => 'PUT');
is($wrong->header('Allow'), 'POST, OPTIONS', 'Allow');

issued(200, 'and all of the quota is there', 'erin', class => 3, count => 3);

# pages: credentials only for the configured origin

sub origin {
    my ($origin, $method) = @_;

    return $client->issue('frank', class => 2, method => $method,
                          headers => [ [ 'Origin', $origin ] ]);
}

for my $method ('POST', 'OPTIONS') {
    my $response = origin('https://app.example', $method);

    is($response->header('Access-Control-Allow-Origin'),
       'https://app.example', "$method, its own page: origin");
    is($response->header('Access-Control-Allow-Credentials'), 'true',
       "$method, its own page: credentials");
    is($response->header('Vary'), 'Origin', "$method, its own page: Vary");

    $response = origin('https://app.example.evil', $method);

    is($response->header('Access-Control-Allow-Origin'), '*',
       "$method, another page: origin");
    is($response->header('Access-Control-Allow-Credentials'), undef,
       "$method, another page: no credentials");
}

is(origin('https://app.example', 'OPTIONS')->status, 204, 'OPTIONS');

# budgets follow the class

my ($few) = $client->drawn('grace', class => 3);
is($client->send($few, $box, $body)->status, 201, "burst, $_") for 1, 2;
is($client->send($few, $box, $body)->status, 429, 'budget spent');
is($client->acknowledge($box, 17)->status, 204, 'away with it');

# without the issuer: an output of one's own

my $epoch = $client->epoch;
my $forged = $client->blind_holder(class => 2, epoch => $epoch,
                                   poprf => random_bytes(64));
my $before = $nginx->zone_status->{certificates};

is($client->send($forged, $box, $body)->status, 401, 'forged');
is($nginx->zone_status->{certificates}, $before,
   'garbage does not enter the table');

is($client->close_mailbox($box)->status, 204, 'close');

$nginx->secret($_) for qw(alice carol erin);
$nginx->finish;

# what the threads do not take costs an account nothing: many ask at once for
# as much as there can be in a request, until some of them find no room

$nginx = Sealed::Nginx->gateway(
    main => 'thread_pool curves threads=1 max_queue=0;', workers => 1,
    zone_conf => 'threads curves; max_batch 64; epoch 31d overlap=31d;'
                 . 'class lots 3 send budget=5 quota=6400;',
);
$nginx->allow(qr/thread pool "curves" queue overflow/);
$client = Sealed::Client->new(nginx => $nginx);

my $batch = poprf_request(($element) x 64);
my $most = {
    method => 'POST', body => $batch,
    target => '/v1/certificates?class=3&epoch=' . $client->epoch,
    headers => [ [ 'Content-Type', 'application/vnd.sealed-sender.blind' ],
                 [ 'X-Account', 'carol' ] ],
};
my %answers;

for (1 .. 10) {
    my @http = map { $client->connection } 1 .. 8;

    $_->send($most) for @http;

    for my $http (@http) {
        my $response = $http->response(method => 'POST');

        push @{ $answers{$response->status} }, $response;
        $http->close;
    }

    last if $answers{503};
}

is(join(' ', sort keys %answers), '200 503', 'some find no room');
is($_->header('Retry-After'), 5, 'and may soon try again')
    for $answers{503}[0];

$nginx->write_conf(main => 'thread_pool curves threads=1;');
ok($nginx->reload(wait_old => 1), 'a reload with room');

my ($drawn, $last) = scalar @{ $answers{200} };

while (($last = $client->issue('carol', class => 3, body => $batch)->status)
       == 200)
{
    $drawn++;
}

is($last, 429, 'all is drawn in the end');
is($drawn, 100, 'and it is as much as the account may have');
$nginx->secret('carol');
$nginx->finish;
done_testing;
