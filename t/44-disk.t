#!/usr/bin/perl

# A disk that is full, fails, or writes less than it was asked to, under a
# journal: a small file system where one can be mounted, and calls that fail.
# Senders get 503 and when to try again, readers and acknowledgements go on, it
# is said once; with room again all is as before, and nothing that was accepted
# is lost, killed at that moment.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Errno qw(EINTR EIO EMFILE ENOSPC EROFS);
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep);

use Sealed::Client ();
use Sealed::Faults ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp spew);

my $faults = Sealed::Faults->new;
my (%kept, $client, $sender, $nginx, $box);
my $number = 0;

sub gateway {
    my ($journal) = @_;

    my $http = Sealed::Nginx::gateway_conf(
        zone_size => '32m',
        zone_parameters => "journal=$journal sync=always segment=256k",
        zone_conf => 'max_recipients 20;
                      mailbox envelopes=100000 bytes=16m;',
    );

    $http =~ s/(class verified 2 send) budget=1000/$1 budget=1000000/;

    $nginx = Sealed::Nginx->gateway(http => $http, faults => $faults);
    $client = Sealed::Client->new(nginx => $nginx);
    $sender = $client->certified(class => 2);
    $box = $client->opened_mailbox;
    (%kept) = ();
}

sub body { return sprintf('%09d ', shift) . 'x' x 4086 }

# what is accepted, by its number; the last answer

sub send_some {
    my ($count, $until) = @_;

    my $response;

    for (1 .. $count) {
        $response = $client->send($sender, $box, body(++$number));

        if ($response->status == 201) {
            $kept{$number} = 1;
        }

        last if defined $until && $response->status == $until;
    }

    return $response;
}

sub all_there {
    my ($name) = @_;

    my @numbers = map { $_->{body} =~ /^0*(\d+) / ? $1 : '?' }
                  $client->read_all($box);
    my %there = map { $_ => 1 } @numbers;
    my @missing = grep { !$there{$_} } keys %kept;
    my @disorder = grep { $numbers[$_] <= $numbers[$_ - 1] } 1 .. $#numbers;

    ok(!@missing && !@disorder, "$name: all of it, in order")
        or diag("missing: @missing");

    # what got 503 may be there, and is from now on
    %kept = %there;
}

# half of it leaves

sub acknowledge_half {
    my @items = $client->read_all($box);
    my @half = @items[0 .. $#items / 2];
    my $status = $client->acknowledge($box, $half[-1]{seq})->status;

    if ($status == 204) {
        delete $kept{$_->{body} =~ /^0*(\d+) / ? $1 : 0} for @half;
    }

    return $status;
}

sub killed_and_started {
    my ($name) = @_;

    $client->disconnect;
    $nginx->kill_all;
    $nginx->start_again;
    all_there($name);
}

sub refused {
    my ($name, $response) = @_;

    is($response->status, 503, "$name: senders get 503");
    like($response->header('Content-Type') // '', qr{application/problem\+json},
         "$name: that says why");
    like($response->header('Retry-After') // '', qr/^\d+$/,
         "$name: and when to try again");
}

sub served_again {
    my ($name) = @_;

    ok((wait_until { send_some(1)->status == 201 }),
       "$name: senders are served again");
}

sub said {
    my ($name, $seen, $pattern) = @_;

    my $log = substr $nginx->error_log, $seen;

    is((() = $log =~ /\[error\].*cannot be written, senders get 503/g), 1,
       "$name: one line in the log") or diag($log);
    like($log, qr/cannot be written.*$pattern/, "$name: with the reason")
        if defined $pattern;
    like($log, qr/can be written again/, "$name: and that it is over");
}

sub done {
    $faults->disarm;
    is($client->close_mailbox($box)->status, 204, 'close');
    $client->disconnect;
    $nginx->ends_empty;
    $nginx->finish;
}


# calls that fail

gateway('%%DIR%%/journal');
send_some(20);

for ([ 'no room for a segment', 'allocate', fail => ENOSPC, qr/No space/ ],
     [ 'no room in a segment', 'write', fail => ENOSPC, qr/No space/ ],
     [ 'a sync that fails', 'sync', fail => EIO, qr/Input\/output/ ],
     [ 'a sync without room', 'sync', fail => ENOSPC, qr/No space/ ],
     [ 'no further file', 'create', fail => EMFILE, qr/Too many open/ ],
     [ 'a disk that is read only', 'create', fail => EROFS,
       qr/Read-only/ ])
{
    my ($name, $call, $how, $error, $reason) = @$_;

    my $seen = length $nginx->error_log;

    $faults->arm($call, on => 'journal', $how => $error);
    refused($name, send_some(200, 503));

    is(send_some(3)->status, 503, "$name: each of them");
    is(acknowledge_half(), 204, "$name: acknowledgements go on");
    ok(scalar($client->read_all($box)), "$name: readers too");
    is($nginx->zone_status->{journal_ready}, 0, "$name: it is in the status");

    # tried again, in vain
    my $tries = $faults->done;
    ok((wait_until { $faults->done > $tries }), "$name: it goes on trying");
    $faults->disarm;
    served_again($name);
    said($name, $seen, $reason);
    send_some(3);
    killed_and_started($name);
}

# once, and never believed afterwards: what a sync that failed has written is
# written anew

{
    my $seen = length $nginx->error_log;
    my %before = map { $_ => 1 } grep { /\.(?:journal|snapshot)\z/ }
                 glob $nginx->dir . '/journal/*';

    $faults->arm('sync', on => 'journal', fail => EIO, times => 1);
    refused('one sync', send_some(1));
    served_again('one sync');
    said('one sync', $seen, qr/Input\/output/);
    ok((wait_until { !grep { -e } keys %before }),
       'one sync: no segment of that time is left');
    killed_and_started('one sync');
}

# less than was asked for, or not yet

for ([ 'short writes', 'write', short => 1 ],
     [ 'interrupted writes', 'write', fail => EINTR, times => 7 ],
     [ 'interrupted allocations', 'allocate', fail => EINTR, times => 7 ])
{
    my ($name, $call, @how) = @$_;

    my $seen = length $nginx->error_log;

    $faults->arm($call, on => 'journal|snapshot', @how);
    is(send_some(100, 503)->status, 201, "$name: nobody is the wiser");
    ok($faults->done, "$name: it came to that");
    $faults->disarm;
    unlike(substr($nginx->error_log, $seen), qr/cannot be/, "$name: no word");
    killed_and_started($name);
}

# a snapshot that cannot be written: the journal grows, and mail is taken

sub snapshots { return glob $nginx->dir . '/journal/*.snapshot' }

{
    my $seen = length $nginx->error_log;

    my %before = map { $_ => 1 } snapshots();

    $faults->arm('write|sync', on => 'snapshot', fail => ENOSPC);
    is(send_some(400, 503)->status, 201, 'no snapshot: mail is taken');
    ok($nginx->logged(qr/cannot be rewritten, it grows/),
       'no snapshot: it is said');
    ok((wait_until { !grep { !$before{$_} } snapshots() }),
       'no snapshot: nothing is left of it');
    is(acknowledge_half(), 204, 'no snapshot: acknowledgements go on');
    $faults->disarm;
    ok((wait_until {
            substr($nginx->error_log, $seen) =~ /rewritten: 1 mailboxes/;
        }), 'no snapshot: then there is one');
    killed_and_started('no snapshot');
}

done();


# a file system that is full

SKIP: {
    my $mount = tempdir('sealed-disk-XXXXXX', TMPDIR => 1);

    skip 'no file system can be mounted here', 1
        if system("mount -t tmpfs -o size=12m,mode=700 tmpfs \Q$mount\E "
                  . '2> /dev/null') != 0;

    gateway("$mount/journal");
    spew("$mount/else", "\0" x (8 << 20));

    my $seen = length $nginx->error_log;

    refused('full disk', send_some(4000, 503));
    cmp_ok(scalar(keys %kept), '>', 50, 'full disk: not before it is');
    is(send_some(3)->status, 503, 'full disk: each of them');
    ok(scalar($client->read_all($box)), 'full disk: readers go on');
    killed_and_started('full disk');
    is(send_some(1)->status, 503, 'full disk: still');

    $seen = length $nginx->error_log;
    unlink "$mount/else";
    served_again('full disk');
    killed_and_started('room again');

    # nobody makes room but those who read

    refused('full of mail', send_some(4000, 503));

    my @items = $client->read_all($box);

    is($client->acknowledge($box, $items[-1]{seq})->status, 204,
       'full of mail: it is read');
    %kept = ();
    served_again('full of mail');
    killed_and_started('full of mail');

    done();
    is(system("umount \Q$mount\E"), 0, 'unmount');
    rmdir $mount;
}

done_testing;
