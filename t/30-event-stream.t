#!/usr/bin/perl

# Readers on an event stream: what travels, how they come back, what they may
# not do, and how they are sent home.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::HTTP ();
use Sealed::Live qw(next_event event_item);
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp);

my $nginx = Sealed::Nginx->gateway(
    workers => 2, zone_size => '64m',
    zone_conf => 'mailbox envelopes=2000 bytes=16m;'
        . 'reader_times heartbeat=1s stall=8s jitter=300ms;'
        . 'readers mailbox=3 connection=2;',
    server_conf => 'listen 127.0.0.1:%%PORT2%% http2;'
        . 'reset_timedout_connection on;',
);
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);

my $box = $client->opened_mailbox;

# what is there, and what comes

is($client->send($sender, $box, $_ x 512)->status, 201, "send $_")
    for qw(a b);
my ($http, $head) = $client->event_stream($box);
is($head->status, 200, 'stream');
is($head->header('content-type'), 'text/event-stream', 'type');
is($head->header('cache-control'), 'no-store', 'not to be stored');

for my $n (1, 2) {
    my $event = next_event($http);
    is($event->{id}, $n, "id $n");
    is(event_item($event)->{seq}, $n, "number $n");
    is(event_item($event)->{body}, ('', 'a', 'b')[$n] x 512, "body $n");
}

for my $n (3 .. 6) {
    my $other = $client->connection;
    is($client->send($sender, $box, $n x 1024, http => $other)->status, 201,
       "send $n");
    my $event = next_event($http);
    is($event->{id}, $n, "id $n");
    is(event_item($event)->{body}, $n x 1024, "body $n");
}

is_deeply($http->event, { comment => '' }, 'heartbeat');
is_deeply($http->event, { comment => '' }, 'and another');
is($client->send($sender, $box, '7' x 512)->status, 201, 'send 7');
is(next_event($http)->{id}, 7, 'still there after heartbeats');
$http->close;

# where to begin

($http) = $client->event_stream($box, after => 5);
is(next_event($http)->{id}, 6, 'after');
$http->close;
($http) = $client->event_stream($box, after => 2, last => 6);
is(next_event($http)->{id}, 7, 'Last-Event-ID wins over after');
$http->close;

for ([ 'after what is not there', after => 8 ],
     [ 'Last-Event-ID of what is not there', last => 8 ],
     [ 'a Last-Event-ID that is no number', last => 'x' ],
     [ 'an empty one', last => '' ],
     [ 'two of them', last => 6, headers => [ [ 'Last-Event-ID', 5 ] ] ],
     [ 'twice the same', last => 6, headers => [ [ 'Last-Event-ID', 6 ] ] ],
     [ 'with a limit', limit => 1 ], [ 'with a wait', wait => 1 ],
     [ 'with something else', query => '?x=1' ])
{
    my ($name, @how) = @$_;
    my ($bad, $answer) = $client->event_stream($box, @how);
    is($answer->status, 400, $name);
    is($answer->header('content-type'), 'application/problem+json',
       "$name: a problem");
    $bad->close;
}

{
    my ($bad, $answer) = $client->event_stream($client->mailbox);
    is($answer->status, 401, 'a mailbox that is not open');
    $bad->close;
}

for ([ 'text/event-stream;q=0.5, application/cbor-seq', 'cbor-seq' ],
     [ '*/*', 'cbor-seq' ], [ 'text/event-stream;q=0', 'cbor-seq' ],
     [ 'text/html, text/event-stream;q=0.9, */*;q=0.1', 'event-stream' ],
     [ 'TEXT/Event-Stream', 'event-stream' ])
{
    my ($accept, $type) = @$_;
    my ($some, $answer) =
        $client->live($box, [ [ 'Accept', $accept ] ]);
    like($answer->header('content-type'), qr/\Q$type\E\z/,
         "Accept: $accept");
    $some->close;
}

# several readers of one mailbox, on whatever worker

my @readers = map { ($client->event_stream($box, after => 7))[0] } 1 .. 3;
ok((wait_until { $nginx->status->{readers} == 3 }), 'three readers');
is($client->send($sender, $box, '8' x 512)->status, 201, 'send to three');
is(next_event($_)->{id}, 8, 'each has it') for @readers;
$_->close for @readers;

# more readers than a mailbox may have: who waited longest is sent away

my $crowd = $client->opened_mailbox;
{
    my @crowd = map { ($client->event_stream($crowd))[0] } 1 .. 8;
    ok((wait_until { $nginx->status->{readers} <= 6 }),
       'the oldest readers are sent away');
    is($client->send($sender, $crowd, 'c' x 512)->status, 201, 'send');
    my $got = grep { my $event = next_event($_); $event && $event->{id} }
        @crowd;
    cmp_ok($got, '>=', 3, 'the newest are still served');
    cmp_ok($got, '<=', 6, 'and no more than a worker may have');
    $_->close for @crowd;
}

# a mailbox that ends takes its readers with it

my $short = $client->opened_mailbox;
($http) = $client->event_stream($short);
is($client->close_mailbox($short)->status, 204, 'close');
ok(next_event($http)->{retry} >= 60000, 'no hurry to come back');
is(next_event($http), undef, 'nothing more');
ok($http->ended, 'an orderly end');
$http->close;

# a reader that does not read is cut, and has cost others nothing

my $slow = $client->opened_mailbox;
ok((wait_until { $nginx->status->{readers} == 0 }), 'nobody reads');
($http) = $client->event_stream($slow);
is($client->send($sender, $slow, chr(65 + $_ % 26) x 65536)->status, 201,
   "64 KiB, $_") for 0 .. 199;
ok((wait_until { $nginx->status->{readers} == 0 }), 'it is sent away');
my $taken = 0;

eval {
    while (defined(my $data = $http->data)) {
        last if $data eq '';
        $taken += length $data;
    }
};

like($@, qr/ended within a body/, 'cut');
cmp_ok($taken, '<', 200 * 65536, 'before it had everything');
$http->close;

my ($count, $last) = (0, 0);
($http) = $client->event_stream($slow);

while ($count < 200 && (my $event = next_event($http))) {
    my $item = event_item($event);
    last if $item->{seq} != $last + 1
            || $item->{body} ne chr(65 + $last % 26) x 65536;
    ($count, $last) = ($count + 1, $item->{seq});
}

is($count, 200, 'all of it, in order, for one that reads');
$http->close;
is($client->close_mailbox($slow)->status, 204, 'close');

# readers that leave, in their ways

for my $n (1 .. 10) {
    my ($some) = $client->event_stream($box, after => 8);
    $n % 2 ? $some->abort : $some->close;
}

# HTTP/2, and clients that others wrote

for my $program ([ qw(curl -sN --http2-prior-knowledge) ],
                 [ qw(curl -sN --http1.1) ], [ qw(stdbuf -o0 nghttp) ])
{
    my $to = $client->opened_mailbox;
    my $name = "@$program";
    my $request = $client->request(
        $to, 'GET', $client->path($to, '/envelopes?after=0'),
        headers => [ [ 'Accept', 'text/event-stream' ] ]);
    my $port = $nginx->port($name =~ /1\.1/ ? 1 : 2);

    ok((wait_until { $nginx->status->{readers} == 0 }), 'nobody reads');

    open my $pipe, '-|', 'timeout', 120, @$program,
        (map { ('-H', "$_->[0]: $_->[1]") } @{ $request->{headers} }),
        "http://127.0.0.1:$port$request->{target}" or die "$name: $!";

    wait_until { $nginx->status->{readers} == 1 };

    for my $n (1 .. 3) {
        is($client->send($sender, $to, $n x 512)->status, 201, "send $n");
    }

    # a mailbox that ends takes along what was not delivered yet
    my $said = '';

    while ($said !~ /^id: 3\ndata: \S+\n\n/m) {
        sysread $pipe, $said, 65536, length $said or last;
    }

    is($client->close_mailbox($to)->status, 204, 'close');
    1 while sysread $pipe, $said, 65536, length $said;
    close $pipe;
    like($said, qr/^id: 1\ndata: \S+\n\nid: 2\ndata: \S+\n\n/m, $name);
    like($said, qr/^retry: \d+\n\n\z/m, "$name: an orderly end");
}

# a reload: told to come back, within the window; nothing lost, old workers go

my @streams = map { ($client->event_stream($box, after => 8))[0] } 1 .. 2;
my ($old) = $client->event_stream($crowd, after => 1);
ok($nginx->reload, 'reload');

for my $reader (@streams, $old) {
    my $event = next_event($reader);
    cmp_ok($event->{retry}, '<', 5000, 'told to come back');
    is(next_event($reader), undef, 'no more');
    ok($reader->ended, 'an orderly end');
    $reader->close;
}

$client->disconnect;
ok((wait_until { !$nginx->leaving }), 'old workers are gone');
is($client->send($sender, $box, 'x' x 512)->status, 201, 'send 9');
($http) = $client->event_stream($box, last => 8);
is(next_event($http)->{id}, 9, 'resumed');

# a worker that dies takes nothing along

$nginx->signal('KILL', $_) for $nginx->workers;
$nginx->allow(qr/exited on signal 9/);
wait_until { $http->closed(0.1) };
$http->close;
$client->disconnect;
wait_until { eval { $client->discover } };

($http) = $client->event_stream($box, last => 9);
is($client->send($sender, $box, 'y' x 512)->status, 201, 'send 10');
is(next_event($http)->{id}, 10, 'woken after a death');
$http->close;

is($client->close_mailbox($_)->status, 204, 'close') for $box, $crowd;

$nginx->finish;
done_testing;
