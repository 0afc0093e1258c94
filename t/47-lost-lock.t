#!/usr/bin/perl

# The lock of a part of a zone that is lost, with a journal: what is behind it
# is refused, the rest is served, and the end says what could not be put down.
# Mail was on disk before, all of it, and a start makes all of it good.

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
$http =~ s/(class opener 1 open)/$1 mailboxes=40/;

my $nginx = Sealed::Nginx->gateway(workers => 1, http => $http);
my $client = Sealed::Client->new(nginx => $nginx);
my $opener = $client->certified(class => 1);
my @boxes = map { $client->mailbox } 1 .. 32;
my @senders = map { $client->certified(class => 2) } @boxes;
my %kept;

is($client->open_mailbox($opener, $_)->status, 201, 'open') for @boxes;

for (0 .. $#boxes) {
    is($client->send($senders[$_], $boxes[$_], chr(65 + $_) x 512)->status,
       201, 'send');
}

# every worker, and the test, has it mapped

my ($memory) = grep { (readlink // '') =~ m{/memfd:sealed:main} }
               glob '/proc/' . $nginx->master . '/fd/*';

is(system("$Bin/../build/lose_lock", $memory, 1), 0, 'a lock is lost');

my %answers;
$answers{ $client->send($senders[$_], $boxes[$_], 'x' x 512)->status }++
    for 0 .. $#boxes;
cmp_ok($answers{201} // 0, '>', 0, 'the rest is served');
cmp_ok($answers{201} // 0, '<', @boxes, 'but for what is behind it');

my $seen = length $nginx->error_log;

$client->disconnect;
ok($nginx->stop, 'stop');

my $log = substr $nginx->error_log, $seen;

is((() = $log =~ /\[error\].*locks of 1 of \d+ parts .*not in journal/g), 1,
   'it is said, once')
    or diag($log);
unlike($log, qr/could not be written/, 'and that is all');

$nginx->start_again;

for (0 .. $#boxes) {
    my @items = $client->read($boxes[$_])->items;

    is($items[0]{body}, chr(65 + $_) x 512, 'its mail');
    is($client->close_mailbox($boxes[$_])->status, 204, 'close');
}

$client->disconnect;
$nginx->ends_empty;
$nginx->finish;
done_testing;
