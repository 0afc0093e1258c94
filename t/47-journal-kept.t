#!/usr/bin/perl

# A journal that nginx keeps or refuses: a new binary (USR2) goes on with the
# journal of the one that runs or not at all, as a reload does; what has the
# name of a segment and is none is named at the start, and not waited for; one
# that is being written can be looked at.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use POSIX qw(mkfifo);
use Test::More;

use Sealed::Client ();
use Sealed::Crypto qw(random_bytes);
use Sealed::Faults ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp spew);

my $seed = random_bytes(32);
my $master = random_bytes(32);

sub http {
    my ($parameters) = @_;

    my $http = Sealed::Nginx::gateway_conf(zone_size => '16m');

    $http =~ s/(sealed_zone main \S+)/$1 $parameters/;

    return $http;
}

sub gateway {
    my ($parameters, %o) = @_;

    my $nginx = Sealed::Nginx->gateway(
        authority_seed => $seed, master_secret => $master, workers => 2,
        http => http($parameters), %o);

    $nginx->allow(qr/exited on signal 9|keeps its "journal="/);
    $nginx->allow(qr/new binary process \d+ exited with code 1/);

    return $nginx;
}

sub began {
    my ($nginx) = @_;

    my $client = Sealed::Client->new(nginx => $nginx);
    my $sender = $client->certified(class => 2);
    my $box = $client->opened_mailbox;

    is($client->send($sender, $box, 'a' x 512)->status, 201, 'send');

    return ($client, $sender, $box);
}

sub finish {
    my ($nginx, $client, $box) = @_;

    $client->disconnect;
    is($client->close_mailbox($box)->status, 204, 'close');
    $client->disconnect;
    $nginx->ends_empty;
    $nginx->finish;
}


# a new binary

my $kept = 'journal=%%DIR%%/journal';
my $file = 'file=%%DIR%%/main.zone';

for ([ 'memory', $kept, '' ],
     [ 'memory, elsewhere', $kept, 'journal=%%DIR%%/else' ],
     [ 'memory, none yet', '', $kept ],
     [ 'a file', "$file $kept", $file ],
     [ 'a file, none yet', $file, "$file $kept" ])
{
    my ($name, $before, $after) = @$_;

    # leaks: a new binary that does not start leaves its first pool behind
    my $nginx = gateway($before, daemon => 1, leaks => 0);

    $nginx->{zone_file} = $nginx->dir . '/main.zone' if $name =~ /file/;

    my ($client, $sender, $box) = began($nginx);
    my $old = $nginx->master;

    for my $how ('a reload', 'a new binary') {
        my $seen = length $nginx->error_log;

        $nginx->write_conf(http => http($after));
        $nginx->signal($how eq 'a reload' ? 'HUP' : 'USR2', $old);
        ok((wait_until {
                substr($nginx->error_log, $seen)
                    =~ /\[emerg\].*"main" keeps its "journal="/
            }), "$name: $how is refused");
        ok($nginx->alone($old), "$name, $how: the old one is in charge");
        ok((wait_until {
                $how eq 'a reload'
                    || substr($nginx->error_log, $seen)
                       =~ /new binary process \d+ exited with code 1/
            }), "$name, $how: and alone");
    }

    # what it was started with may be kept, by a new one too

    $nginx->write_conf(http => http($before));
    $nginx->signal('USR2', $old);

    my $new;

    ok((wait_until {
            ($new) = slurp($nginx->dir . '/nginx.pid') =~ /^(\d+)$/;
            $new && $new != $old && 2 == Sealed::Nginx::children($new)
        }), "$name: one with the same");
    $client->disconnect;
    is($client->send($sender, $box, 'b' x 512)->status, 201, 'serves');
    kill 'QUIT', $new;
    ok((wait_until { Sealed::Nginx::gone($new) }), 'and leaves');
    $client->disconnect;
    is(scalar($client->read($box)->items), 2, "$name: all of it is there");

    # started anew it may have another

    $client->disconnect;
    ok($nginx->stop, 'stop');
    $nginx->write_conf(http => http($after));

    if ($name =~ /file/) {
        $nginx->start_again;
        is(scalar($client->read($box)->items), 2, "$name: as it was");
        finish($nginx, $client, $box);

    } else {
        $nginx->forget;
        $nginx->{finished} = 1;
    }
}


# what has the name of a segment

{
    my $nginx = gateway($kept);
    my ($client, $sender, $box) = began($nginx);
    my $directory = $nginx->dir . '/journal';
    my $name = '00000000000000aa-00000000000000bb-00000001.journal';
    my $path = "$directory/$name";

    $client->disconnect;
    ok($nginx->stop, 'stop');
    $nginx->allow(qr/\[emerg\]/);

    for ([ 'a symbolic link', sub { symlink '/dev/zero', $path },
           sub { unlink $path } ],
         [ 'a FIFO', sub { mkfifo($path, 0600) }, sub { unlink $path } ],
         [ 'a directory', sub { mkdir $path }, sub { rmdir $path } ])
    {
        my ($kind, $make, $remove) = @$_;
        my $like = qr/"\Q$name\E" is no segment but $kind/;

        ok($make->(), $kind);
        $nginx->refuses_to_start($kind, $like);

        my $said = qx{"$Bin/../build/sealed" journal check --zone main \\
                      --master-secret "@{[ $nginx->dir ]}/master" \\
                      "$directory" 2>&1};
        isnt($? >> 8, 0, "$kind: the command refuses it too");
        like($said, $like, "$kind: with the same words");
        ok($remove->(), "$kind: away with it");
    }

    rename "$directory/lock", "$directory/else" or die $!;
    ok(mkfifo("$directory/lock", 0600), 'a FIFO for a lock');
    $nginx->refuses_to_start('a FIFO for a lock',
                             qr/"lock" in it is not a regular file/);
    rename "$directory/else", "$directory/lock" or die $!;

    # what belongs to others is not taken over

    my $else = "$directory.else";

    ok(mkdir($else, 0755) && mkdir("$else/things"), 'a directory of others');
    $nginx->write_conf(http => http('journal=%%DIR%%/journal.else'));

    my ($status, $test) = $nginx->config_test;

    isnt($status, 0, 'a test refuses it');
    like($test, qr/with other things in it/, 'and says why');
    $nginx->refuses_to_start('a directory of others',
                             qr/with other things in it/);
    is_deeply([ glob "$else/*" ], [ "$else/things" ], 'nothing new in it');
    rename "$else/things", "$else/system.journal" or die $!;
    $nginx->refuses_to_start('a journal of others',
                             qr/with other things in it/);
    rename "$else/system.journal", "$else/lost+found" or die $!;
    $nginx->start_again;
    ok(-e "$else/lock", 'a file system of its own may be empty');
    ok($nginx->stop, 'stop');

    # what is left of one, beside something else

    unlink "$else/lock", glob "$else/*-*" or die $!;
    spew("$else/reserve", '', 0600);
    mkdir "$else/things" or die $!;
    $nginx->start_again;
    ok($nginx->stop, 'a directory that was a journal, and is emptied');
    $nginx->write_conf(http => http($kept));

    # what is in the way of the reserve is not called a full disk

    unlink "$directory/reserve" or die $!;
    ok(mkdir("$directory/reserve"), 'a directory for the reserve');
    $nginx->allow(qr/no room for a segment in reserve/);
    $nginx->start_again;
    is(scalar($client->read($box)->items), 1, 'all of it is there');
    ok((wait_until {
            $nginx->error_log =~ /\[warn\].*\Q$directory\E"\shas\sno\sroom\sfor\sa
                                  \ssegment\sin\sreserve.*Is\sa\sdirectory/x
        } 60), 'it is said, with the reason');
    finish($nginx, $client, $box);
}

# a segment whose worker gives back what it did not need while it is read

{
    my $nginx = gateway("$kept segment=2m");
    my ($client, undef, $box) = began($nginx);
    my $faults = Sealed::Faults->new;

    # nginx goes on with its own

    is(system('cp', '-a', $nginx->dir . '/journal', $nginx->dir . '/copy'), 0,
       'a copy');
    $faults->arm('map', on => 'journal', short => 1);

    my $said = do {
        local %ENV = (%ENV, $faults->environment);

        qx{"$Bin/../build/sealed" journal check --json --zone main \\
           --master-secret "@{[ $nginx->dir ]}/master" \\
           "@{[ $nginx->dir ]}/copy" 2>&1};
    };

    is($?, 0, 'a segment is cut while it is read') or diag($said);
    like($said, qr/"envelopes": *1\b/, 'what is in it has been read');
    like($said, qr/"warnings": *1\b/, 'it is said');
    cmp_ok($faults->done, '>', 0, 'so it was');
    finish($nginx, $client, $box);
}


# a file from a backup, beside a journal that goes further

{
    my $nginx = gateway("$file $kept");
    my ($client, $sender, $box) = began($nginx);
    my $path = $nginx->{zone_file} = $nginx->dir . '/main.zone';

    $client->disconnect;
    ok($nginx->stop, 'stop');

    my $backup = slurp($path);

    $nginx->start_again;
    ok((wait_until { $nginx->zone_status->{journal_ready} } 20), 'ready');
    is($client->send($sender, $box, 'b' x 512)->status, 201, 'send');
    $client->disconnect;
    ok($nginx->stop, 'stop');
    $nginx->allow(qr/\[emerg\]/);

    my $last = slurp($path);

    spew($path, $backup, 0600);
    $nginx->refuses_to_start('a file from a backup',
                             qr/"\Q$path\E" .* is older than its journal/);

    my $refused = slurp($path);

    unlink $path or die $!;
    $nginx->start_again;
    is(scalar($client->read($box)->items), 2, 'the journal has all of it');

    $client->disconnect;
    ok($nginx->stop, 'stop');
    spew($path, $last, 0600);
    rename $nginx->dir . '/journal', $nginx->dir . '/else' or die $!;
    $nginx->start_again;
    is(scalar($client->read($box)->items), 2, 'so has the last file');

    # one that was refused is still what it was, on another machine too

    $client->disconnect;
    ok($nginx->stop, 'stop');
    spew($path, $refused, 0600);
    rename $nginx->dir . '/journal', $nginx->dir . '/last' or die $!;
    $nginx->start_again;
    is(scalar($client->read($box)->items), 1, 'a file that was refused');
    finish($nginx, $client, $box);
}


# a segment that a power cut has left without a header is of a generation, too

{
    my $nginx = gateway("$file $kept");
    my ($client, $sender, $box) = began($nginx);
    my $path = $nginx->{zone_file} = $nginx->dir . '/main.zone';
    my $blank = $nginx->dir . '/journal/'
                . sprintf('%016x-%016x-%08x.journal', 1000, 1, 1);

    $client->disconnect;
    ok($nginx->stop, 'stop');
    unlink $path or die $!;
    spew($blank, "\0" x 65536, 0600);
    $nginx->start_again;
    ok((wait_until { $nginx->zone_status->{journal_ready} }), 'ready');
    is(scalar($client->read($box)->items), 1, 'from the journal');

    $client->disconnect;
    ok($nginx->stop, 'stop');
    $nginx->start_again;
    is(scalar($client->read($box)->items), 1, 'the file is not older than it');
    finish($nginx, $client, $box);
}

done_testing;
