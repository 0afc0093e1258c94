#!/usr/bin/perl

# Wake-ups that get lost: the sweep finds what they were about, and counts
# them; nothing comes twice.  They are lost for good here: while a worker
# stands still, the test takes the calls that others have left for it.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use MIME::Base64 qw(decode_base64);
use Test::More;
use Time::HiRes qw(time);

use Sealed::CBOR qw(cbor_decode);
use Sealed::Client ();
use Sealed::Nginx ();
use Sealed::Wait qw(slurp wait_until);

# the same on every processor for which Linux had none of them before
use constant { PIDFD_OPEN => 434, PIDFD_GETFD => 438 };

my $many = 100;         # more than a ring holds

my $nginx = Sealed::Nginx->gateway(
    workers => 2, zone_size => '64m',
    zone_conf => 'first_uses address=1000000 worker=1000000;'
        . 'reader_times heartbeat=1h;',
);
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my ($one, $other) = $nginx->workers;

# the eventfds are the same in all processes: opened once by the master

my @calls = eventfds($nginx->master);

if (!@calls) {
    plan(skip_all => 'no way to take a descriptor of another process');
}

cmp_ok(scalar @calls, '>=', 128, 'eventfds');

sub eventfds {
    my ($pid) = @_;

    my $pidfd = syscall(PIDFD_OPEN, $pid, 0);
    my @found;

    return if $pidfd < 0;

    for my $link (glob "/proc/$pid/fd/*") {
        next if (readlink($link) // '') ne 'anon_inode:[eventfd]';

        my ($number) = $link =~ /(\d+)\z/;
        my $fd = syscall(PIDFD_GETFD, $pidfd, $number + 0, 0);

        last if $fd < 0;
        open my $fh, '<&=', $fd or die "eventfd: $!\n";
        push @found, $fh;
    }

    return @found;
}

# how many workers had been called, and are no more

sub take_calls {
    return scalar grep { sysread $_, my $count, 8 } @calls;
}

sub healed { return $nginx->status->{wakeups_healed} }

sub opened {
    my $box = $client->mailbox;
    my $status = $client->open_mailbox($client->certified(class => 1), $box)
                        ->status;

    die "open: $status\n" if $status != 201;
    return $box;
}

# with that worker standing still

sub still {
    my ($worker, $code) = @_;

    $nginx->halt($worker);
    $code->();
    kill 'CONT', $worker;
}

my $elsewhere = $nginx->connection_of($other);


# each transport, with the call lost

my $box = opened();
my ($stream) = $client->event_stream($box,
                                     http => $nginx->connection_of($one));
my ($socket) = $client->websocket($box, http => $nginx->connection_of($one));
my $plain = $nginx->connection_of($one);

$plain->send($client->request($box, 'GET', $client->path($box,
                              '/envelopes?wait=60')));
ok((wait_until { $nginx->status->{readers} == 3 }), 'three readers');
is(healed(), 0, 'no wake-up was lost so far');

sub received {
    my ($seq) = @_;

    is($stream->event->{id}, $seq, "event stream: $seq");
    is(cbor_decode($socket->read_frame->{payload})->[0], $seq,
       "WebSocket: $seq");
}

is($client->send($sender, $box, 'a' x 512, http => $elsewhere)->status, 201,
   'send');
received(1);
is(($plain->response(method => 'GET')->items)[0]{seq}, 1, 'plain: 1');
is(healed(), 0, 'by a wake-up');

$plain->send($client->request($box, 'GET', $client->path($box,
                              '/envelopes?after=1&wait=60')));
ok((wait_until { $nginx->status->{readers} == 3 }), 'three readers');

still($one, sub {
    is($client->send($sender, $box, 'b' x 512, http => $elsewhere)->status,
       201, 'send');
    is(take_calls(), 1, 'the call for the worker is lost');
});
received(2);
is(($plain->response(method => 'GET')->items)[0]{seq}, 2, 'plain: 2');
ok((wait_until { healed() == 3 }), 'three wake-ups were made up for');
ok($nginx->logged(qr/\[notice\].*3 lost wake-ups were made up for/),
   'and the log says so');

# nothing twice: the next one is the next one

is($client->send($sender, $box, 'c' x 512, http => $elsewhere)->status, 201,
   'send');
received(3);
is(healed(), 3, 'by a wake-up');
$_->close for $stream, $socket, $plain;
is($client->close_mailbox($box)->status, 204, 'close');


# more mailboxes than a worker's ring holds

my @boxes = map { opened() } 1 .. $many;
my %read;

still($other, sub {
    %read = map { $_->{keyid} => ($client->event_stream($_))[0] } @boxes;
});
ok((wait_until { $nginx->status->{readers} == $many }), "$many readers");

my $sent = 0;

sub all_receive {
    my ($name) = @_;

    my @wrong = grep {
        my $event = $read{$_}->event // {};

        ($event->{id} // 0) != $sent
    } keys %read;

    is(scalar @wrong, 0, $name);
}

for my $lose (0, 1) {
    still($one, sub {
        my $answer = $client->send_fanout($sender, \@boxes, [], 'd' x 512,
                                          http => $elsewhere);

        is($answer->json->{accepted}, $many, 'fan-out');
        $sent++;
        is(take_calls(), 1, 'the call is lost') if $lose;
    });

    all_receive($lose ? "without a call: all $many" : "all $many at once");
    ok((wait_until { healed() == ($lose ? 3 + $many : 3) }),
       $lose ? 'made up for, each' : 'nothing was lost');
}

is($client->send_fanout($sender, \@boxes, [], 'e' x 512,
                        http => $elsewhere)->json->{accepted}, $many,
   'fan-out');
$sent++;
all_receive('none of them twice');
is(healed(), 3 + $many, 'by wake-ups');

$_->close for values %read;
is(scalar(grep { $client->close_mailbox($_)->status != 204 } @boxes), 0,
   'close');

my $sanitized = slurp("/proc/$one/maps") =~ /libasan/;

$elsewhere->close;
$nginx->finish;


# more workers than can be called: readers of the last wait for the sweep,
# and are counted where they are.  (With sanitizers they need more memory and
# time than there is.)

if ($sanitized) {
    done_testing;
    exit;
}

$nginx = Sealed::Nginx->gateway(
    workers => 130,
    zone_conf => 'reader_times heartbeat=1h; readers mailbox=2;',
);
$client = Sealed::Client->new(nginx => $nginx);
$sender = $client->certified(class => 2);

wait_until { 2 == (() = $nginx->error_log =~ /more than 128 workers/g) };

my ($last) = $nginx->error_log
             =~ /\[warn\] (\d+)#\d+: sealed: more than 128 workers/;

ok($last, 'the 129th worker says so');
$box = opened();
my @streams = map {
    ($client->event_stream($box, http => $nginx->connection_of($last)))[0]
} 1 .. 3;
cmp_ok($streams[0]->event->{retry}, '>=', 60000,
       'the first of three readers there has to go');
is($client->send($sender, $box, 'f' x 512)->status, 201, 'send');
is($_->event->{id}, 1, 'the others get it') for @streams[1, 2];

$_->close for @streams;
is($client->close_mailbox($box)->status, 204, 'close');
$nginx->finish;
done_testing;
