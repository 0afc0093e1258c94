#!/usr/bin/perl

# How many readers a mailbox may have, in all workers together: who came
# first goes, wherever he is; what a dead worker had counts no more.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::HTTP ();
use Sealed::HTTP2 ();
use Sealed::Live qw(next_event close_frame);
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until);

my $nginx = Sealed::Nginx->gateway(
    workers => 2, zone_size => '64m',
    zone_conf => 'mailbox envelopes=2000 bytes=16m;'
        . 'reader_times heartbeat=1s stall=30s jitter=200ms;'
        . 'readers mailbox=4 connection=2 worker=12;',
    server_conf => 'listen 127.0.0.1:%%PORT2%% http2;',
);
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my $seq = 0;

sub readers { return $nginx->status->{readers} }

sub stream {
    my ($box, $worker, %o) = @_;

    my ($http, $head) = $client->event_stream($box, after => $seq, %o,
        http => $nginx->connection_of($worker));

    is($head->status, 200, 'a stream');
    return $http;
}

# sent away, and not to come back at once

sub gone {
    my ($http, $name) = @_;

    cmp_ok(next_event($http)->{retry}, '>=', 60000, "$name: sent away");
    is(next_event($http), undef, "$name: nothing more");
    ok($http->ended, "$name: an orderly end");
    $http->close;
}

sub delivered {
    my ($box, @streams) = @_;

    is($client->send($sender, $box, 'x' x 512)->status, 201, 'send');
    $seq++;
    is(next_event($_)->{id}, $seq, 'it comes') for @streams;
}

my ($one, $other) = $nginx->workers;
my $box = $client->opened_mailbox;

# three in one worker, three in the other: those of the first that came first

my @streams = map { stream($box, $_) } $one, $one, $one, $other;

delivered($box, @streams);

push @streams, stream($box, $other);
gone(shift @streams, 'the first of another worker');
push @streams, stream($box, $other);
gone(shift @streams, 'the second of another worker');
ok((wait_until { readers() == 4 }), 'four');
delivered($box, @streams);

# in the worker where it came, and back

push @streams, stream($box, $one);
gone(shift @streams, 'the first of the same worker');
push @streams, stream($box, $one);
gone(shift @streams, 'and then of the other');
delivered($box, @streams);

# another mailbox has its own

my $another = $client->opened_mailbox;
my $lonely = stream($another, $one, after => 0);
ok((wait_until { readers() == 5 }), 'a reader of another mailbox is one more');
delivered($box, @streams);
$lonely->close;

# those that leave by themselves make room

(pop @streams)->close;
(shift @streams)->abort;
ok((wait_until { readers() == 2 }), 'two have left');
push @streams, map { stream($box, $_) } $one, $other;
delivered($box, @streams);

# WebSockets and plain readers count alike, and are told in their way

$_->close for splice @streams;
ok((wait_until { readers() == 0 }), 'nobody reads');

my $plain = $nginx->connection_of($one);
my ($socket) = $client->websocket($box, after => $seq,
                                  http => $nginx->connection_of($one));
$plain->send($client->request($box, 'GET', $client->path($box, '/envelopes'
                              . "?after=$seq&wait=60")));
ok((wait_until { readers() == 2 }), 'a WebSocket and a plain reader');

@streams = map { stream($box, $other) } 1 .. 3;
is(close_frame($socket)->{code}, 1008, 'the WebSocket is sent away');
$socket->close;

push @streams, stream($box, $other);
is($plain->response(method => 'GET')->status, 204, 'the plain reader too');
$plain->close;
delivered($box, @streams);

# an ordinary request is no reader

is($client->read($box, after => $seq - 1)->status, 200, 'read');
is($client->read($box, after => $seq)->status, 204, 'read');
delivered($box, @streams);

# a reader that takes nothing is one all the same, and is cut

$_->close for splice @streams;

my $slow = $client->opened_mailbox;
is($client->send($sender, $slow, 'y' x 65536)->status, 201, '64 KiB')
    for 1 .. 200;
($seq, my $kept) = (0, $seq);
my $blocked = stream($slow, $one);

ok((wait_until { readers() == 1 }), 'a reader that takes nothing');
ok($blocked->filled, 'and nothing more can be sent to it');
$seq = 200;
@streams = map { stream($slow, $other) } 1 .. 4;

# who takes something before the other worker has heard of it leaves in order

ok((wait_until { readers() == 4 }), 'one too many');

my $taken = 0;

eval {
    while (defined(my $data = $blocked->data)) {
        last if $data eq '';
        $taken += length $data;
    }
};

like($@, qr/ended within a body/, 'is cut');
cmp_ok($taken, '<', 200 * 65536, 'before it had everything');
$blocked->close;
delivered($slow, @streams);
$seq = $kept;
$_->close for splice @streams;
is($client->close_mailbox($slow)->status, 204, 'close');

# a worker that is killed: its readers count no more, and nobody has to go

ok((wait_until { readers() == 0 }), 'nobody reads');
@streams = map { stream($box, $_) } $one, $other, $one, $other;
my @lost = @streams[0, 2];
@streams = @streams[1, 3];

$nginx->allow(qr/exited on signal 9/);
$nginx->signal('KILL', $one);
$client->disconnect;

ok((wait_until { my @now = $nginx->workers;
                 @now == 2 && !grep { $_ == $one } @now }), 'a new worker');
($one) = grep { $_ != $other } $nginx->workers;
$_->close for @lost;
is(readers(), 2, 'its readers are gone');

push @streams, map { stream($box, $_) } $one, $one;
delivered($box, @streams);
push @streams, stream($box, $one);
gone(shift @streams, 'the fifth');
delivered($box, @streams);

# a worker that stands still keeps its own, and does as it was told later

$nginx->halt($other);
push @streams, stream_of($box, $one);
kill 'CONT', $other;
gone(shift @streams, 'told while it stood still');
delivered($box, @streams);

# two of its readers are too many, and one of them leaves by itself just then

$_->close for splice @streams;
ok((wait_until { readers() == 0 }), 'nobody reads');
@streams = map { stream($box, $_) } $other, $other, $one;
$nginx->halt($other);
(shift @streams)->close;
push @streams, map { stream_of($box, $one) } 1 .. 3;
kill 'CONT', $other;
gone(shift @streams, 'the other one');
ok((wait_until { readers() == 4 }), 'four are left');
delivered($box, @streams);

# with the other worker standing still there is no need to choose

sub stream_of {
    my ($to, $worker) = @_;

    my ($http, $head) = $client->event_stream($to, after => $seq);

    is($head->status, 200, 'a stream');
    is($nginx->worker_of($http), $worker, 'of the worker that runs');
    return $http;
}

# a reload: those that come back have the room of those that left

ok($nginx->reload, 'reload');

for my $stream (splice @streams) {
    cmp_ok(next_event($stream)->{retry}, '<', 5000, 'told to come back');
    is(next_event($stream), undef, 'no more');
    $stream->close;
}

$client->disconnect;
($one, $other) = $nginx->workers;
@streams = map { stream($box, $_) } $one, $other, $one, $other;
delivered($box, @streams);
push @streams, stream($box, $other);
gone(shift @streams, 'one too many after the reload');
delivered($box, @streams);

# more than a worker may have, in whatever mailboxes

my @boxes = map { $client->opened_mailbox } 1 .. 3;
$_->close for splice @streams;
ok((wait_until { readers() == 0 }), 'nobody reads');

$seq = 0;
push @streams, map { my $to = $_; map { stream($to, $one) } 1 .. 4 } @boxes;

for my $how (qw(event_stream websocket)) {
    my ($http, $head) = $client->$how($box, after => 0,
                                      http => $nginx->connection_of($one));

    is($head->status, 503, "one more in that worker, $how");
    is($head->header('content-type'), 'application/problem+json',
       'a problem');
    like($head->header('retry-after'), qr/^\d+\z/, 'when to come back');
    $http->close;
}

push @streams, stream($box, $other);
ok((wait_until { readers() == 13 }), 'the other worker has room');
$_->close for splice @streams;

# more than an HTTP/2 connection may have

ok((wait_until { readers() == 0 }), 'nobody reads');

my $h2 = Sealed::HTTP2->new(port => $nginx->port(2));
my @asked = map {
    $h2->headers($client->request($another, 'GET',
                                  $client->path($another,
                                                '/envelopes?after=0'),
                                  headers => [ [ 'Accept',
                                                 'text/event-stream' ] ]),
                 end => 1, length => undef)
} 1 .. 3;
my $refused = $h2->response($asked[2]);

is($refused->{status}, 429, 'one more on an HTTP/2 connection');
like($refused->{body}, qr/"status":429/, 'a problem');
is(readers(), 2, 'two are there');
$h2->reset($asked[0]);
ok((wait_until { readers() == 1 }), 'one has left');
$h2->close;

is($client->close_mailbox($_)->status, 204, 'close')
    for $box, $another, @boxes;

$nginx->finish;
done_testing;
