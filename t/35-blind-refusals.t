#!/usr/bin/perl

# Every octet of a blind certificate and of what signs under it: whatever is
# changed, known or not, the answer is the one 401.  And how long answers
# take, printed and not judged: a machine that does other things proves
# nothing.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use List::Util qw(shuffle sum);
use Test::More;
use Time::HiRes qw(time);

use Sealed::Client qw(certificate_id);
use Sealed::Crypto qw(b64 b64u random_bytes unb64);
use Sealed::HTTP ();
use Sealed::Nginx ();

my $nginx = Sealed::Nginx->gateway(
    zone_conf => 'epoch 31d; first_uses address=1000000 worker=1000000;'
                 . 'class many 3 send budget=1000000;'
                 . 'mailbox envelopes=100000 bytes=15m;',
    server_conf => 'keepalive_requests 100000;',
);
my $client = Sealed::Client->new(nginx => $nginx);
my $box = $client->mailbox;
my $path = $client->path($box, '/envelopes');
my $body = 'x' x 512;

is($client->open_mailbox($client->minted(class => 1), $box)->status, 201,
   'open');

sub text {
    my ($response) = @_;

    return join "\n", $response->status, $response->body,
        map { "$_->[0]: $_->[1]" } grep { lc $_->[0] ne 'date' }
            @{ $response->{headers} };
}

sub post {
    my ($sender, $change) = @_;

    my $request = $client->request($sender, 'POST', $path, body => $body);

    $change->($request->{headers}) if $change;

    return $client->shared->request($request);
}

my $one = text(post($client->minted(class => 2, master => 'x' x 32)));

like($one, qr/^401\n/, 'a 401 to compare with');

my ($different, $compared) = (0, 0);

sub refused {
    my ($name, $sender, $change) = @_;

    my $text = text(post($sender, $change));

    $compared++;
    return if $text eq $one;
    $different++;
    is($text, $one, $name);
}

# a certificate that the gateway knows, and one that it has not seen

my $known = $client->minted(class => 2);

is($client->send($known, $box, $body)->status, 201, 'known');

for my $state (qw(known unseen)) {

    for my $at (0 .. 37) {
        for my $bit (0, 3, 7) {
            my %other = %{ $state eq 'known' ? $known
                                             : $client->minted(class => 2) };

            substr($other{certificate}, $at, 1) ^= chr(1 << $bit);
            refused("$state: octet $at, bit $bit, id kept", \%other);

            $other{keyid} = b64u(certificate_id($other{certificate}));
            refused("$state: octet $at, bit $bit, id of it", \%other);
        }
    }

    # its length

    for my $certificate (map { substr "$known->{certificate}\0", 0, $_ }
                             0 .. 37, 39)
    {
        my %other = (%$known, certificate => $certificate);

        refused("$state: " . length($certificate) . ' octets', \%other);
    }

    my $sender = $state eq 'known' ? $known : $client->minted(class => 2);

    # every octet of the signature, and of what it is over

    for my $at (0 .. 31) {
        refused("$state: signature, octet $at", $sender, sub {
            for (grep { $_->[0] eq 'Signature' } @{ $_[0] }) {
                my ($mac) = $_->[1] =~ /:(.*):/;
                my $octets = unb64($mac);

                substr($octets, $at, 1) ^= "\x10";
                $_->[1] = 'sealed=:' . b64($octets) . ':';
            }
        });
    }

    my ($input) = map { $_->[1] } grep { $_->[0] eq 'Signature-Input' }
        @{ $client->request($sender, 'POST', $path, body => $body)
           ->{headers} };

    for my $at (0 .. length($input) - 1) {
        refused("$state: Signature-Input, octet $at", $sender, sub {
            for (grep { $_->[0] eq 'Signature-Input' } @{ $_[0] }) {
                substr($_->[1], $at, 1) =
                    substr($_->[1], $at, 1) eq 'a' ? 'b' : 'a';
            }
        });
    }
}

is($different, 0, "all of $compared refusals are the same octets");
is($client->send($known, $box, $body)->status, 201, 'nothing was spent');

# how long answers take: 10,000 in all

my $many = $client->minted(class => 3);
my $revoked = $client->minted(class => 3);

is($client->send($_, $box, $body)->status, 201, 'known') for $many, $revoked;

my $http = $client->connection;
my $answer = $http->request({
    method => 'POST', target => '/v1/revocations',
    headers => [ [ 'Content-Type', 'application/json' ] ],
    body => '{"certificate_id":"' . $revoked->{keyid} . '","until":'
            . int(time + 3600) . '}',
});
is($answer->status, 204, 'revoked');

my $stored = 3;
my %wrong = %$many;
$wrong{key} = random_bytes(32);

my @kinds = (
    [ 'known, accepted', 3000, sub { $many }, 201 ],
    [ 'known, signature refused', 3000, sub { \%wrong }, 401 ],
    [ 'known, revoked', 1500, sub { $revoked }, 401 ],
    [ 'first use, accepted', 1000, sub { $client->minted(class => 3) },
      201 ],
    [ 'first use, refused', 1000,
      sub { $client->blind_holder(class => 3, epoch => $client->epoch,
                                  poprf => random_bytes(64)) }, 401 ],
    [ 'another epoch', 500,
      sub { $client->blind_holder(class => 3, epoch => 1,
                                  poprf => random_bytes(64)) }, 401 ],
);
my @order = shuffle(map { ($_) x $kinds[$_][1] } 0 .. $#kinds);
my @took = map { [] } @kinds;
my @wrong = (0) x @kinds;

# all mixed, so that whatever else the machine does meets all alike

for my $kind (@order) {
    my (undef, undef, $sender, $status) = @{ $kinds[$kind] };
    my $bytes = $http->format($client->request($sender->(), 'POST', $path,
                                               body => $body));
    my $begin = time;

    $http->write($bytes);

    my $response = $http->response;

    push @{ $took[$kind] }, 1e6 * (time - $begin);
    $wrong[$kind]++ if $response->status != $status;

    next if $response->status != 201 || ++$stored % 1000;

    is($client->acknowledge($box, $stored)->status, 204, "$stored away");
}

for my $kind (0 .. $#kinds) {
    my ($name, $count, undef, $status) = @{ $kinds[$kind] };
    my @sorted = sort { $a <=> $b } @{ $took[$kind] };

    is($wrong[$kind], 0, "$count times: $name, $status");
    diag(sprintf '%-26s %5d requests, us: median %4.0f, mean %4.0f, p99 %5.0f',
         $name, $count, $sorted[$count / 2], sum(@sorted) / $count,
         $sorted[$count * 0.99]);
}

is(scalar @order, 10_000, 'ten thousand requests');
is($client->close_mailbox($box)->status, 204, 'close');

$nginx->finish;
done_testing;
