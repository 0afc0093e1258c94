#!/usr/bin/perl

# What a journal and a file remember of certificates: budgets, mailboxes that
# were opened, revocations, what accounts have drawn, stamps; and that neither
# says who anybody is.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::Crypto qw(random_bytes);
use Sealed::Nginx ();
use Sealed::Wait qw(slurp within_an_epoch);

within_an_epoch();

my @names = ('alice.the.sender', 'bob.who.draws');
my $body = 'a body that says something' . 'x' x 486;

sub http {
    my ($parameters) = @_;

    my $http = Sealed::Nginx::gateway_conf(
        zone_parameters => $parameters, zone_conf => 'epoch 7d;');

    $http =~ s/(class verified 2 send) budget=1000/$1 budget=10/;
    $http =~ s/(class verified .*?;)/$1 class few 3 send budget=5 quota=3;/;

    return $http;
}

sub files { return grep { -f } glob "$_[0]/main.zone $_[0]/journal/*" }

for my $parameters ('journal=%%DIR%%/journal sync=always',
                    'journal=%%DIR%%/journal sync=1s',
                    'file=%%DIR%%/main.zone',
                    'file=%%DIR%%/main.zone journal=%%DIR%%/journal')
{
    my $where = $parameters =~ s/%%DIR%%\///gr;
    my $nginx = Sealed::Nginx->gateway(
        workers => 2, authority_seed => random_bytes(32),
        master_secret => random_bytes(32), http => http($parameters));

    $nginx->allow(qr/exited on signal 9/);
    $nginx->{zone_file} = $nginx->dir . '/main.zone' if $where =~ /file/;

    my $client = Sealed::Client->new(nginx => $nginx);
    my $opener = $client->certified(class => 1);
    my $sender = $client->certified(class => 2);
    my $other = $client->certified(class => 2);
    my $revoked = $client->certified(class => 2);
    my ($box, $second) = map { $client->mailbox } 1 .. 2;

    is($client->open_mailbox($opener, $box)->status, 201, "$where: open");
    is($client->send($sender, $box, $body)->status, 201, 'send') for 1 .. 8;
    is($client->send($other, $box, $body)->status, 201, 'another sends');

    is($client->issue($names[1], class => 3, count => 2)->status, 200,
       'two of three are drawn');
    is($client->issue($names[1], class => 3, count => 2)->status, 429,
       'two more are too many');

    is($client->revoke($revoked->{id})->status, 204, 'revoke');
    is($client->send($revoked, $box, $body)->status, 401, 'it is out');

    # an orderly end

    $client->disconnect;
    $nginx->again('stopped');

    is($client->open_mailbox($opener, $second)->status, 429,
       "$where, stopped: the opener has opened one");
    is($client->send($sender, $box, $body)->status, 201, 'the ninth');
    is($client->send($sender, $box, $body)->status, 201, 'the tenth');
    is($client->send($sender, $box, $body)->status, 429,
       "$where, stopped: and that was the budget");
    is($client->send($revoked, $box, $body)->status, 401, 'still out');
    is($client->issue($names[1], class => 3, count => 2)->status, 429,
       "$where, stopped: the quota goes on");
    is($client->issue($names[1], class => 3)->status, 200, 'the last one');

    # everything killed: what snapshots and answers put down

    $client->disconnect;
    $nginx->again('killed');

    is($client->send($revoked, $box, $body)->status, 401,
       "$where, killed: still out");

    SKIP: {
        skip 'a second may be lost', 1 if $where =~ /sync=1s/;
        is($client->issue($names[1], class => 3)->status, 429,
           "$where, killed: the quota goes on");
    }

    is($client->open_mailbox($opener, $second)->status, 429,
       "$where, killed: the opener has opened one");
    is($client->send($sender, $box, $body)->status, 429,
       "$where, killed: nothing is left")
        if $where =~ /file/;

    # but for what had a second to be written

    my @items = $client->read($box, limit => 100)->items;
    cmp_ok(scalar @items, '>=', $where =~ /sync=1s/ ? 9 : 11,
           'the mail is there');

    # nobody is named on disk; what no one may read is not there either

    my @files = files($nginx->dir);
    cmp_ok(scalar @files, '>', 0, 'files');

    for my $file (@files) {
        my $content = slurp($file);
        my $base = $file =~ s{.*/}{}r;

        ok(index($content, $_) < 0, "$base: no $_")
            for @names, '127.0.0.1';

        next if $base eq 'main.zone';

        ok(index($content, $_) < 0, "$base: no id of a certificate or mailbox")
            for map { $_->{id} } $sender, $other, $opener, $revoked, $box;
        ok(index($content, substr $body, 0, 26) < 0, "$base: no body");
    }

    is($client->acknowledge($box, $items[-1]{seq})->status, 204,
       'away with it');
    is($client->close_mailbox($box)->status, 204, 'close');
    $nginx->finish;
}

done_testing;
