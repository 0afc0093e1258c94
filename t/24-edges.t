#!/usr/bin/perl

# A full zone and its recovery, a young one, HTTP/2, OPTIONS, expires, nonces
# below the window, full by number, certificates as keys of limit_req.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use Sealed::Client ();
use Sealed::Crypto qw(b64 b64u random_bytes);
use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Wait qw(spew);

my $nginx = Sealed::Nginx->gateway(
    zone_size => '1m',
    zone_conf => 'mailbox envelopes=30 bytes=4m;',
    server_conf => <<'END',
        listen 127.0.0.1:%%PORT2%% http2;

        location /limited/ {
            limit_req zone=certificate;
            sealed_access main;
            empty_gif;
        }
    }

    limit_req_zone $sealed_certificate_id zone=certificate:64k rate=1r/m;
    limit_req_status 429;

    server {
        listen 127.0.0.1:%%PORT3%%;
END
);
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my $box = $client->mailbox;
my $opener = $client->certified(class => 1);

# young: signed before the zone began

my $response = $client->open_mailbox($opener, $box,
                                     sign => { created => time - 200 });
is($response->status, 503, 'signed before the zone began');
like($response->header('Retry-After'), qr/^\d+$/, 'when to come back');

is($client->open_mailbox($opener, $box)->status, 201, 'open');

# full

my $stored = 0;

while ($stored < 30) {
    $response = $client->send($sender, $box, 'x' x 65536);
    last if $response->status != 201;
    $stored++;
}

is($response->status, 503, 'the zone is full');
like($response->header('Retry-After'), qr/^\d+$/, 'when to come back');
is($response->json->{type}, 'urn:sealed-sender:problem:store-full', 'why');
is(scalar($client->read($box)->items), $stored, 'what was accepted is there');
is($client->acknowledge($box, 1)->status, 204, 'acknowledging still works');
is($client->send($sender, $box, 'x' x 65536)->status, 201, 'room again');
is($client->acknowledge($box, $stored + 1)->status, 204, 'empty');
is($client->send($sender, $box, 'x' x 512)->status, 201, "small $_")
    for 1 .. 30;
is($client->send($sender, $box, 'x' x 512)->status, 507, 'full by number');
is($client->acknowledge($box, $stored + 31)->status, 204, 'empty');

# signatures

is($client->read($box, sign => { expires => time + 60 })->status, 204,
   'expires later');
is($client->read($box, sign => { expires => time - 1 })->status, 401,
   'expired');
is($client->read($box, sign => { nonce => 5 })->status, 409,
   'a nonce below the window');
is($client->read($box, sign => { nonce => '05' })->status, 401,
   'a nonce that is none');

for my $query (qw(after=1&after=2 x=1 wait=61 through=1 limit=0 after=01
                  after=-1 after), 'limit=1&')
{
    is($client->call($box, 'GET', $client->path($box, "/envelopes?$query"))
       ->status, 400, "query $query");
}

is($client->call($box, 'DELETE', $client->path($box, '/envelopes'))->status,
   400, 'acknowledge without a number');

# OPTIONS

$response = Sealed::HTTP->new(port => $nginx->port)->request({
    method => 'OPTIONS', target => $client->path($box, '/envelopes'),
    headers => [], body => '' });
is($response->status, 204, 'OPTIONS');
like($response->header('Access-Control-Allow-Methods'), qr/POST/, 'methods');
like($response->header('Access-Control-Allow-Headers'),
     qr/Content-Digest.*Signature-Input/, 'headers');
is($response->header('Access-Control-Allow-Origin'), '*', 'origin');

# what is for operators no page of another origin sees or does

for my $case ([ GET => '/status', 200 ], [ OPTIONS => '/status', 204 ],
              [ OPTIONS => '/v1/reports', 204 ],
              [ OPTIONS => '/v1/revocations', 204 ],
              [ POST => '/v1/reports?revoke=1', 400 ],
              [ POST => '/v1/revocations', 400 ])
{
    my ($method, $target, $status) = @$case;
    my $body = $method eq 'POST' ? '{}' : '';

    $response = Sealed::HTTP->new(port => $nginx->port)->request({
        method => $method, target => $target, body => $body,
        headers => [ [ Origin => 'https://page.example' ],
                     $body ? ([ 'Content-Type' => 'application/json' ],
                              [ 'Content-Length' => length $body ]) : () ] });
    is($response->status, $status, "$method $target");
    is($response->header('Access-Control-Allow-Origin'), undef,
       'no origin is allowed');
    is($response->header('Cache-Control'), 'no-store', 'nor is it kept');
}

# certificates as a key

is($client->call($sender, 'GET', '/limited/x')->status, 200, 'one passes');
is($client->call($sender, 'GET', '/limited/x')->status, 429, 'one more not');
is($client->call($client->certified(class => 2), 'GET', '/limited/x')
   ->status, 200, 'another certificate does');

# HTTP/2

sub curl {
    my ($request, @more) = @_;

    spew($nginx->dir . '/body', $request->{body});

    my @headers = map { ('-H', "$_->[0]: $_->[1]") }
        grep { lc $_->[0] !~ /^(?:host|content-length|connection)$/ }
        @{ $request->{headers} };
    my @body = length $request->{body} || $request->{method} =~ /^P/
        ? ('--data-binary', '@' . $nginx->dir . '/body') : ();

    open my $pipe, '-|', 'curl', '-s', '-m', 120, '--http2-prior-knowledge',
        '-o', $nginx->dir . '/answer', '-w', '%{http_code} %{http_version}',
        '-X', $request->{method}, @headers, @body, @more,
        'http://127.0.0.1:' . $nginx->port(2) . $request->{target}
        or die "curl: $!";

    return scalar <$pipe>;
}

my $path = $client->path($box, '/envelopes');
my @type = (headers => [ [ 'Content-Type', 'application/octet-stream' ] ]);

is(curl($client->request($sender, 'POST', $path, body => 'x' x 512, @type)),
   '201 2', 'HTTP/2: send');
is(curl($client->request($box, 'GET', $path)), '200 2', 'HTTP/2: read');
my $changed = $client->request($sender, 'POST', $path, body => 'x' x 512,
                               @type);
$changed->{body} = 'y' x 512;
is(curl($changed), '400 2', 'HTTP/2: digest of another body');
is(curl({ method => 'GET', target => $path, headers => [], body => '' }),
   '401 2', 'HTTP/2: unsigned');
is(curl({ method => 'GET', target => "$path/", headers => [], body => '' }),
   '404 2', 'HTTP/2: path');
is($client->acknowledge($box, $stored + 32)->status, 204, 'empty');

is($client->close_mailbox($box)->status, 204, 'close');

$nginx->finish;
done_testing;
