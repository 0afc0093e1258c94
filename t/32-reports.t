#!/usr/bin/perl

# Stamps on envelopes, reports that open them, revocations: in all workers,
# and across a reload.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::XS ();
use POSIX ();
use Socket ();
use Test::More;

use Sealed::Client qw(frank_commitment report_id stamp_open);
use Sealed::Crypto qw(b64u kdf random_bytes sha256 unb64u);
use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Wait qw(within_an_epoch);

within_an_epoch();

my $nginx = Sealed::Nginx->gateway(
    workers => 2, zone_conf => 'first_uses address=100000;',
    server_conf => <<'END',
        listen 127.0.0.1:%%PORT2%% sndbuf=4k;
        keepalive_requests 100000;

        location = /v1/envelopes { sealed_send main; }
END
);
my $client = Sealed::Client->new(nginx => $nginx);
my $box = $client->mailbox;
my $other = $client->mailbox;
my $opener = $client->minted(class => 1);
my $second = $client->certified(class => 1);
my $body = random_bytes(512);
my $message = 'Something that nobody should have to read.';
my $kf = random_bytes(32);
my $commitment = frank_commitment($kf, $message);

is($client->open_mailbox($opener, $box)->status, 201, 'open');
is($client->open_mailbox($second, $other)->status, 201, 'open another');

sub post { return $client->moderate(@_) }

sub report {
    my ($stamp, %o) = @_;

    return {
        message => b64u($message), kf => b64u($kf),
        body_digest => b64u(sha256($body)), stamp => b64u($stamp), %o,
    };
}

# a stamp for either kind of certificate, on either way of sending

my @senders = ($client->minted(class => 2), $client->certified(class => 2));
my $epoch = $client->epoch;

is($client->send($senders[0], $box, $body, frank => $commitment)->status,
   201, 'a blind one commits');
is($client->send_fanout($senders[1], [ $box, $other ], [], $body,
                        frank => $commitment)->json->{accepted}, 2,
   'a signed one does, to two');
is($client->send($senders[0], $box, $body)->status, 201,
   'and one without');

my @items = $client->read($box)->items;
my ($item) = $client->read($other)->items;
my @stamps = map { $_->{stamp} } @items;

is(scalar @stamps, 3, 'three envelopes');
is(length $stamps[$_], 97, "stamp $_") for 0, 1;
is($stamps[2], undef, 'null without a commitment');
is($item->{stamp}, $stamps[1], 'one stamp for all who have the body');
isnt($stamps[0], $stamps[1], 'different ones otherwise');
is(substr($_, 0, 32), $commitment, 'it begins with the commitment')
    for @stamps[0, 1];

# what only the gateway can read, as the protocol says it

my $key = kdf($nginx->master_secret, (1 << 32) + $epoch, 'sealedv1');

for (0, 1) {
    my $found = stamp_open($key, $stamps[$_], sha256($body));

    ok($found, "stamp $_ opens") or next;
    is($found->{certificate_id}, $senders[$_]{id}, "stamp $_: who");
    is($found->{class}, 2, "stamp $_: class");
    is($found->{epoch}, $epoch, "stamp $_: epoch");
    cmp_ok(abs($found->{hour} - time / 3600), '<=', 1.1, "stamp $_: hour");
}

is($client->send($senders[0], $box, $body,
                 headers => [ [ 'Sealed-Frank', $_ ] ])->status, 400,
   "Sealed-Frank $_")
    for ':AAAA:', 'x', ':' . 'A' x 44 . ':', '::';

# reports

my $answer = post('reports', report($stamps[0]));

is($answer->status, 200, 'a report');
is_deeply($answer->json, {
    valid => JSON::XS::true, class => 2, epoch => $epoch,
    hour => $answer->json->{hour}, report_id => b64u(report_id($stamps[0])),
}, 'holds, and says no more than this');
is($answer->header('Cache-Control'), 'no-store', 'not cached');
ok(post('reports', report($stamps[1]))->json->{valid}, 'another one');

sub flip { substr($_[0], $_[1], 1) ^= "\1"; return $_[0] }

my %false = (
    'another message' => { message => b64u("$message!") },
    'an empty message' => { message => '' },
    'another key' => { kf => b64u(random_bytes(32)) },
    'another body' => { body_digest => b64u(sha256('x')) },
    'a stamp too short' => { stamp => b64u('' . substr $stamps[0], 0, 96) },
    'a stamp too long' => { stamp => b64u("$stamps[0]\0") },
    'no stamp' => { stamp => '' },
    map { ("a stamp with octet $_ changed" =>
               { stamp => b64u(flip(my $copy = $stamps[0], $_)) }) }
        0, 31, 32, 55, 56, 80, 81, 96,
);

for my $name (sort keys %false) {
    my $response = post('reports', report($stamps[0], %{ $false{$name} }));

    is($response->body, '{"valid":false}', "false: $name");
    is($response->status, 200, "200: $name");
}

my $complete = report($stamps[0]);

for my $name (sort keys %$complete) {
    my %without = %$complete;

    delete $without{$name};
    is(post('reports', \%without)->status, 400, "400: without $name");
}

is(post('reports', report($stamps[0], kf => b64u('x' x 31)))->status, 400,
   '400: a short key');
is(post('reports', report($stamps[0], extra => 'x'))->status, 400,
   '400: a member more');
is(post('reports', report($stamps[0], message => '!'))->status, 400,
   '400: not base64url');
is(post('reports', $_)->status, 400, "400: $_")
    for '', '{}', '[]', 'null', '{"message":';
is(post('reports?revoke=2', $complete)->status, 400, '400: the query');
is(post('reports', 'x' x 200_000)->status, 413, '413: too long');
is(post('reports', $complete, type => 'text/plain')->status, 415, '415: another type');
is(post('reports', $complete, send => { chunked => 9 })->status, 411, '411: chunked');
is(post('reports', '', method => 'PUT')->status, 405, '405: another method');
is(post('report', $complete)->status, 404, '404: another path');

# nothing of this revoked anybody

sub sends {
    my ($sender, $status, $name) = @_;

    for (1 .. 8) {
        $client->disconnect;
        my $got = $client->send($sender, $box, $body)->status;

        next if $_ < 8 && $got == $status;
        is($got, $status, "$name, $_");
        return;
    }
}

sends($senders[0], 201, 'still welcome');

# a report that revokes: at once, in all workers

ok(post('reports?revoke=1', $complete)->json->{valid}, 'revoked by a report');
sends($senders[0], 401, 'the reported one');
sends($senders[1], 201, 'the other one');
ok(post('reports?revoke=1', $complete)->json->{valid},
   'once more: the report still holds');

is(post('reports?revoke=1',
        report($stamps[1], message => b64u('x')))->body,
   '{"valid":false}', 'a false report');
sends($senders[1], 201, 'revokes nobody');

# by id: known, and never seen

my ($known, $unseen, $blind) = ($client->certified(class => 2),
    $client->certified(class => 2), $client->minted(class => 2));

sends($known, 201, 'before');
is($client->revoke($known->{id})->status, 204, 'revoke one that is known');
is($client->revoke($unseen->{id})->status, 204, 'revoke one never seen');
is($client->revoke($blind->{id})->status, 204, 'revoke a blind one never seen');
sends($known, 401, 'known');
sends($unseen, 401, 'never seen');
sends($blind, 401, 'blind, never seen');

ok($nginx->reload(wait_old => 1), 'reload');
sends($known, 401, 'known, after a reload');
sends($blind, 401, 'blind, after a reload');
sends($senders[0], 401, 'reported, after a reload');
sends($senders[1], 201, 'the other one, after a reload');

my $late = $client->certified(class => 2);

is($client->revoke($late->{id}, time - 1)->status, 204, 'until before now');
sends($late, 201, 'is nothing');

# the 401 is the one

my $one = $client->send($client->minted(class => 2, master => 'x' x 32),
                        $box, $body);
my $revoked = $client->send($known, $box, $body);
my $text = sub {
    join "\n", $_[0]->status, $_[0]->body,
        map { "$_->[0]: $_->[1]" } grep { $_->[0] ne 'Date' }
            @{ $_[0]{headers} }
};

is($text->($revoked), $text->($one), 'the same 401 as for any forgery');

is(post('revocations', $_)->status, 400, "400: $_")
    for '', '{}', '{"certificate_id":"AAAA","until":1}',
        '{"certificate_id":"' . 'A' x 22 . '"}',
        '{"certificate_id":"' . 'A' x 22 . '","until":-1}',
        '{"certificate_id":"' . 'A' x 22 . '","until":"1"}';
is(post('revocations?revoke=1', '{}')->status, 400, '400: a query');

# openers too

my $revoked_opener = $client->minted(class => 1);

is($client->revoke($revoked_opener->{id})->status, 204, 'revoke an opener');
is($client->open_mailbox($revoked_opener, $client->mailbox)->status, 401,
   'it opens nothing');

$client->disconnect;
is($client->close_mailbox($_)->status, 204, 'close') for $box, $other;

# a moderator who reads no answers for a while: each comes all the same

my $many = 300;
my $slow = Sealed::HTTP->new(port => $nginx->port(2), timeout => 60);

setsockopt $slow->socket, Socket::SOL_SOCKET, Socket::SO_RCVBUF,
           pack('i', 4096);

for ([ 'reports', 400, '{}' ],
     [ 'reports', 200, JSON::XS->new->encode(report($stamps[0])) ],
     [ 'revocations', 400, '{}' ])
{
    my ($what, $status, $document) = @$_;

    my $request = $slow->format({
        method => 'POST', target => "/v1/$what", body => $document,
        headers => [ [ 'Content-Type', 'application/json' ] ],
    });
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        $slow->write($request x $many);
        POSIX::_exit(0);
    }

    ok($slow->filled, "$what, $status: more than the kernel takes");

    my %seen;
    $seen{$slow->response->status}++ for 1 .. $many;

    is_deeply(\%seen, { $status => $many }, "$what, $status: all answered");
    waitpid $pid, 0;
}

$slow->close;

$nginx->finish;
done_testing;
