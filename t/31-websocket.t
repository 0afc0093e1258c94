#!/usr/bin/perl

# Readers on a WebSocket: the handshake, items and acknowledgements, and what
# RFC 6455 says of every wrong frame.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use Sealed::CBOR qw(cbor_encode uint);
use Sealed::Client ();
use Sealed::HTTP ();
use Sealed::Live qw(next_frame frame_item);
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until);

my ($continuation, $text, $binary, $close, $ping, $pong) =
    (0, 1, 2, 8, 9, 10);

my $nginx = Sealed::Nginx->gateway(
    workers => 2, zone_size => '64m',
    zone_conf => 'mailbox envelopes=2000 bytes=16m;'
        . 'reader_times heartbeat=2s stall=8s jitter=300ms;'
        . 'websocket frames=40 unacknowledged=64k;'
        . 'websocket_origins https://app.example http://localhost:8080;',
    server_conf => 'reset_timedout_connection on;',
);
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);

sub acknowledge {
    my ($http, $through) = @_;

    $http->send_frame($binary, cbor_encode(uint($through)));
}

my $box = $client->opened_mailbox;

# the handshake

my $key = 'dGhlIHNhbXBsZSBub25jZQ==';
my ($http, $head) = $client->live($box,
                                  [ Sealed::HTTP->websocket_headers($key) ]);
is($head->status, 101, 'switching protocols');
is(lc $head->header('upgrade'), 'websocket', 'Upgrade');
like($head->header('connection'), qr/^upgrade$/i, 'Connection');
is($head->header('sec-websocket-accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
   'the answer to RFC 6455\'s key');
ok(!defined $head->header('transfer-encoding'), 'not chunked');
ok(!defined $head->header('sec-websocket-extensions'), 'no extension');
$http->close;

my %good = map { @$_ } Sealed::HTTP->websocket_headers($key);

for ([ 400, 'no Connection', Connection => undef ],
     [ 400, 'another Connection', Connection => 'keep-alive' ],
     [ 101, 'Connection among others', Connection => 'keep-alive, Upgrade' ],
     [ 101, 'Upgrade in another case', Upgrade => 'WebSocket' ],
     [ 204, 'another Upgrade', Upgrade => 'h2c' ],
     [ 400, 'no version', 'Sec-WebSocket-Version' => undef ],
     [ 426, 'an old version', 'Sec-WebSocket-Version' => 8 ],
     [ 426, 'no number', 'Sec-WebSocket-Version' => 'x' ],
     [ 400, 'no key', 'Sec-WebSocket-Key' => undef ],
     [ 400, 'a short key', 'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25j' ],
     [ 400, 'a key that is no base64',
       'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25jZ!==' ],
     [ 400, 'a key with stray bits',
       'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25jZR==' ],
     [ 101, 'extensions that are offered',
       'Sec-WebSocket-Extensions' => 'permessage-deflate' ],
     [ 101, 'an origin that may', Origin => 'https://app.example' ],
     [ 101, 'another that may', Origin => 'http://localhost:8080' ],
     [ 101, 'one in another case', Origin => 'HTTPS://App.Example' ],
     [ 403, 'two that may', Origin => 'https://app.example',
       Origin => 'https://app.example' ],
     [ 403, 'one that may not, and one that may',
       Origin => 'https://evil.example', Origin => 'https://app.example' ],
     [ 101, 'two Upgrade', Upgrade => 'websocket', Upgrade => 'h2c' ],
     [ 101, 'two in the other order', Upgrade => 'h2c',
       Upgrade => 'websocket' ],
     [ 400, 'two Connection', (Connection => 'Upgrade') x 2 ],
     [ 400, 'two keys', ('Sec-WebSocket-Key' => $key) x 2 ],
     [ 400, 'two versions', ('Sec-WebSocket-Version' => 13) x 2 ],
     [ 403, 'an origin that may not', Origin => 'https://evil.example' ],
     [ 403, 'a longer one', Origin => 'https://app.example.evil' ],
     [ 403, 'none that is said', Origin => 'null' ])
{
    my ($status, $name, $header, @values) = @$_;
    my %others = %good;

    delete $others{$header};
    @values = grep { defined && $_ ne $header } @values;

    my ($some, $answer) = $client->live($box,
        [ (map { [ $_, $others{$_} ] } sort keys %others),
          map { [ $header, $_ ] } @values ]);
    is($answer->status, $status, $name);
    is($answer->header('sec-websocket-version'), 13, "$name: which one")
        if $status == 426;
    $some->close;
}

{
    my ($some, $answer) = $client->websocket($client->mailbox);
    is($answer->status, 401, 'a mailbox that is not open');
    ($some, $answer) = $client->websocket($box, after => 1);
    is($answer->status, 400, 'after what is not there');
    ($some, $answer) = $client->websocket($box, limit => 1);
    is($answer->status, 400, 'with a limit');
}

# items, one message each, and acknowledgements

is($client->send($sender, $box, $_ x 512)->status, 201, "send $_")
    for qw(a b);
($http) = $client->websocket($box);

for my $n (1, 2) {
    my $frame = next_frame($http);
    is($frame->{opcode}, $binary, "message $n is binary");
    ok($frame->{fin}, "and whole");
    is(frame_item($frame)->{seq}, $n, "number $n");
    is(frame_item($frame)->{body}, ('', 'a', 'b')[$n] x 512, "body $n");
}

acknowledge($http, 1);
ok((wait_until { $client->status($box)->json->{first} == 2 }), 'freed');
acknowledge($http, 1);
acknowledge($http, 2);
ok((wait_until { $client->status($box)->json->{envelopes} == 0 }),
   'all of it');

for my $n (3 .. 6) {
    my $other = $client->connection;
    is($client->send($sender, $box, $n x (1024 << 2 * ($n - 3)),
                     http => $other)->status, 201, "send $n");
    my $frame = next_frame($http);
    is(frame_item($frame)->{seq}, $n, "number $n");
    is(length frame_item($frame)->{body}, 1024 << 2 * ($n - 3), "size $n");
    acknowledge($http, $n);
}

is($http->read_frame->{opcode}, $ping, 'ping as heartbeat');
$http->send_frame($pong, '');
is($http->read_frame->{opcode}, $ping, 'and another, since it had an answer');
$http->send_frame($pong, 'unasked for, or of another content');
$http->send_frame($ping, 'x' x 125);
is_deeply(next_frame($http), { opcode => $pong, fin => 1,
                               payload => 'x' x 125 }, 'pong');
$http->send_frame($close, pack 'n a*', 1000, 'bye');
is_deeply([ @{ next_frame($http) }{qw(opcode code)} ], [ $close, 1000 ],
          'close, with the same code');
ok($http->closed(60), 'and the connection');

# frames behind the handshake, in one packet and in pieces

for my $pieces ([], [ 1 .. 6 ]) {
    my $to = $client->opened_mailbox;

    is($client->send($sender, $to, 'p' x 512)->status, 201, 'send');

    my $some = $client->connection;
    my $bytes = $some->format($client->request(
        $to, 'GET', $client->path($to, '/envelopes'),
        headers => [ Sealed::HTTP->websocket_headers ]));
    $bytes .= $some->frame($binary, cbor_encode(uint(1)))
        . $some->frame($ping, 'early');
    my $at = length($bytes) - 17;

    $some->write(substr $bytes, 0, $at, '') if @$pieces;
    for my $size (@$pieces) {
        $some->write(substr $bytes, 0, $size, '');
        sleep 0.02;
    }
    $some->write($bytes);

    is($some->head->status, 101, 'handshake');
    my @frames = map { next_frame($some) } 1 .. 2;
    is_deeply([ sort map { $_->{opcode} } @frames ], [ $pong, $binary ],
              'item and pong') or diag explain \@frames;
    ok((wait_until { $client->status($to)->json->{envelopes} == 0 }),
       'acknowledged');
    $some->close;
    is($client->close_mailbox($to)->status, 204, 'close');
}

# what RFC 6455 says of frames; C is the code that the gateway closes with

my $ack = cbor_encode(uint(6));

sub f { return Sealed::HTTP->frame(@_) }

my @cases = (
    [ 0, 'fragments', f($binary, substr($ack, 0, 0), fin => 0),
      f($continuation, $ack) ],
    [ 0, 'an empty last fragment', f($binary, $ack, fin => 0),
      f($continuation, '') ],
    [ 0, 'fragments with a ping between', f($binary, '', fin => 0),
      f($ping, 'p'), f($continuation, $ack) ],
    [ 0, 'many fragments, with a pong and a ping between',
      f($binary, '', fin => 0), f($continuation, '', fin => 0),
      f($pong, 'x' x 125), f($continuation, $ack, fin => 0),
      f($ping, 'x' x 125), f($continuation, '', fin => 0),
      f($continuation, '') ],
    [ 0, 'a mask of zeros', f($binary, $ack, mask => "\0\0\0\0") ],
    [ 0, 'an unasked pong', f($pong, '') ],
    [ 1002, 'not masked', f($binary, $ack, mask => undef) ],
    [ 1002, 'a ping that is not masked', f($ping, '', mask => undef) ],
    [ 1002, 'first reserved bit', f($binary, $ack, rsv => 4) ],
    [ 1002, 'second reserved bit', f($binary, $ack, rsv => 2) ],
    [ 1002, 'third reserved bit', f($ping, '', rsv => 1) ],
    [ 1002, 'all reserved bits', f($binary, $ack, rsv => 7) ],
    [ 1002, 'a reserved bit of a continuation', f($binary, '', fin => 0),
      f($continuation, $ack, rsv => 4) ],
    [ 1002, 'a reserved bit of a close',
      f($close, pack('n', 1000), rsv => 2) ],
    (map { [ 1002, "opcode $_", f($_, '') ] } 3 .. 7, 11 .. 15),
    [ 1002, 'opcode 3 within a message', f($binary, '', fin => 0), f(3, '') ],
    (map { my ($name, @frame) = @$_;
           map { [ 1002, "$name in $_ bits", f(@frame, form => $_) ] } 16, 64 }
         [ 'a length of 0', $binary, '' ], [ 'a length of 1', $binary, $ack ],
         [ 'a length of 125', $binary, 'x' x 125 ],
         [ 'the length of a ping', $ping, 'p' ],
         [ 'the length of a close', $close, pack 'n', 1000 ]),
    (map { [ 1002, "a length of $_ in 64 bits",
             f($binary, 'x' x $_, form => 64) ] } 126, 65535),
    [ 1002, 'a length of 2^63', f($binary, 'x', length => 1 << 63) ],
    [ 1002, 'a length of 2^64 - 1', f($binary, 'x', length => ~0) ],
    [ 1009, 'a length of 126', f($binary, 'x' x 126) ],
    [ 1009, 'a length of 2^63 - 1', f($binary, 'x', length => ~0 >> 1) ],
    [ 1002, 'a ping in fragments', f($ping, '', fin => 0) ],
    [ 1002, 'a close in fragments', f($close, '', fin => 0) ],
    [ 1002, 'a pong in fragments', f($pong, '', fin => 0) ],
    [ 1002, 'a long pong', f($pong, 'x' x 126) ],
    [ 1002, 'a long ping', f($ping, 'x' x 126) ],
    [ 1002, 'a long close', f($close, pack('n', 1000) . 'x' x 124) ],
    [ 1002, 'continuation of nothing', f($continuation, $ack) ],
    [ 1002, 'continuation of nothing, to go on',
      f($continuation, $ack, fin => 0) ],
    [ 1002, 'a message within another', f($binary, '', fin => 0),
      f($binary, $ack) ],
    [ 1002, 'continuation after the end', f($binary, '', fin => 0),
      f($continuation, $ack), f($continuation, $ack) ],
    [ 1003, 'text', f($text, 'hello') ],
    [ 1003, 'text that is not UTF-8', f($text, "\xff") ],
    [ 1003, 'empty text', f($text, '') ],
    [ 1003, 'text in fragments', f($text, 'hel', fin => 0) ],
    [ 1002, 'text within a message', f($binary, '', fin => 0),
      f($text, 'hello') ],
    [ 1009, 'a message too long', f($binary, 'x' x 10) ],
    [ 1009, 'a message of 64 KiB', f($binary, 'x' x 65536) ],
    [ 1009, 'a message of 2^62 octets', f($binary, 'x', length => 1 << 62) ],
    [ 1009, 'too long in fragments', (f($binary, 'x' x 5, fin => 0)),
      f($continuation, 'x' x 5) ],
    [ 1008, 'an empty message', f($binary, '') ],
    [ 1008, 'no CBOR', f($binary, "\xff") ],
    [ 1008, 'a negative number', f($binary, "\x20") ],
    [ 1008, 'a byte string', f($binary, "\x41\x06") ],
    [ 1008, 'a number in a longer form', f($binary, "\x18\x06") ],
    [ 1008, 'a number cut short', f($binary, "\x19\x01") ],
    [ 1008, 'two numbers', f($binary, $ack x 2) ],
    [ 1008, 'a number not sent yet', f($binary, cbor_encode(uint(7))) ],
    [ 1008, 'the largest number',
      f($binary, "\x1b\xff\xff\xff\xff\xff\xff\xff\xff") ],
    [ 1000, 'close without a code', f($close, '') ],
    [ 1002, 'close with half a code', f($close, "\x03") ],
    (map { [ $_, "close with $_", f($close, pack 'n', $_) ] }
         1000 .. 1003, 1007 .. 1014, 3000, 3999, 4000, 4999),
    (map { [ 1002, "close with $_", f($close, pack 'n', $_) ] }
         0, 999, 1004 .. 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535),
    [ 1001, 'a reason', f($close, pack('n', 1001) . "gr\xc3\xbc\xc3\x9fe") ],
    (map { [ 1007, 'a reason that is not UTF-8: ' . unpack('H*', $_),
             f($close, pack('n', 1000) . $_) ] }
         "\xff", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
         "\xf4\x90\x80\x80", "\xf0\x82\x82\xac", "a\x80", "\xe2\x82"),
    [ 1000, 'the longest reason', f($close, pack('n', 1000) . 'x' x 123) ],
    [ 1000, 'close within a message', f($binary, '', fin => 0),
      f($close, pack 'n', 1000) ],
    [ 1000, 'nothing counts after a close', f($close, pack 'n', 1000),
      f($binary, 'x' x 50) ],
    [ 1000, 'nor does another close', f($close, pack 'n', 1000),
      f($close, pack 'n', 1001) ],
    [ 1000, 'nor what is no frame', f($close, pack 'n', 1000), "\xff" x 50 ],
    [ 1002, 'the first that is wrong counts', f($ping, '', rsv => 1),
      f($text, 'x'), f($close, pack 'n', 1000) ],
);

for my $case (@cases) {
    my ($code, $name, @frames) = @$case;
    my ($some) = $client->websocket($box, after => 6);

    $some->write(join '', @frames, $code ? () : f($ping, 'still here'));

    if ($code) {
        my $end = next_frame($some);
        is($end->{opcode}, $close, "$name: closed");
        is($end->{code}, $code, "$name: with $code");
        eval { $some->send_frame($close, pack 'n', $end->{code}) };
        ok($some->closed(60), "$name: and the connection");
        is($some->read_frame(0), undef, "$name: without another word");

    } else {
        my $last;
        while (my $frame = next_frame($some)) {
            $last = $frame;
            last if $frame->{payload} eq 'still here' || $frame->{opcode} == 8;
        }
        is($last->{payload}, 'still here', "$name: goes on")
            or diag explain $last;
    }

    $some->close;
}

# the same octets one by one

{
    my ($some) = $client->websocket($box, after => 6);

    for my $octet (split //, f($binary, '', fin => 0) . f($ping, 'slow')
                             . f($continuation, $ack) . f($ping, 'end'))
    {
        $some->write($octet);
        sleep 0.003;
    }

    is(next_frame($some)->{payload}, 'slow', 'octet by octet: a ping');
    is(next_frame($some)->{payload}, 'end', 'and another');
    $some->close;
}

# too many frames in a second

{
    my ($some) = $client->websocket($box, after => 6);

    $some->write(f($pong, '') x 500);
    is(next_frame($some)->{code}, 1008, 'too many frames');
    $some->close;
}

# a ping that is not answered, a close that is not answered

{
    my ($some) = $client->websocket($box, after => 6);

    is($some->read_frame->{opcode}, $ping, 'a ping');
    ok((wait_until { $some->closed(0.1) }), 'no answer: cut');
    $some->close;
    ($some) = $client->websocket($box, after => 6);
    $some->write(f($text, ''));
    is(next_frame($some)->{code}, 1003, 'closed');
    ok((wait_until { $some->closed(0.1) }), 'no answer: cut');
    $some->close;
}

# no more than the window is sent before it is acknowledged

my $window = $client->opened_mailbox;
is($client->send($sender, $window, chr(65 + $_) x 16384)->status, 201,
   "16 KiB, $_") for 0 .. 15;
($http) = $client->websocket($window);

my ($got, $seen) = (0, 0);

while ($got < 65536 && (my $frame = next_frame($http))) {
    is(frame_item($frame)->{seq}, ++$seen, "number $seen");
    $got += length $frame->{payload};
}

while (my $frame = next_frame($http, 0.7)) {
    is(frame_item($frame)->{seq}, ++$seen, "and number $seen");
    $got += length $frame->{payload};
}

cmp_ok($got, '>=', 65536, 'the window is used');
cmp_ok($got, '<', 65536 + 2 * 16500, 'and not exceeded by more than a piece');
is(next_frame($http, 0.5), undef, 'nothing while nothing is acknowledged');
is($client->send($sender, $window, 'Z' x 16384)->status, 201, 'one more');
is(next_frame($http, 0.5), undef, 'not even for new mail');

while ($seen < 17) {
    acknowledge($http, $seen);

    my $frame = next_frame($http) // last;

    fail('out of order') if frame_item($frame)->{seq} != ++$seen;
}

is($seen, 17, 'acknowledging goes on to the end');
acknowledge($http, 17);
ok((wait_until { $client->status($window)->json->{envelopes} == 0 }), 'empty');
$http->close;

# a reader that reads nothing while it is sent to and pings

{
    my $slow = $client->opened_mailbox;
    my ($some) = $client->websocket($slow);

    is($client->send($sender, $slow, 's' x 65536)->status, 201, "64 KiB $_")
        for 1 .. 3;
    $some->write(f($ping, "p$_") x 2) for 1 .. 5;
    sleep 0.2;
    my ($items, $pongs) = (0, 0);
    while (($items < 3 || !$pongs) && (my $frame = next_frame($some))) {
        $items++ if $frame->{opcode} == $binary;
        $pongs++ if $frame->{opcode} == $pong;
        acknowledge($some, $items) if $frame->{opcode} == $binary;
    }
    is($items, 3, 'all items');
    cmp_ok($pongs, '>=', 1, 'and pongs between them');
    $some->close;
    is($client->close_mailbox($slow)->status, 204, 'close');
}

# the mailbox ends; readers that vanish; a reload

my $short = $client->opened_mailbox;
($http) = $client->websocket($short);
is($client->close_mailbox($short)->status, 204, 'close');
is(next_frame($http)->{code}, 1008, 'the mailbox has ended');
$http->close;

# also for one that has to acknowledge before it is sent more

$short = $client->opened_mailbox;
is($client->send($sender, $short, 'h' x 65536)->status, 201, 'send');
($http) = $client->websocket($short);
is(frame_item(next_frame($http))->{seq}, 1, 'as much as the window');
is($client->close_mailbox($short)->status, 204, 'close');
is(next_frame($http)->{code}, 1008, 'the mailbox has ended here, too');
$http->close;

for my $n (1 .. 10) {
    my ($some) = $client->websocket($box, after => 6);

    $some->write("\x82") if $n % 3 == 0;
    $n % 2 ? $some->abort : $some->close;
}

my @readers = map { ($client->websocket($box, after => 6))[0] } 1 .. 4;
my ($silent) = $client->websocket($box, after => 6);
ok($nginx->reload, 'reload');

for my $reader (@readers) {
    is(next_frame($reader)->{code}, 1012, 'service restart');
    eval { $reader->send_frame($close, pack 'n', 1012) };
    ok($reader->closed(60), 'closed');
}

$client->disconnect;
ok((wait_until { !$nginx->leaving }), 'old workers are gone');
is(next_frame($silent)->{code}, 1012, 'one that did not answer');
$silent->close;

is($client->send($sender, $box, 'x' x 512)->status, 201, 'send');
($http) = $client->websocket($box, after => 6);
is(frame_item(next_frame($http))->{seq}, 7, 'resumed');
$http->close;

is($client->close_mailbox($_)->status, 204, 'close') for $box, $window;

$nginx->finish;
done_testing;
