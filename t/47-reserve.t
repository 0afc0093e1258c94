#!/usr/bin/perl

# A disk without a single free page under a journal, filled by others to the
# last: what is read and acknowledged makes room by itself, since a segment's
# room is kept in reserve for that, and for nothing else.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Temp qw(tempdir);
use Test::More;

use Sealed::Client ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until);

my $mount = tempdir('sealed-disk-XXXXXX', TMPDIR => 1);

plan skip_all => 'no file system can be mounted here'
    if system("mount -t tmpfs -o size=8m,mode=700 tmpfs \Q$mount\E "
              . '2> /dev/null') != 0;

my $segment = 256 * 1024;
my $http = Sealed::Nginx::gateway_conf(
    zone_size => '32m',
    zone_conf => 'max_recipients 20; mailbox envelopes=100000 bytes=16m;',
);

$http =~ s{(sealed_zone main \S+)}
          {$1 journal=$mount/journal sync=always segment=$segment};
$http =~ s/(class verified 2 send) budget=1000/$1 budget=1000000/;

my $nginx = Sealed::Nginx->gateway(http => $http, workers => 2);
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my $box = $client->mailbox;
my $number = 0;
my %kept;

$nginx->allow(qr/exited on signal 9/);

sub send_one {
    my $body = sprintf('%09d ', ++$number) . 'x' x 4086;
    my $status = $client->send($sender, $box, $body)->status;

    $kept{$number} = 1 if $status == 201;

    return $status;
}

sub all_there {
    my ($name) = @_;

    my %there = map { $_->{body} =~ /^0*(\d+) / ? ($1 => 1) : () }
                $client->read_all($box);
    my @missing = grep { !$there{$_} } keys %kept;

    ok(!@missing, "$name: all of it") or diag("missing: @missing");
}

# others write until there is no page left

sub fill {
    open my $fh, '>>:raw', "$mount/else" or die "$mount/else: $!\n";

    1 while syswrite $fh, "\0" x 4096;
    ok($!{ENOSPC}, 'not a page is left') or diag($!);
    close $fh;
}

sub reserve { return (stat "$mount/journal/reserve")[12] // 0 }

sub killed_and_started {
    my ($name) = @_;

    $client->disconnect;
    $nginx->kill_all;
    $nginx->start_again;
    all_there($name);
}

is($client->open_mailbox($client->certified(class => 1), $box)->status, 201,
   'open');
is(reserve() * 512, $segment, 'a segment is kept in reserve');
is((stat "$mount/journal/reserve")[2] & 07777, 0600, 'for nobody else');

for my $round (1 .. 2) {
    my $name = "round $round";

    fill();

    my $tries = 0;

    1 while send_one() == 201 && ++$tries < 1000;
    cmp_ok($tries, '<', 1000, "$name: there is no room for more");

    # what the last segment gave back
    fill();
    is(send_one(), 503, "$name: senders get 503");

    all_there("$name, full");

    my @items = $client->read_all($box);

    is($client->acknowledge($box, $items[-1]{seq})->status, 204,
       "$name: all of it is acknowledged");
    %kept = ();

    ok((wait_until { send_one() == 201 }),
       "$name: there is room again, by itself");
    ok((wait_until { reserve() * 512 == $segment }),
       "$name: and something is kept in reserve again");
    all_there("$name, served again");
    killed_and_started("$name, killed");
    ok((wait_until { send_one() == 201 }), "$name: it goes on");
}

is($client->close_mailbox($box)->status, 204, 'close');
$client->disconnect;
$nginx->ends_empty;
$nginx->finish;

is(system("umount \Q$mount\E"), 0, 'unmount');
rmdir $mount;

done_testing;
