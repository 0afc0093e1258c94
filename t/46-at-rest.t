#!/usr/bin/perl

# What a disk tells, and what it brings back.  After everything that clients
# can do, in each of the files: no account, no sender, no text, no address of a
# client, nothing that a header says.  Stamps, reports, revocations and tickets
# after a stop and after everything was killed.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client qw(envelope_seal envelope_open frank_commitment
                      identity_certificate report_id);
use Sealed::Crypto qw(b64u ed25519_public random_bytes sha256
                      x25519_keypair);
use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Wait qw(served slurp);

my $from = '127.91.83.77';
my %word = (
    account => 'alice-who-draws', sender => 'carol-who-writes',
    text => 'At the usual place, an hour before the sun is up.',
    reported => 'Something that nobody should have to read.',
    agent => 'a-phone-of-an-unusual-make', forwarded => '203.0.113.77',
    cookie => 'session-of-the-account', origin => 'app.example',
);

sub opens {
    my ($client, $box, $ticket) = @_;

    my ($connection, $head) = $client->event_stream($box, ticket => $ticket);

    $connection->close;

    return $head->status;
}

# the octets that a word may be in, however it is written

sub forms {
    my ($word) = @_;

    my $utf16 = join '', map { "$_\0" } split //, $word;

    return ($word, uc $word, b64u($word), unpack('H*', $word), $utf16);
}

sub search {
    my ($nginx, $name, %o) = @_;

    my @files = grep { -f && !m{/lock\z} }
                glob $nginx->dir . '/main.zone ' . $nginx->dir . '/journal/*';

    cmp_ok(scalar @files, '>', 0, "$name: files");

    for my $file (@files) {
        my $base = $file =~ s{.*/}{}r;
        my $content = slurp($file);
        my @found;

        for my $what (sort keys %word) {
            push @found, $what
                if grep { index($content, $_) >= 0 } forms($word{$what});
        }

        push @found, 'address'
            if grep { index($content, $_) >= 0 } $from,
                    pack('C4', split /\./, $from),
                    pack('C4', reverse split /\./, $from);

        is("@found", '', "$name: $base says nothing");

        # whoever has no key sees no ciphertext of clients and no ids either

        if ($base ne 'main.zone') {
            ok(index($content, $_) < 0, "$name: $base is encrypted")
                for @{ $o{sealed} };
            next;
        }

        # what is there, so that finding nothing means something

        ok(index($content, $_) >= 0, "$name: $base was searched")
            for @{ $o{there} };
    }
}

for my $parameters ('journal=%%DIR%%/journal', 'file=%%DIR%%/main.zone',
                    'file=%%DIR%%/main.zone journal=%%DIR%%/journal')
{
    my $file = $parameters =~ /file=/;
    my $where = $parameters =~ s/%%DIR%%\///gr;
    my $nginx = Sealed::Nginx->gateway(
        workers => 2, zone_parameters => $parameters,
        authority_seed => random_bytes(32), master_secret => random_bytes(32));

    $nginx->allow(qr/exited on signal 9/);
    $nginx->{zone_file} = $nginx->dir . '/main.zone' if $file;

    my $client = Sealed::Client->new(nginx => $nginx, from => $from);
    my @headers = ([ 'User-Agent', $word{agent} ],
                   [ 'X-Forwarded-For', $word{forwarded} ],
                   [ 'Cookie', "session=$word{cookie}" ],
                   [ 'Origin', "https://$word{origin}" ]);

    # a message from somebody to two, with a commitment

    my ($private, $public) = x25519_keypair();
    my @recipient = map { [ x25519_keypair() ] } 1 .. 2;
    my $authority = random_bytes(32);
    my $kf = random_bytes(32);
    my ($body, @slices) = envelope_seal(
        size => 1024, sender => $private, kf => $kf,
        message => \$word{text},
        recipients => [ map { $_->[1] } @recipient ],
        identity => identity_certificate($authority, $word{sender}, $public,
                                         time + 3600));
    my $commitment = frank_commitment($kf, $word{reported});

    my @openers = $client->drawn($word{account}, class => 1, count => 2,
                                 headers => \@headers);
    my ($sender, $reported, $revoked) =
        $client->drawn($word{account}, class => 2, count => 3,
                       headers => \@headers);
    my @boxes = map { $client->mailbox } 1 .. 2;

    is($client->open_mailbox($openers[$_], $boxes[$_], headers => \@headers)
           ->status, 201, "$where: open") for 0, 1;
    is($client->send_fanout($sender, \@boxes, \@slices, $body,
                            headers => \@headers)->json->{accepted}, 2,
       'a fan-out');
    is($client->send($reported, $boxes[0], $body, frank => $commitment,
                     headers => \@headers)->status, 201, 'a stamped one');
    is($client->send($sender, $boxes[0], $body, online => 1)->status, 201,
       'one for now');
    is($client->send($revoked, $boxes[1], $body)->status, 201, 'one more');
    is($client->acknowledge($boxes[1], 2)->status, 204, 'acknowledged');
    is($client->revoke($revoked->{id}, time + 86400)->status, 204, 'revoked');

    my ($used, $kept) = map { $client->ticket($boxes[0])->json->{ticket} }
                        1 .. 2;
    is(opens($client, $boxes[0], $used), 200, 'a ticket is used');

    my @items = $client->read($boxes[0])->items;
    is(scalar @items, 2, 'two envelopes');

    my $report = {
        message => b64u($word{reported}), kf => b64u($kf),
        body_digest => b64u(sha256($body)), stamp => b64u($items[1]{stamp}),
    };
    is($client->moderate('reports', $report)->json->{report_id},
       b64u(report_id($items[1]{stamp})), 'a report');

    my @look = (there => [ $boxes[0]{id}, substr $body, 0, 64 ],
                sealed => [ $boxes[0]{id}, $sender->{id}, $revoked->{id},
                            substr($body, 0, 64), $slices[0] ]);

    search($nginx, "$where, running", @look);

    for my $how ('stopped', 'killed') {
        $client->disconnect;
        $nginx->again($how);

        # a ticket is for the process that gave it, or for its memory

        is(opens($client, $boxes[0], $used), 401,
           "$where, $how: a ticket is used up");
        is(opens($client, $boxes[0], $kept), $file ? 200 : 401,
           "$where, $how: one that was not used") if $how eq 'stopped';

        @items = served(sub { $client->read($boxes[0]) })->items;
        is(scalar @items, 2, "$where, $how: the mail is there");
        is(${ envelope_open($recipient[0][0], @{ $items[0] }{qw(header body)},
                            ed25519_public($authority))->{message} },
           $word{text}, 'and can be read');

        is($client->send($revoked, $boxes[1], $body)->status, 401,
           "$where, $how: revoked stays revoked");

        # the stamp went through all of it, and so does what a report does

        my $answer = $client->moderate(
            $how eq 'killed' ? 'reports' : 'reports?revoke=1',
            { %$report, stamp => b64u($items[1]{stamp}) })->json;
        ok($answer->{valid}, "$where, $how: the stamp holds");
        is($client->send($reported, $boxes[1], $body)->status, 401,
           "$where, $how: reported, and out");

        search($nginx, "$where, $how", @look);
    }

    is($client->close_mailbox($_)->status, 204, 'close') for @boxes;
    $client->disconnect;
    $nginx->ends_empty;
    $nginx->finish;
}

done_testing;
