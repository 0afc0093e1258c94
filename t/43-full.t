#!/usr/bin/perl

# No room: in the zone, in a mailbox, in the table of certificates.  Each is
# answered as the protocol says, changes nothing, leaves what was accepted
# where it is, writes a line now and then and not for each request, and is over
# as soon as there is room, without a restart.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until);

my $nginx = Sealed::Nginx->gateway(
    zone_size => '1m',
    zone_conf => 'mailbox envelopes=200 bytes=4m;
                  first_uses address=100000 worker=100000;',
);
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my @boxes = map { $client->mailbox } 0 .. 3;

is($client->open_mailbox($client->certified(class => 1), $_)->status, 201,
   'open') for @boxes;

sub refused {
    my ($response, $status, $type, $what) = @_;

    is($response->status, $status, "$what: status");
    is($response->json->{type}, "urn:sealed-sender:problem:$type",
       "$what: type");

    if ($status == 503) {
        like($response->header('Retry-After'), qr/^[1-9]\d*$/,
             "$what: when to come back");

    } else {
        is($response->header('Retry-After'), undef, "$what: no time");
    }
}

sub lines {
    my ($pattern) = @_;

    return scalar(() = $nginx->error_log =~ /$pattern/g);
}


# a mailbox that is full, by its number of envelopes

is($client->send($sender, $boxes[0], 'f' x 512)->status, 201, 'fill')
    for 1 .. 200;
refused($client->send($sender, $boxes[0], 'x' x 512), 507, 'mailbox-full',
        'a full mailbox');

my $response = $client->send_fanout($sender, [ @boxes[0, 1] ], [],
                                    'x' x 512);
is($response->status, 200, 'one of two is full');
is_deeply($response->json,
          { accepted => 1,
            refused => [ { recipient => 0, reason => 'full' } ] },
          'which of them');
is($client->status($boxes[0])->json->{envelopes}, 200, 'nothing was added');
is($client->acknowledge($boxes[0], 1)->status, 204, 'room for one');
is($client->send($sender, $boxes[0], 'f' x 512)->status, 201, 'one');
refused($client->send($sender, $boxes[0], 'x' x 512), 507, 'mailbox-full',
        'full again');
is(lines('is full'), 0, 'a full mailbox is nobody\'s business');


# a zone that is full of mail

my $stored = 0;

for (1 .. 100) {
    $response = $client->send($sender, $boxes[2], 'm' x 16384);
    last if $response->status != 201;
    $stored++;
}

refused($response, 503, 'store-full', 'a full zone');

my $before = $nginx->zone_status;

refused($client->send($sender, $boxes[2], 'x' x 16384), 503, 'store-full',
        "a full zone, again") for 1 .. 20;
refused($client->send_fanout($sender, [ @boxes[1, 2, 3] ], [], 'x' x 16384),
        503, 'store-full', 'fan-out');

my $after = $nginx->zone_status;

is_deeply([ @$after{qw(envelopes bodies cells pages_free)} ],
          [ @$before{qw(envelopes bodies cells pages_free)} ],
          'refused mail left nothing behind');
is(lines('zone "main" is full'), 1, 'one line for all of them');

# everything else works: mail leaves pages to it

my @items = $client->read($boxes[2])->items;

is(scalar @items, $stored, 'what was accepted is there');
is(scalar(grep { $_->{body} ne 'm' x 16384 } @items), 0, 'and whole');
is($client->status($boxes[2])->status, 200, 'status');

my $late = $client->mailbox;
my $opener = $client->certified(class => 1);

is($client->open_mailbox($opener, $late)->status, 201, 'a new mailbox');
is($client->close_mailbox($late)->status, 204, 'which closes');
is($client->send($client->certified(class => 2), $client->mailbox,
                 'x' x 512)->status, 404, 'a new certificate');
is($client->acknowledge($boxes[2], 1)->status, 204, 'acknowledge');
is($client->send($sender, $boxes[2], 'm' x 16384)->status, 201, 'and on');
refused($client->send($sender, $boxes[2], 'x' x 16384), 503, 'store-full',
        'full once more');
is($client->acknowledge($boxes[2], $stored + 1)->status, 204, 'all of them');
is($client->send($sender, $boxes[2], 'm' x 16384)->status, 201,
   'room, without a restart');
is($client->acknowledge($boxes[2], $stored + 2)->status, 204, 'away with it');


# as many certificates as there may be

my $used = 0;

for (1 .. 2000) {
    $response = $client->send($client->certified(class => 2), $boxes[1],
                              'c' x 512);
    last if $response->status != 201;
    is($client->acknowledge($boxes[1],
                            $client->status($boxes[1])->json->{next} - 1)
       ->status, 204, 'away with it') if ++$used % 100 == 0;
}

cmp_ok($used, '>', 200, "$used certificates");
refused($response, 503, 'certificates-full', 'one more');
refused($client->send($client->certified(class => 2), $boxes[1], 'x' x 512),
        503, 'certificates-full', 'another one') for 1 .. 5;

# those that are known go on, and are not forgotten

my $repeated = $client->request($sender, 'POST',
                                $client->path($boxes[3], '/envelopes'),
                                body => 'k' x 512,
                                headers => [ [ 'Content-Type',
                                             'application/octet-stream' ] ]);

is($client->shared->request($repeated)->status, 201, 'a known certificate');
is($client->shared->request($repeated)->status, 409, 'and its window');
is($client->read($boxes[3])->items, 1, 'reading');
cmp_ok(lines('\[(?:warn|error|crit)\]'), '<=', 3, 'few lines in the log');

# a revocation that cannot be kept is refused, one of a known certificate holds

my $unknown = $client->certified(class => 2);

refused($client->revoke($unknown->{id}), 503, 'certificates-full',
        'a revocation of one that was never seen');
refused($client->send($unknown, $boxes[1], 'u' x 512), 503,
        'certificates-full', 'which cannot be used either');
is($client->revoke($sender->{id})->status, 204, 'of one that is in the table');
is($client->send($sender, $boxes[1], 'r' x 512)->status, 401,
   'revoked, with the table full');

is($client->close_mailbox($_)->status, 204, 'close') for @boxes;
$nginx->finish;
done_testing;
