#!/usr/bin/perl

# Tens of thousands of envelopes over one connection: the worker needs no
# more memory after the last than after the first of them.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use MIME::Base64 qw(decode_base64);
use Test::More;

use Sealed::CBOR qw(cbor_decode cbor_encode uint);
use Sealed::Client ();
use Sealed::HTTP2 ();
use Sealed::Nginx ();
use Sealed::Wait qw(slurp spew wait_until);

my $top = "$Bin/..";
my $some = 2000;
my $many = 20_000;

# Half of the least that nginx could lose with each, the link of a chain of
# 16 octets: how an allocator's pages fill depends on who had a processor.
my $most = 8 * $many;

my $nginx = Sealed::Nginx->gateway(
    workers => 1, zone_size => '128m',
    zone_conf => 'authority %%DIR%%/issuer.pub;'
        . 'mailbox envelopes=100000 bytes=100m;'
        . 'first_uses address=1000000 worker=1000000;'
        . 'websocket frames=1000000;',
    server_conf => 'listen 127.0.0.1:%%PORT2%% http2;'
        . 'keepalive_requests 1000000; access_log off;',
    start => 0,
);
my $dir = $nginx->dir;

$ENV{SEALED_GATEWAY} = 'http://127.0.0.1:' . $nginx->port;
$ENV{SEALED_HOME} = "$dir/home";

sealed("keygen authority $dir/issuer");
$nginx->start;

my $client = Sealed::Client->new(nginx => $nginx);
my ($worker) = $nginx->workers;

# one with sanitizers keeps what was freed; what arrives is looked at there
my $exact = slurp("/proc/$worker/maps") !~ /libasan/;

sealed("bench certificates --authority $dir/issuer --class 2 --count 200 "
       . "$dir/senders");

sub sealed {
    my ($command) = @_;

    system("$top/build/sealed $command > $dir/said 2>&1") == 0
        or die "sealed $command: ", slurp("$dir/said");
}

sub opened {
    my $box = $client->opened_mailbox;

    spew("$dir/ids", $box->{id});
    return $box;
}

# so many envelopes, one after the other, while something else is done

sub sending {
    my ($count, $read) = @_;

    sealed("bench requests --certificates $dir/senders --mailboxes $dir/ids "
           . "--size 512 --count $count $dir/requests");

    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        exec "$top/build/sealed bench replay --connections 1 $dir/requests "
             . "> $dir/said 2>&1";
    }

    $read->($count);
    waitpid $pid, 0;
    is($?, 0, "$count envelopes are sent") or diag(slurp("$dir/said"));
}

sub anonymous {
    return slurp("/proc/$worker/smaps_rollup") =~ /^Anonymous:\s+(\d+) kB/m
           ? $1 * 1024 : die "no smaps_rollup\n";
}

# read is called with a number of envelopes to wait for

sub stays_flat {
    my ($name, $count, $read) = @_;

    sending($some, $read);
    my $before = anonymous();

    sending($count, $read);
    my $after = anonymous();

    SKIP: {
        skip "$name: sanitizers keep what was freed", 1 unless $exact;
        cmp_ok($after - $before, '<', $most,
               "$name: memory after $count envelopes is what it was before");
        note("$name: $before octets before, $after after");
    }
}


# an event stream

my $box = opened();
my ($http, $head) = $client->event_stream($box);
my $last = 0;

is($head->status, 200, 'event stream');
stays_flat('event stream', $many, sub {
    my $end = $last + $_[0];

    while ($last < $end) {
        my $event = $http->event // last;

        next unless exists $event->{id};
        last if $event->{id} != ++$last;
    }

    is($last, $end, 'all came, in order');
});
$http->close;
is($client->close_mailbox($box)->status, 204, 'close');


# a WebSocket, each item acknowledged at once

$box = opened();
($http, $head) = $client->websocket($box);
$last = 0;

is($head->status, 101, 'WebSocket');
stays_flat('WebSocket', $many, sub {
    my $end = $last + $_[0];

    while ($last < $end) {
        my $frame = $http->read_frame // last;

        if ($frame->{opcode} == 9) {
            $http->send_frame(10, $frame->{payload});
            next;
        }

        last if cbor_decode($frame->{payload})->[0] != ++$last;
        $http->send_frame(2, cbor_encode(uint($last)));
    }

    is($last, $end, 'all came, in order');
});
ok((wait_until { $nginx->zone_status->{envelopes} == 0 }),
   'all acknowledged');
$http->close;
is($client->close_mailbox($box)->status, 204, 'close');


# an event stream on HTTP/2

$box = opened();

my $h2 = Sealed::HTTP2->new(port => $nginx->port(2));
my $stream = $h2->headers(
    $client->request($box, 'GET', $client->path($box, '/envelopes'),
                     headers => [ [ 'Accept', 'text/event-stream' ] ]),
    end => 1, length => undef);

$last = 0;
stays_flat('HTTP/2', $many, sub {
    my $end = $last + $_[0];

    while ($last < $end) {
        my $body = $h2->more($stream) // last;

        while ($$body =~ s/\A(.*?)\n\n//s) {
            my ($id) = $1 =~ /^id: (\d+)$/m or next;

            die "number $id after $last\n" if $id != ++$last;
        }
    }

    is($last, $end, 'all came, in order');
});
$h2->close;
is($client->close_mailbox($box)->status, 204, 'close');


# plain readers that wait, one after the other on one connection

$box = opened();
$http = $client->connection;
$last = 0;
my $answers = 0;

stays_flat('waiting', $many, sub {
    my $end = $last + $_[0];

    while ($last < $end) {
        my $answer = $client->read($box, after => $last, limit => 10,
                                   wait => 20, http => $http);

        last if $answer->status != 200;
        $answers++;

        for my $item ($answer->items) {
            die "number $item->{seq} after $last\n"
                if $item->{seq} != ++$last;
        }
    }

    is($last, $end, 'all came, in order');
});
cmp_ok($answers, '>', 1000, 'in many answers');
$http->close;
is($client->close_mailbox($box)->status, 204, 'close');

$nginx->finish;
done_testing;
