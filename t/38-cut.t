#!/usr/bin/perl

# A reader that takes nothing is cut.  What the kernel still has to send it
# then stays there, as long as its client answers but does not read, unless
# reset_timedout_connection says that it is not worth it.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Wait qw(slurp wait_until);

my $nginx = Sealed::Nginx->gateway(
    zone_size => '64m',
    zone_conf => 'mailbox envelopes=2000 bytes=64m;'
        . 'reader_times heartbeat=1s stall=1s;',
    server_conf => 'listen 127.0.0.1:%%PORT2%%; } server {'
        . 'listen 127.0.0.1:%%PORT3%%; reset_timedout_connection on;'
        . 'location /v1/ { sealed_mailbox main; }',
);
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my $box = $client->mailbox;

# the ports of a connection as nginx's end has them in the kernel's list

sub ports {
    my ($http) = @_;

    return sprintf ':%04X [0-9A-F]+:%04X ', $http->socket->peerport,
                   $http->socket->sockport;
}

# (state, octets to be sent) of that end

sub other_end {
    my ($pair) = @_;

    # the list may lack one while others come and go

    for (1 .. 5) {
        return (hex $1, hex $2) if slurp('/proc/net/tcp')
            =~ /^\s*\d+: [0-9A-F]+$pair([0-9A-F]{2}) ([0-9A-F]{8}):/m;
    }

    return;
}

is($client->open_mailbox($client->certified(class => 1), $box)->status, 201,
   'open');
is($client->send($sender, $box, 'x' x 65536)->status, 201, '64 KiB')
    for 1 .. 300;

my (%cut, @open);

for my $kind (qw(event_stream websocket)) {
    for my $number (2, 3) {
        my $http = Sealed::HTTP->new(port => $nginx->port($number));
        my (undef, $head) = $client->$kind($box, http => $http, after => 0);

        like($head->status, qr/^(?:200|101)\z/, "$kind: reads");
        $cut{$kind}{$number} = ports($http);
        push @open, $http;
    }
}

# closed by nginx: not established any more

for my $kind (sort keys %cut) {
    my ($kept, $reset) = @{ $cut{$kind} }{2, 3};

    ok((wait_until { ((other_end($kept))[0] // 0) != 1 }),
       "$kind: cut");

    my ($state, $octets) = other_end($kept);

    is($state, 4, "$kind: the kernel goes on with it (FIN_WAIT1)");
    cmp_ok($octets // 0, '>', 16384, "$kind: and keeps what is left");
    note("$kind: ", $octets // 0, " octets in the kernel");

    ok((wait_until { !other_end($reset) }),
       "$kind: with reset_timedout_connection nothing is left");
}

ok((wait_until { $nginx->status->{readers} == 0 }), 'nobody reads');

$_->close for @open;
is($client->close_mailbox($box)->status, 204, 'close');

$nginx->finish;
done_testing;
