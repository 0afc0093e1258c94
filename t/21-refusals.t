#!/usr/bin/perl

# What is refused, how, and that nothing changes by it.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::Crypto qw(b64 b64u random_bytes);
use Sealed::HTTP ();
use Sealed::Nginx ();

my $nginx = Sealed::Nginx->gateway(
    zone_conf => 'max_recipients 10; class small 3 send budget=5;'
                 . 'first_uses address=1000;',
);
my $client = Sealed::Client->new(nginx => $nginx);
my $port = $nginx->port;

my $sender = $client->certified(class => 2);
my $opener = $client->certified(class => 1);
my $box = $client->mailbox;

is($client->open_mailbox($opener, $box)->status, 201, 'open');

my $path = $client->path($box, '/envelopes');

is($client->send($sender, $box, 'x' x 512)->status, 201, 'send');

# what nothing that is refused may change

sub state {
    return { zone => $nginx->zone_status,
             mailbox => $client->status($box)->json };
}

my $state = state();
my $one;

sub unchanged {
    my ($name) = @_;

    is_deeply(state(), $state, "$name: nothing has changed");
}

# the one 401

sub refused {
    my ($response, $name) = @_;

    my $text = join "\n", $response->status,
        (map { "$_->[0]: $_->[1]" } grep { lc $_->[0] ne 'date' }
            @{ $response->{headers} }), $response->body;

    $one //= $text;
    is($text, $one, "401: $name");
    like($text, qr/^401\n/, "401: $name, status");
    unchanged($name);
}

sub broken {
    my ($name, $change, %o) = @_;

    my $request = $client->request($o{as} // $sender,
        $o{method} // 'POST', $o{path} // $path,
        body => $o{body} // 'x' x 512, %o);

    $change->($request->{headers}, $request) if $change;
    refused(Sealed::HTTP->new(port => $port)->request($request), $name);
}

sub replace {
    my ($header, $from, $to) = @_;

    return sub {
        for (@{ $_[0] }) {
            next unless lc $_->[0] eq $header;
            $_->[1] =~ s/$from/$to/ or die "$header: no $from\n";
        }
    };
}

sub without {
    my ($header) = @_;

    return sub { @{ $_[0] } = grep { lc $_->[0] ne $header } @{ $_[0] } };
}

broken("without $_", without($_))
    for qw(signature signature-input sealed-certificate content-digest);
for my $name (qw(signature signature-input sealed-certificate
                  content-digest))
{
    broken("$name twice", sub {
        push @{ $_[0] }, grep { lc $_->[0] eq $name } @{ $_[0] };
    });
}

broken('another signature', replace('signature', qr/:(.)/,
                                    sub { ':' . ($1 eq 'A' ? 'B' : 'A') }));
broken('signature not base64', replace('signature', qr/:./, ':!'));
broken('another nonce', replace('signature-input', qr/nonce="\d/,
                                'nonce="9'));
broken('another tag', replace('signature-input', qr/sealed-sender/, 'x'));
broken('another label', replace('signature-input', qr/^sealed=/, 'sig='));
broken('a second member', replace('signature-input', qr/$/, ', b=()'));
broken('coverage', replace('signature-input', qr/ "content-digest"/, ''));
broken('a parameter more', replace('signature-input', qr/$/, ';x=1'));
broken('too old', undef, sign => { created => time - 400 });
broken('from the future', undef, sign => { created => time + 100 });
broken('an uncovered TTL', sub { push @{ $_[0] }, [ 'TTL', '60' ] });

# a certificate that was not used yet: later ones are known by their ids

for my $at (0, 1, 2, 9, 10, 17, 18, 25, 26, 57, 58, 90, 121) {
    my %other = %{ $client->certified(class => 2) };

    substr($other{certificate}, $at, 1)
        = chr(ord(substr $other{certificate}, $at, 1) ^ 1);
    broken("certificate, octet $at, id kept", undef, as => { %other });

    $other{keyid} = b64u(Sealed::Client::certificate_id(
        $other{certificate}));
    broken("certificate, octet $at", undef, as => { %other });
}

broken('certificate too short', replace('sealed-certificate', qr/^:..../,
                                        ':'));
broken('a class that opens', undef, as => $client->certified(class => 1));
broken('an unknown class', undef, as => $client->certified(class => 9));
broken('an ended certificate', undef, as => $client->certified(class => 2,
       not_before => time - 100, not_after => time - 1));
broken('a future certificate', undef, as => $client->certified(class => 2,
       not_before => time + 100, not_after => time + 1000));
broken('too long a life', undef, as => $client->certified(class => 2,
       not_before => time - 1, not_after => time + 30 * 86400));
broken('another authority', undef, as => $client->certified(class => 2,
       seed => random_bytes(32)));

broken('unknown mailbox', undef, as => $client->mailbox, method => 'GET',
       body => '');
broken('a sender that reads', undef, method => 'GET', body => '');
broken('another mailbox\'s owner', undef, as => $client->mailbox,
       path => $client->path($box), method => 'GET', body => '');
broken('a digest without a body', sub {
           push @{ $_[0] }, [ 'Content-Digest', 'sha-256=:' . b64('x' x 32)
                                                . ':' ];
       }, as => $box, method => 'GET', body => '');

# paths, methods, lengths, types

sub answered {
    my ($status, $name, $request) = @_;

    my $response = Sealed::HTTP->new(port => $port)->request($request);

    is($response->status, $status, "$status: $name");
    is($response->header('Cache-Control'), 'no-store', "$name: not cached");
    is($response->json->{status}, $status, "$name: a problem document")
        if $status >= 400;
    unchanged($name);

    return $response;
}

for my $wrong ('/v1/', '/v1/x', '/v1//envelopes', '/v1/envelopes/',
               '/v1/mailboxes/x/envelopes', '/v1/./envelopes',
               '/v1/mailboxes/' . $box->{keyid} . '/')
{
    answered(404, $wrong, { method => 'POST', target => $wrong,
                            headers => [], body => '' });
}

for (qw(PUT PATCH)) {
    my $response = answered(405, $_, { method => $_, target => $path,
                                       headers => [], body => '' });
    like($response->header('Allow'), qr/POST/, "$_: Allow");
}

answered(413, 'not a size', $client->request($sender, 'POST', $path,
                                             body => 'x' x 511));
answered(413, 'a body to read with', { method => 'GET', target => $path,
         headers => [], body => 'xx' });
answered(415, 'type of a fan-out', $client->request($sender, 'POST',
         '/v1/envelopes', body => 'xx'));

my $http = Sealed::HTTP->new(port => $port);
$http->write("POST $path HTTP/1.1\r\nHost: x\r\n"
             . "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
is($http->response->status, 411, '411: chunked');
unchanged('chunked');

$http = Sealed::HTTP->new(port => $port);
$http->write("POST $path HTTP/1.1\r\nHost: x\r\n\r\n");
is($http->response->status, 411, '411: without a length');
unchanged('without a length');

# content

sub fanned {
    my ($status, $name, $body, %o) = @_;

    my $response = $client->send_fanout($sender, undef, undef, $body, %o);
    is($response->status, $status, "$status: $name");
    unchanged($name);
}

my $id = $box->{id};

fanned(400, 'no CBOR', 'nonsense');
fanned(400, 'nobody', "\x83\x40\x40\x59\x02\x00" . 'x' x 512);
fanned(400, 'twice', "\x83\x58\x20$id$id\x40\x59\x02\x00" . 'x' x 512);
fanned(400, 'two strings', "\x82\x50$id\x59\x02\x00" . 'x' x 512);
fanned(400, 'trailing', "\x83\x50$id\x40\x59\x02\x00" . 'x' x 513);
fanned(400, 'indefinite', "\x9f\x50$id\x40\x59\x02\x00" . 'x' x 512 . "\xff");
fanned(413, 'size', "\x83\x50$id\x40\x43xxx");
fanned(413, 'slice', "\x83\x50$id\x59\x01\x01" . 'h' x 257 . "\x59\x02\x00"
                     . 'x' x 512);
fanned(413, 'recipients', "\x83\x58\xb0"
       . join('', map { random_bytes(16) } 1 .. 11) . "\x40\x59\x02\x00"
       . 'x' x 512);

for ([ 'TTL', 'x' ], [ 'TTL', '-1' ], [ 'TTL', '12345678901' ],
     [ 'TTL', '' ], [ 'TTL', '6 0' ],
     [ 'Sealed-Delivery', 'stored' ], [ 'Sealed-Frank', ':AA==:' ])
{
    my $name = join ': ', @$_;

    is($client->send($sender, $box, 'x' x 512, headers => [ $_ ])->status,
       400, $name);
    unchanged($name);
}

for my $key (undef, '', ':', '::', ':AA==:', b64($box->{public}),
             ':' . b64(random_bytes(32)) . ':', ':' . b64("\0" x 32) . ':')
{
    my $name = 'mailbox key ' . ($key // 'missing');
    my $response = $client->call($opener, 'PUT', $client->path($box),
        headers => [ defined $key ? [ 'Sealed-Mailbox-Key', $key ] : () ]);

    is($response->status, 400, $name);
    unchanged($name);
}

# a key of order 2, whose id is right: the exchange gives nothing

my $zero = { public => "\0" x 32,
             id => Sealed::Client::mailbox_id("\0" x 32) };
is($client->open_mailbox($opener, $zero)->status, 400, 'a key of zeros');
unchanged('a key of zeros');

for my $query (qw(after=2 after=18446744073709551615 limit=0 limit=1001
                  wait=61 wait=-1 after= after x=1 after=1&after=1 through=1
                  after=1& &after=1 after=%31 after=+1))
{
    is($client->call($box, 'GET', "$path?$query")->status, 400,
       "read $query");
    unchanged("read $query");
}

for my $query ('', '?', map { "?$_" } qw(through=2 through= after=1 through=01
               through=18446744073709551616 through=1&through=1))
{
    is($client->call($box, 'DELETE', "$path$query")->status, 400,
       "acknowledge $query");
    unchanged("acknowledge $query");
}

my $digest = $client->request($sender, 'POST', $path, body => 'x' x 512);
$digest->{body} = 'y' x 512;
is(Sealed::HTTP->new(port => $port)->request($digest)->status, 400,
   'a digest of something else');
$digest->{body} = 'x' x 512;
is(Sealed::HTTP->new(port => $port)->request($digest)->status, 201,
   'whose nonce was not spent');
is($client->acknowledge($box, 2)->status, 204, 'away with it');
$state = state();

# cut off

$http = Sealed::HTTP->new(port => $port);
my $raw = $http->format($client->request($sender, 'POST', $path,
                                         body => 'x' x 512));
$http->write(substr $raw, 0, -100);
$http->abort;
unchanged('cut off');

# in pieces

$http = Sealed::HTTP->new(port => $port);
$raw = $http->format($client->request($sender, 'POST', $path,
                                      body => 'x' x 512));
$http->write($_), select undef, undef, undef, 0.01
    for $raw =~ /(.{1,150})/sg;
is($http->response->status, 201, 'a request in many pieces');
is($client->acknowledge($box, 3)->status, 204, 'away with it too');

# budget

my $small = $client->certified(class => 3);
is($client->send($small, $client->mailbox, 'x' x 512)->status, 404,
   "unit $_") for 1 .. 4;
$state = state();
is($client->send_fanout($small, [ $box, $client->mailbox ], [],
                        'x' x 512)->status, 429, 'one unit is not enough');
unchanged('one unit is not enough');
is($client->send($small, $client->mailbox, 'x' x 512)->status, 404,
   'but still there');
my $response = $client->send($small, $box, 'x' x 512);
is($response->status, 429, 'budget spent');
like($response->header('Retry-After'), qr/^\d{4,5}$/, 'Retry-After');
unchanged('budget spent');

is($client->close_mailbox($box)->status, 204, 'close');

$nginx->finish;
done_testing;
