#!/usr/bin/perl

# Ten seconds of garbage as fast as two clients can write it, certificates
# that parse but prove nothing among it, while real mail goes through.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Select ();
use IO::Socket::INET ();
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use Sealed::Client ();
use Sealed::Crypto qw(b64 b64u random_bytes);
use Sealed::Nginx ();

my $seconds = $ENV{SEALED_GARBAGE_SECONDS} // 10;

my $nginx = Sealed::Nginx->gateway(
    workers => 2,
    zone_conf => 'first_uses address=50 worker=100;',
);
my $client = Sealed::Client->new(nginx => $nginx);

my $sender = $client->certified(class => 2);
my $opener = $client->certified(class => 1);
my $mailbox = $client->mailbox;

is($client->open_mailbox($opener, $mailbox)->status, 201, 'open');
is($client->send($sender, $mailbox, 'x' x 512)->status, 201, 'send before');

pipe my $in, my $out or die "pipe: $!";

my @children = map { flood() } 1 .. 2;
close $out;

my (%status, $sent, $received);
my $end = time + $seconds;

$sent = 1;

while (time < $end) {
    my $response = $client->send($sender, $mailbox, 'y' x 512);

    $status{ $response->status }++;
    $sent++ if $response->status == 201;
    sleep 0.02;

    last if $sent >= 900;
}

my $refused = 0;

while (my $line = <$in>) {
    my ($count, $other) = split ' ', $line;

    $refused += $count;
    is($other, 0, 'garbage got nothing but refusals');
}

waitpid $_, 0 for @children;

is_deeply([ keys %status ], [ 201 ], 'all real mail was accepted');
cmp_ok($refused, '>', 1000, 'there was garbage')
    and diag("$refused refusals in $seconds s beside ", $sent - 1, ' sends');

my ($after, $count) = (0, 0);

for (1 .. 20) {
    my $response = $client->read($mailbox, after => $after, limit => 1000);

    last if $response->status == 204;

    my @items = $response->items;
    $count += @items;
    $after = $items[-1]{seq} // $items[-1][0];
}

is($count, $sent, 'what was accepted is there');

is($nginx->zone_status->{certificates}, 2,
   'no garbage in the certificate table');

is($client->close_mailbox($mailbox)->status, 204, 'close');

$nginx->finish;
done_testing;


# a child that writes pipelined garbage and counts the answers

sub flood {
    my $pid = fork // die "fork: $!";

    return $pid if $pid;

    close $in;

    my @garbage = map { request($_) } 0 .. 63;
    my ($refused, $other) = (0, 0);
    my $stop = time + $seconds;

    # as long as it takes to have some on a busy machine

    while (time < $stop || $refused < 600) {
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                           PeerPort => $nginx->port)
            or next;

        for (1 .. 15) {
            last unless print {$socket} @garbage;

            my ($text, $seen) = ('', 0);
            my $select = IO::Select->new($socket);

            while ($seen < @garbage && $select->can_read(60)) {
                sysread $socket, my $data, 65536 or last;
                $text .= $data;
                $seen = () = $text =~ m{HTTP/1\.1 \d}g;
            }

            for ($text =~ m{HTTP/1\.1 (\d+)}g) {
                /^(?:4\d\d|503)$/ ? $refused++ : $other++;
            }

            last if $seen < @garbage || time > $stop;
        }

        close $socket;
    }

    print {$out} "$refused $other\n";
    close $out;
    POSIX::_exit(0);
}

sub request {
    my ($n) = @_;

    my $certificate = random_bytes(122);

    # every other one parses, is current and names the real authority

    if ($n % 2) {
        $certificate = substr($sender->{certificate}, 0, 26)
                       . random_bytes(96);
    }

    my $keyid = b64u($n % 2
        ? Sealed::Client::certificate_id($certificate) : random_bytes(16));

    return join "\r\n",
        "PUT /v1/mailboxes/" . b64u($mailbox->{id}) . ' HTTP/1.1',
        'Host: localhost',
        'Content-Length: 0',
        'Sealed-Certificate: :' . b64($certificate) . ':',
        'Signature-Input: sealed=("@method" "@path" "@query" '
            . '"sealed-certificate");created=' . time_now() . ';nonce="' . $n
            . '";keyid="' . $keyid . '";tag="sealed-sender"',
        'Signature: sealed=:' . b64(random_bytes(32)) . ':',
        '', '' unless $n % 4 == 1;

    return join "\r\n",
        "POST /v1/mailboxes/" . b64u($mailbox->{id}) . '/envelopes HTTP/1.1',
        'Host: localhost',
        'Content-Length: 512',
        'Sealed-Certificate: :' . b64($certificate) . ':',
        'Content-Digest: sha-256=:' . b64(random_bytes(32)) . ':',
        'Signature-Input: sealed=("@method" "@path" "@query" '
            . '"content-digest" "sealed-certificate");created=' . time_now()
            . ';nonce="' . $n . '";keyid="' . $keyid
            . '";tag="sealed-sender"',
        'Signature: sealed=:' . b64(random_bytes(32)) . ':',
        '', random_bytes(512);
}

sub time_now { return int time }
