#!/usr/bin/perl

# Mail for whoever is connected now; readers that are served at fixed ticks.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use Sealed::CBOR qw(cbor_decode);
use Sealed::Client ();
use Sealed::HTTP ();
use Sealed::Live qw(next_event event_item);
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp);

my $nginx = Sealed::Nginx->gateway(
    workers => 2, log_level => 'info',
    zone_conf => 'mailbox envelopes=3 bytes=1m;'
        . 'reader_times heartbeat=1s jitter=100ms; readers mailbox=32;');
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);

# the next envelope, beside the event's own number

sub item {
    my ($http, $timeout) = @_;

    my $event = next_event($http, $timeout) // return undef;

    return { id => $event->{id}, %{ event_item($event) } };
}

sub connected {
    my ($count) = @_;

    return wait_until { $nginx->status->{readers} == $count };
}

my ($box, $other) = map { $client->opened_mailbox } 1, 2;
my $nobody = $client->mailbox;
my @more;

# What comes of something that has to be done within the four seconds for which
# mail is kept at least, with a mailbox of its own; once more where the machine
# took longer.

sub in_time {
    my ($code) = @_;

    for my $try (1 .. 20) {
        push @more, $client->opened_mailbox;

        my $begin = time;
        my $result = $code->($more[-1]);

        return $result if time - $begin < 4 || $try == 20;
    }
}

# to readers in all workers, on all transports

my @streams = map { ($client->event_stream($box))[0] } 1 .. 6;
my ($socket) = $client->websocket($box);
my $plain = $client->connection;
$plain->send($client->request($box, 'GET',
                              $client->path($box, '/envelopes?wait=30')));
ok(connected(8), 'eight readers');

my $response = $client->send($sender, $box, 'o' x 512, online => 1);
is($response->status, 201, 'sent');

for my $http (@streams) {
    my $item = item($http);
    is($item->{seq}, 0, 'number 0');
    is($item->{body}, 'o' x 512, 'body');
    ok(!defined $item->{id}, 'no id');
    ok(abs($item->{hour} - time / 3600) < 2, 'hour');
}

my $frame = $socket->read_frame;
is($frame->{opcode}, 2, 'on a WebSocket');
is((cbor_decode($frame->{payload}))->[0], 0, 'number 0');
is(($plain->response->items)[0]{body}, 'o' x 512, 'to one that waits');
is($client->status($box)->json->{envelopes}, 0, 'nothing is stored');
is($client->status($box)->json->{next}, 1, 'no number is used');

# between stored ones, and with TTL 0, and to many at once

is($client->send($sender, $box, '1' x 512)->status, 201, 'one that is stored');
is($client->send($sender, $box, '2' x 512, ttl => 0)->status, 201, 'TTL: 0');
$response = $client->send_fanout($sender, [ $nobody, $box, $other ],
    [ map { $_ x 48 } qw(x y z) ], '3' x 1024, online => 1);
is_deeply($response->json, { accepted => 2, refused => [
    { recipient => 0, reason => 'unknown' } ] }, 'a fan-out');

for my $http (@streams) {
    my @items = map { item($http) } 1 .. 3;
    is(join(' ', sort map { substr $_->{body}, 0, 1 } @items), '1 2 3',
       'all three');
    my ($stored) = grep { $_->{seq} } @items;
    is($stored->{id}, 1, 'the stored one has a number');
    my ($many) = grep { $_->{body} =~ /^3/ } @items;
    is($many->{header}, 'y' x 48, 'its header');
}

# who comes a little late may get it still, and only once

my $late;

is(in_time(sub {
    my ($to) = @_;

    $client->send_fanout($sender, [ $nobody, $to ], [ 'x' x 48, 'z' x 48 ],
                         '4' x 512, online => 1);
    ($late) = $client->event_stream($to);

    return (item($late, 10) // {})->{header};
}), 'z' x 48, 'a little late');
is(item($late, 1.5), undef, 'once');
$late->close;
is($client->read($more[-1])->status, 204, 'not for one that only asks');
is($client->read($more[-1], wait => 1)->status, 204,
   'nor waits, but too late');
sleep 5;
($late) = $client->event_stream($more[-1]);
is(item($late, 1.5), undef, 'too late');
$late->close;

# answered as stored mail is

for my $online (0, 1) {
    my %how = (online => $online);
    my $full = $client->opened_mailbox;

    is($client->send($sender, $nobody, 'x' x 512, %how)->status, 404,
       "no such mailbox ($online)");
    is($client->send($sender, $full, 'x' x 512)->status, 201, 'fill it')
        for 1 .. 3;
    is($client->send($sender, $full, 'x' x 512, %how)->status, 507,
       "full ($online)");
    is_deeply($client->send_fanout($sender, [ $full ], [], 'x' x 512, %how)
              ->json->{refused}, [ { recipient => 0, reason => 'full' } ],
              "full in a fan-out ($online)");
    is($client->send($sender, $full, 'x' x 500, %how)->status, 413,
       "no such size ($online)");
    is($client->close_mailbox($full)->status, 204, 'close');
    is($client->send($sender, $full, 'x' x 512, %how)->status, 404,
       "closed ($online)");
}

{
    my @answers = map {
        my $answer = $client->send($sender, $other, 'x' x 512, online => $_);
        join ' ', $answer->status, map { join ': ', @$_ }
            grep { $_->[0] ne 'Date' } @{ $answer->{headers} };
    } 0, 1;
    is($answers[0], $answers[1], 'the same answer, down to its headers');
}

is($client->send($sender, $other, 'x' x 512,
                 headers => [ [ 'Sealed-Delivery', 'later' ] ])->status, 400,
   'another delivery');

# no more than sixteen of a mailbox

is(in_time(sub {
    my ($to) = @_;

    $client->send($sender, $to, chr(64 + $_) x 512, online => 1)
        for 1 .. 20;
    ($late) = $client->event_stream($to);

    return join ' ', map { substr((item($late, 10) // {})->{body} // '?',
                                  0, 1) } 1 .. 16;
}), join(' ', map { chr 64 + $_ } 5 .. 20), 'the latest sixteen');
is(item($late, 1), undef, 'and no more');
$late->close;

# a reload takes nothing away

is(in_time(sub {
    my ($to) = @_;

    $late->close;
    $client->send($sender, $to, 'r' x 512, online => 1);
    $client->disconnect;
    $nginx->reload;
    ($late) = $client->event_stream($to);

    return substr((item($late, 10) // {})->{body} // '?', 0, 1);
}), 'r', 'after a reload');

# nor do workers that die, for longer than they are gone

$nginx->signal('KILL', $_) for $nginx->workers;
$nginx->allow(qr/exited on signal 9/);
wait_until { $late->closed(0.1) };
$client->disconnect;
wait_until { eval { $client->discover } };
($late) = $client->event_stream($more[-1]);
is($client->send($sender, $more[-1], 'k' x 512, online => 1)->status, 201, 'send');
my $item;
1 while ($item = item($late)) && $item->{body} !~ /^k/;
ok($item, 'after a death');
$late->close;

$_->close for @streams, $socket, $plain;
is($client->close_mailbox($_)->status, 204, 'close') for $box, $other, @more;
$nginx->finish;

# a release quantum: many sends at different times, few times of arrival

my $ticking = Sealed::Nginx->gateway(
    workers => 1, zone_conf => 'release_quantum 400ms;');
$client = Sealed::Client->new(nginx => $ticking);
$sender = $client->certified(class => 2);
$nginx = $ticking;
$box = $client->opened_mailbox;

my ($http) = $client->event_stream($box);
ok((wait_until { $nginx->status->{readers} == 1 }), 'a reader');

for my $n (1 .. 12) {
    is($client->send($sender, $box, chr(64 + $n) x 512, online => $n % 2)
       ->status, 201, "send $n");
    sleep 0.1;
}

my @bodies;
while (@bodies < 12 && (my $got = item($http))) {
    push @bodies, substr $got->{body}, 0, 1;
}
is(join('', sort @bodies), 'ABCDEFGHIJKL', 'everything arrives');

{
    # nothing comes between ticks: what was sent together comes together
    # (unless sending or reading them took longer than that)
    my $together;

    for (1 .. 20) {
        $client->send($sender, $box, 'x' x 512) for 1 .. 5;
        item($http);

        my $first = time;

        item($http) for 2 .. 5;
        $together = time - $first < 0.35;
        last if $together;
    }

    ok($together, 'five in one tick');
}

$http->close;
is($client->close_mailbox($box)->status, 204, 'close');
$ticking->finish;
done_testing;
