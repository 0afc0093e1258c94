#!/usr/bin/perl

# Mail from senders to owners: every operation, its answers and its limits.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use Sealed::Client ();
use Sealed::Crypto qw(b64 b64u random_bytes);
use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until);

my $nginx = Sealed::Nginx->gateway(
    workers => 2,
    zone_conf => 'mailbox envelopes=40 bytes=512k; max_recipients 100;',
);
my $client = Sealed::Client->new(nginx => $nginx);

my $sender = $client->certified(class => 2);
my $opener = $client->certified(class => 1);
my $box = $client->mailbox;

# opening

my $response = $client->open_mailbox($opener, $box);
is($response->status, 201, 'open');
is_deeply($response->json,
          { envelopes => 0, bytes => 0, first => 1, next => 1,
            limits => { envelopes => 40, bytes => 524288,
                        idle_seconds => 90 * 86400 } }, 'what it is');
is($client->open_mailbox($opener, $box)->status, 200, 'open already');
is($client->open_mailbox($opener, $client->mailbox)->status, 429,
   'one mailbox a certificate');
is($client->open_mailbox($client->certified(class => 1), $client->mailbox,
                         owner_key => random_bytes(32))->status, 400,
   'a key that is not the mailbox\'s');

# sending and reading

is($client->read($box)->status, 204, 'nothing yet');
$response = $client->send($sender, $box, 'a' x 512);
is($response->status, 201, 'send');
is(length $response->body, 0, 'answered without a body');
is($client->send($sender, $client->mailbox, 'a' x 512)->status, 404,
   'unknown mailbox');

my $second = $client->mailbox;
is($client->open_mailbox($client->certified(class => 1), $second)->status,
   201, 'open another');

my $nobody = $client->mailbox;
$response = $client->send_fanout($sender, [ $box, $nobody, $second ],
                                 [ 'x' x 48, 'y' x 48, 'z' x 48 ],
                                 'b' x 1024);
is($response->status, 200, 'fan-out');
is_deeply($response->json,
          { accepted => 2,
            refused => [ { recipient => 1, reason => 'unknown' } ] },
          'who got it');

my @items = $client->read($box)->items;
is(scalar @items, 2, 'two in the first');
is($items[0]{seq}, 1, 'first number');
is($items[0]{header}, '', 'no header');
is($items[0]{body}, 'a' x 512, 'body');
is($items[1]{seq}, 2, 'second number');
is($items[1]{header}, 'x' x 48, 'its header');
is($items[1]{body}, 'b' x 1024, 'the shared body');
ok(!defined $items[1]{stamp}, 'no stamp');

@items = $client->read($second)->items;
is($items[0]{header}, 'z' x 48, 'the other header');

is(scalar($client->read($box, after => 1)->items), 1, 'after');
is(scalar($client->read($box, limit => 1)->items), 1, 'limit');
is($client->read($box, after => 3)->status, 400, 'after what is not there');
is($client->read($box, limit => 1001)->status, 400, 'limit too high');

# acknowledging

is($client->acknowledge($box, 3)->status, 400, 'acknowledge the future');
is($client->acknowledge($box, 1)->status, 204, 'acknowledge');
is($client->acknowledge($box, 1)->status, 204, 'again');
is(scalar($client->read($box)->items), 1, 'one is left');
is($client->acknowledge($box, 2)->status, 204, 'the rest');
is_deeply([ @{ $client->status($box)->json }{qw(envelopes first next)} ],
          [ 0, 3, 3 ], 'empty, and the numbers go on');

# a reader that waits, woken from the same worker and from another one

my @workers = $nginx->workers;
my $number = 2;

for my $pair ([ 0, 0 ], [ 0, 1 ], [ 1, 0 ], [ 1, 1 ]) {
    my ($http, $other) = map { $nginx->connection_of($workers[$_]) } @$pair;
    my $path = $client->path($box, "/envelopes?wait=20&after=$number");
    my $name = "from worker $pair->[1] to $pair->[0]";

    $http->send($client->request($box, 'GET', $path));
    ok(!$http->closed(0.2), "$name: waits");

    is($client->send($sender, $box, 'w' x 512, http => $other)->status, 201,
       "$name: sent");
    $response = $http->response;
    is($response->status, 200, "$name: woken");
    is(($response->items)[0]{body}, 'w' x 512, "$name: read");
    is_deeply([ map { $nginx->worker_of($_) } $http, $other ],
              [ @workers[@$pair] ], "$name: so it was");
    $http->close;
    $other->close;
    $number++;
}

# readers that leave, and one whose time is up

for (1 .. 5) {
    my $http = Sealed::HTTP->new(port => $nginx->port);

    $http->send($client->request($box, 'GET',
        $client->path($box, '/envelopes?wait=30&after=6')));
    sleep 0.05;
    $_ % 2 ? $http->abort : $http->close;
}

is($client->read($box, after => 6, wait => 1)->status, 204, 'time is up');

# a long answer, in pieces

is($client->acknowledge($box, 6)->status, 204, 'empty again');
is($client->send($sender, $box, chr(64 + $_) x 16384)->status, 201,
   "16 KiB, $_") for 1 .. 20;
@items = $client->read($box, after => 6)->items;
is(scalar @items, 20, 'all of them');
is($items[$_]{body}, chr(65 + $_) x 16384, "body $_") for 0, 10, 19;
is($client->send($sender, $box, 'L' x 65536)->status, 201, "64 KiB, $_")
    for 1 .. 3;
is($client->send($sender, $box, 'L' x 65536)->status, 507, 'full by octets');
$response = $client->send_fanout($sender, [ $box, $second ], [],
                                 'L' x 65536);
is_deeply($response->json->{refused},
          [ { recipient => 0, reason => 'full' } ], 'full in a fan-out');

# a reload keeps everything, and sends waiting readers home

ok((wait_until { $nginx->status->{readers} == 0 }), 'nobody waits');

my $replay = $client->request($box, 'GET', $client->path($box));
is(Sealed::HTTP->new(port => $nginx->port)->request($replay)->status, 200,
   'status');

my $waiting = Sealed::HTTP->new(port => $nginx->port);
$waiting->send($client->request($second, 'GET',
    $client->path($second, '/envelopes?wait=60&after=2')));
ok((wait_until { $nginx->status->{readers} == 1 }), 'a reader waits');
$nginx->reload;
is($waiting->response->status, 204, 'a waiting reader is sent home');
$waiting->close;
$client->disconnect;
is(scalar($client->read($box, after => 6)->items), 23, 'all is there');
$response = Sealed::HTTP->new(port => $nginx->port)->request($replay);
is($response->status, 409, 'a replay of before the reload');
like($response->json->{next}, qr/^\d+$/, 'the next nonce');

# closing

is($client->close_mailbox($box)->status, 204, 'close');
is($client->close_mailbox($second)->status, 204, 'close the other');
is($client->read($box)->status, 401, 'gone');
is($client->send($sender, $box, 'a' x 512)->status, 404, 'for senders too');
is($client->open_mailbox($client->certified(class => 1), $box)->status, 410,
   'not again so soon');

$nginx->finish;
done_testing;
