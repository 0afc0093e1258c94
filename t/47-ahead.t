#!/usr/bin/perl

# What a clock that is ahead has signed with a time after the next start: after
# an end in order the journal knows the nonce of the certificate, and it is not
# taken twice.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until);

my $http = Sealed::Nginx::gateway_conf(zone_size => '16m');

$http =~ s{(sealed_zone main \S+)}{$1 journal=%%DIR%%/journal sync=always};

my $nginx = Sealed::Nginx->gateway(workers => 2, http => $http);
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my $box = $client->mailbox;

is($client->open_mailbox($client->certified(class => 1), $box)->status, 201,
   'open');

my $request = $client->request($sender, 'POST',
    $client->path($box, '/envelopes'), body => 'a' x 512,
    headers => [ [ 'Content-Type', 'application/octet-stream' ] ],
    sign => { created => time + 59 });

is($client->shared->request($request)->status, 201, 'signed ahead of time');
is($client->shared->request($request)->status, 409, 'once');

for (1 .. 2) {
    $client->disconnect;
    ok($nginx->stop, 'stop');
    $nginx->start_again;

    # 503: a start that took a minute
    my $status = $client->shared->request($request)->status;

    ok($status == 409 || $status == 503, 'after a start neither')
        or diag($status);
    is(scalar($client->read($box)->items), 1, 'it is there once');
}

is($client->close_mailbox($box)->status, 204, 'close');
$client->disconnect;
$nginx->ends_empty;
$nginx->finish;
done_testing;
