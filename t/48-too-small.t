#!/usr/bin/perl

# A journal that has no room in the file of its zone: nginx says how to go on,
# and a larger one begins with nothing that is left of the attempt.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::Nginx ();
use Sealed::Wait qw(slurp);

sub http {
    my ($size) = @_;

    my $http = Sealed::Nginx::gateway_conf(zone_size => $size);

    $http =~ s{(sealed_zone main \S+)}
              {$1 file=%%DIR%%/main.zone journal=%%DIR%%/journal segment=2m};

    return $http;
}

my $nginx = Sealed::Nginx->gateway(http => http('8m'));
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my $opener = $client->certified(class => 1);
my @boxes = map { $client->mailbox } 0 .. 9;
my $file = $nginx->{zone_file} = $nginx->dir . '/main.zone';

for my $box (@boxes) {
    is($client->open_mailbox($client->certified(class => 1), $box)->status,
       201, 'open');
    is($client->send($sender, $box, chr(64 + $_) x 16384)->status, 201,
       'send') for 1 .. 10;
}

$client->disconnect;
ok($nginx->stop, 'stop');
unlink $file or die "$file: $!\n";

$nginx->write_conf(http => http('1m'));
$nginx->allow(qr/has no room for the 10 mailboxes/);
$nginx->refuses_to_start('1m', qr/ and 100 envelopes .*, make it larger/);
ok(slurp($file) =~ /[^\0]/, 'something of it is in the file');

$nginx->write_conf(http => http('8m'));
$nginx->start_again;

for my $box (@boxes) {
    is(join('', map { substr $_->{body}, 0, 1 } $client->read($box)->items),
       'ABCDEFGHIJ', 'all of it');
    is($client->close_mailbox($box)->status, 204, 'close');
}

$client->disconnect;
$nginx->ends_empty;
$nginx->finish;
done_testing;
