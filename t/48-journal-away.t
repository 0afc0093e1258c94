#!/usr/bin/perl

# A journal's directory that is away when a worker begins, or was removed and
# made anew: senders get 503, readers and acknowledgements go on, and as soon
# as it is there again mail is taken, without a reload.  The workers then hold
# its lock, unless somebody else has it.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Fcntl qw(LOCK_EX LOCK_NB O_CREAT O_RDWR);
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
our $directory = $nginx->dir . '/journal';

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

# a worker may be about to put something there

sub removed {
    (wait_until {
        remove_tree($directory, { error => \my $errors });
        !-e $directory;
    } 30) or die "$directory is still there\n";
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

removed();
ok((wait_until { sent('d') == 503 }), 'removed: no senders');
like(there(), qr/c/, 'removed: readers');

mkdir $directory, 0700 or die "$directory: $!\n";
chown $uid, $gid, $directory or die "$directory: $!\n";
served_again('anew', 'e');

sub lock_file {
    sysopen my $lock, "$directory/lock", O_RDWR | O_CREAT, 0600
        or die "$directory/lock: $!\n";
    chown $uid, $gid, $lock or die "$directory/lock: $!\n";

    return $lock;
}

ok(!flock(lock_file(), LOCK_EX | LOCK_NB), 'anew: its lock is held');

# by more workers than one, whichever of them are there

$nginx->write_conf(workers => 2);
ok($nginx->reload(wait_old => 1), 'a reload with two workers');
$client->disconnect;
served_again('a reload', 'f');
ok(!flock(lock_file(), LOCK_EX | LOCK_NB), 'a reload: its lock is held');

# and again, with the lock of another one in it

removed();
ok((wait_until { sent('g') == 503 } 30), 'removed again: no senders');
like(there(), qr/f/, 'removed again: readers');

{
    my $other = "$directory.other";
    my $here = $directory;

    # it comes with its lock, so that no worker is faster

    local $directory = $other;
    mkdir $other, 0700 or die "$other: $!\n";
    chown $uid, $gid, $other or die "$other: $!\n";

    my $lock = lock_file();

    ok(flock($lock, LOCK_EX | LOCK_NB), 'another one holds the lock');
    rename $other, $here or die "$here: $!\n";
    ok($nginx->logged(qr/\[error\].* cannot be locked, another nginx uses it/,
                      30), 'it is said whose it is');
    is(sent('h'), 503, 'and no senders');
    like(there(), qr/f/, 'but readers');
}

served_again('let go', 'i');
ok(!flock(lock_file(), LOCK_EX | LOCK_NB), 'let go: its lock is held');

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
