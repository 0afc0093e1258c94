#!/usr/bin/perl

# A journal's directory that is away when a worker begins, or was removed and
# made anew: senders get 503, readers and acknowledgements go on, and as soon
# as it is there again mail is taken, without a reload.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Path qw(remove_tree);
use Test::More;

use Sealed::Client ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp);

my $http = Sealed::Nginx::gateway_conf(zone_size => '32m');
$http =~ s{(sealed_zone main \S+)}
          {$1 journal=%%DIR%%/journal sync=always segment=2m};

my $nginx = Sealed::Nginx->gateway(http => $http, workers => 1);
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my $box = $client->mailbox;
my $directory = $nginx->dir . '/journal';

# a worker of ours is killed
$nginx->allow(qr/exited on signal 9/);

sub sent { return $client->send($sender, $box, shift() . 'x' x 511)->status }

sub there {
    return join '', map { substr $_->{body}, 0, 1 } $client->read($box)->items;
}

sub served_again {
    my ($name, $mark) = @_;

    ok((wait_until { sent($mark) == 201 }), "$name: senders are served");
    ok((wait_until { $nginx->zone_status->{journal_ready} }),
       "$name: the journal is whole");
}

is($client->open_mailbox($client->certified(class => 1), $box)->status, 201,
   'open');
is(sent('a'), 201, 'send');


# away, while a worker dies

my ($old) = $nginx->workers;

rename $directory, "$directory.away" or die "$directory: $!\n";
$client->disconnect;
$nginx->signal('KILL', $old);
ok((wait_until { my ($new) = $nginx->workers; $new && $new != $old }),
   'another worker is there');
is(there(), 'a', 'it serves readers');
is(sent('b'), 503, 'and no senders');
is($client->acknowledge($box, 1)->status, 204, 'but acknowledgements');
ok($nginx->logged(qr/\[error\].* cannot be written, .*No such file/),
   'the reason is in the log');

rename "$directory.away", $directory or die "$directory: $!\n";
served_again('back', 'c');
like(there(), qr/^b*c$/, 'what was accepted');


# made anew

my ($uid, $gid) = (stat $directory)[4, 5];

remove_tree($directory);
ok((wait_until { sent('d') == 503 }), 'removed: no senders');
like(there(), qr/c/, 'removed: readers');

mkdir $directory, 0700 or die "$directory: $!\n";
chown $uid, $gid, $directory or die "$directory: $!\n";
served_again('anew', 'e');

my $before = there();

$client->disconnect;
$nginx->kill_all;
$nginx->start_again;
is(there(), $before, 'all of it is in the new directory');

is($client->close_mailbox($box)->status, 204, 'close');
$client->disconnect;
$nginx->ends_empty;
$nginx->finish;
done_testing();
