#!/usr/bin/perl

# A reader that has just come finds others that are too many, and these leave
# by themselves while it sends them away: it stays, whatever is left to count.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::Faults ();
use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Wait qw(slurp wait_until);

my $count = 60;         # more than is sent at once

my $faults = Sealed::Faults->new;
my $nginx = Sealed::Nginx->gateway(
    workers => 2, zone_size => '64m', faults => $faults,
    zone_conf => 'reader_times heartbeat=1h; readers mailbox=1;',
    server_conf => 'listen 127.0.0.1:%%PORT2%% sndbuf=4k;',
);
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my $box = $client->mailbox;

is($client->open_mailbox($client->certified(class => 1), $box)->status, 201,
   'open');
is(scalar(grep { $client->send($sender, $box, 'x' x 65536)->status != 201 }
          1 .. $count), 0, 'send');
$client->disconnect;

my ($one, $other) = $nginx->workers;

sub stopped { return slurp("/proc/$one/stat") =~ /\) T / }

# one of the worker's that sends little at a time

sub narrow {
    my $http = $nginx->connection_of($one, port => $nginx->port(2));

    # it is listened to from now on

    is($http->request({ method => 'GET',
                        target => '/.well-known/sealed-sender' })->status,
       200, 'an answer');

    return $http;
}

my ($first) = $client->event_stream($box, after => $count,
                                    http => $nginx->connection_of($one));
my $last = narrow();
my $elsewhere = $nginx->connection_of($other);

# the last one's request is there before that of the second

$nginx->halt($one);
$last->send($client->request($box, 'GET', $client->path($box, '/envelopes'),
                             headers => [ [ 'Accept',
                                            'text/event-stream' ] ]));
my ($second) = $client->event_stream($box, after => $count,
                                     http => $elsewhere);

$faults->arm('send', on => 'client', stop => $first->socket->sockport);
kill 'CONT', $one;
ok($faults->happened, 'the first is sent away');
ok((wait_until { stopped() }), 'and the worker stands still again');
cmp_ok($first->event->{retry}, '>=', 60000, 'it is told');

# two; or one, should its worker have been told before it looked at the last

my $readers = $nginx->status->{readers};

$second->close;
ok((wait_until { $nginx->status->{readers} == $readers - 1 }),
   'the second leaves by itself');
$faults->disarm;
kill 'CONT', $one;

is($last->head(method => 'GET')->status, 200, 'the last one');
is($last->event->{id}, $_, "gets $_") for 1 .. $count;
is($nginx->status->{readers}, 1, 'and stays');
is($client->send($sender, $box, 'y' x 512)->status, 201, 'send');
is($last->event->{id}, $count + 1, 'for what comes');

$_->close for $first, $last;
is($client->close_mailbox($box)->status, 204, 'close');

$nginx->finish;
done_testing;
