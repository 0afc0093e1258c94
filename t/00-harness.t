#!/usr/bin/perl

# The harness itself, on nginx without the module: what the other tests take
# for granted, and that the standing tests do see what they look for.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path ();
use IO::Socket::INET ();
use Test::More;

use Sealed::CBOR qw(cbor_decode cbor_head);
use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Signature qw(sign_request);
use Sealed::Wait qw(wait_until slurp spew);

my $nginx = Sealed::Nginx->new(module => 0, workers => 2, http => <<'END');
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT2%%;

        location / {
            return 200 "generation one $request_method $uri";
        }

        location = /empty {
            return 204;
        }

        location = /body {
            client_body_in_single_buffer on;
            proxy_pass http://127.0.0.1:%%PORT%%/echo;
        }

        location = /echo {
            return 200 "length $http_content_length";
        }
    }
END

ok($nginx->port != $nginx->port(2), 'two ports');
is(scalar($nginx->workers), 2, 'two workers');

my $http = Sealed::HTTP->new(port => $nginx->port);

for my $path ('/a', '/b') {
    my $response = $http->request({ method => 'GET', target => $path });

    is($response->status, 200, "$path: status");
    is($response->body, "generation one GET $path", "$path: body");
}

is($http->request({ method => 'GET', target => '/empty' })->status, 204,
   'no body');
is($http->request({ method => 'HEAD', target => '/a' })->body, '', 'HEAD');

for ([ 'in one' ], [ 'in pieces', pieces => [ 5, 20, 30 ] ],
     [ 'in chunks', chunked => 7 ])
{
    my ($name, @how) = @$_;

    is($http->request({ method => 'POST', target => '/body',
                        body => 'x' x 100 }, @how)->body,
       'length 100', "a request $name");
}

my $get = $http->format({ method => 'GET', target => '/p' });

$http->write($get x 3);
is(join(' ', map { $http->response->status } 1 .. 3), '200 200 200',
   'pipelined');
ok(!$http->closed, 'still open');
$http->write("NONSENSE\r\n\r\n");
is($http->response->status, 400, 'raw bytes');
ok($http->closed(60), 'closed by the server');

my $second = Sealed::HTTP->new(port => $nginx->port(2));
is($second->request({ method => 'GET', target => '/c' })->status, 200,
   'second port');


# configuration tests, reload, refused reload

my ($status, $output) = $nginx->config_test;
is($status, 0, 'good configuration') or diag $output;

($status, $output) = $nginx->config_test(http => 'nonsense on;');
isnt($status, 0, 'bad configuration');
like($output, qr/unknown directive "nonsense"/, 'bad configuration: reason');

my @before = $nginx->workers;
my $conf = $nginx->{http};

$nginx->write_conf(http => $conf =~ s/one/two/r);
ok($nginx->reload(wait_old => 1), 'reload');

like(Sealed::HTTP->new(port => $nginx->port)
     ->request({ method => 'GET', target => '/' })->body,
     qr/generation two/, 'reload: new configuration serves');

my %before = map { $_ => 1 } @before;
is(scalar(grep { $before{$_} } $nginx->workers), 0, 'reload: new workers');

$nginx->write_conf(http => 'nonsense on;');
$nginx->allow(qr/unknown directive "nonsense"/);
ok(!$nginx->reload, 'reload refused');
$nginx->write_conf(http => $conf);

my ($victim) = $nginx->workers;
$nginx->signal('KILL', $victim);
ok((wait_until { my @now = $nginx->workers;
                 @now == 2 && !grep { $_ == $victim } @now }),
   'a killed worker is replaced');
is_deeply([ map { /exited on signal 9/ } @{ $nginx->findings->{workers} } ],
          [ 1 ], 'standing test: sees the killed worker');
$nginx->allow(qr/worker process $victim exited on signal 9/);

ok($nginx->restart, 'restart');
is(Sealed::HTTP->new(port => $nginx->port)
   ->request({ method => 'GET', target => '/' })->status, 200,
   'serves after the restart');


# each standing test finds what it is for

sub finds {
    my ($kind, $line, $name) = @_;

    my $path = $nginx->dir . '/logs/extra.log';

    spew($path, "$line\n");
    my $found = $nginx->findings->{$kind};
    unlink $path;

    is(scalar(@$found), 1, "standing test: sees $name");
}

$nginx->secret_octets(my $id = pack 'H*', 'fb' x 16);

finds(alerts => '1#1: [alert] open socket #3', 'alerts');
finds(alerts => '1#1: [emerg] no', 'emergencies');
finds(alerts => '1#1: [crit] no', 'critical lines');
finds(sockets => '[alert] open socket #3 left in connection 4', 'sockets');
finds(sanitizer => '==1==ERROR: AddressSanitizer: x', 'address errors');
finds(sanitizer => 'a.c:1:2: runtime error: x', 'undefined behaviour');
finds(workers => 'worker process 1 exited with code 1', 'exit codes');
finds(secrets => 'x' . unpack('H*', $id) . 'x', 'an id in hex');
finds(secrets => 'GET /' . Sealed::Crypto::b64u($id), 'an id in a path');
finds(secrets => Sealed::Crypto::b64($id), 'an id in base64');
finds(secrets => "x${id}x", 'an id as it is');

is_deeply($nginx->findings,
          { map { $_ => [] } qw(alerts sanitizer sockets workers secrets) },
          'standing tests: nothing else');

$nginx->finish;
ok(!-e $nginx->dir, 'directory removed');
ok(!kill(0, $nginx->master), 'nginx has ended');

{
    my $forgets = 'use Sealed::Nginx; use Test::More; my $nginx = '
        . 'Sealed::Nginx->new(module => 0, http => "server { listen '
        . '127.0.0.1:%%PORT%%; }"); ok(1); print "# ", $nginx->dir, " ", '
        . '$nginx->master, "\n"; done_testing;';

    my $said = qx($^X -I\Q$FindBin::Bin\E/lib -e '$forgets' 2>&1);

    isnt($?, 0, 'a test that forgets finish() fails');
    my ($dir, $pid) = $said =~ /^# (\S+) (\d+)$/m;
    ok($pid && !kill(0, $pid), 'and leaves no nginx');
    File::Path::remove_tree($dir) if $dir;
}


# parts of the client that no vector covers: a server of our own

my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
                                   Proto => 'tcp') or die "listen: $@";
my $client = Sealed::HTTP->new(port => $server->sockport, timeout => 2);
my $peer = $server->accept;

$peer->autoflush(1);
print $peer "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "d\r\nid: 1\ndata: a\r\n5\r\n\n\n: h\r\n3\r\ni\n\n\r\n";
is($client->head->header('transfer-encoding'), 'chunked', 'stream: head');
is_deeply($client->event, { id => 1, data => 'a' }, 'stream: event');
is_deeply($client->event, { comment => 'hi' }, 'stream: comment');
is($client->event(0.05), undef, 'stream: nothing more');
ok(!$client->ended, 'stream: but not the end');
print $peer "0\r\n\r\n";
is($client->event(1), undef, 'stream: end');
ok($client->ended, 'stream: seen as such');

print $peer "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 204 N\r\n";
is($client->response->body, 'abc', 'length respected');
ok(!eval { $client->response(timeout => 0.1) }, 'timeout');
like($@, qr/^timeout/, 'timeout: reason');
print $peer "\r\n";
is($client->response->status, 204, 'late head');

print $peer "\x82\x03abc\x88\x05\x03\xe8bye", "\x82\x7e\x01\x00", 'x' x 256;
is_deeply($client->read_frame, { opcode => 2, fin => 1, payload => 'abc' },
          'frame');
is_deeply([ @{ $client->read_frame }{qw(opcode code reason)} ],
          [ 8, 1000, 'bye' ], 'close frame');
is(length $client->read_frame->{payload}, 256, 'longer frame');
is(unpack('H*', $client->frame(2, 'abcde', mask => "\1\2\3\4")),
   '82850102030460606060' . '64', 'masked frame');
is(unpack('H*', $client->frame(9, '', mask => undef)), '8900',
   'unmasked frame');
close $peer;
ok($client->closed(60), 'end of the connection');

for my $bad ('1817', '1900ff', '1a0000ffff', '9f', '5f',
             '1b00000000ffffffff', '41', '0000', 'f5', '')
{
    ok(!eval { cbor_decode(pack 'H*', $bad); 1 }, "CBOR refused: \"$bad\"");
}

is(unpack('H*', cbor_head(2, 3, 2)), '590003', 'CBOR: longer form on demand');


# a signature can be broken in each of its parts

my %sign = (key => 'k' x 32, keyid => 'id', created => 1, nonce => 2);

sub input {
    my (%o) = @_;

    my $request = { method => 'GET', target => '/a?b', headers => [],
                    body => delete $o{body} };

    my $base = sign_request($request, %sign, %o);

    return ({ map { @$_ } @{ $request->{headers} } }, $base);
}

my ($good, $base) = input();
my $params = 'created=1;nonce="2";keyid="id";tag="sealed-sender"';

is($good->{'Signature-Input'},
   "sealed=(\"\@method\" \"\@path\" \"\@query\");$params", 'signed');
is($base, "\"\@method\": GET\n\"\@path\": /a\n\"\@query\": ?b\n"
          . "\"\@signature-params\": "
          . $good->{'Signature-Input'} =~ s/^sealed=//r, 'base');

is((input(tag => undef))[0]{'Signature-Input'} =~ /tag/, '', 'no tag');
like((input(order => [ qw(tag keyid nonce created) ]))[0]{'Signature-Input'},
     qr/\);tag="sealed-sender";keyid="id";nonce="2";created=1\z/, 'order');
like((input(components => [ '@path', '"ttl";sf' ]))[0]{'Signature-Input'},
     qr/^sealed=\("\@path" "ttl";sf\);/, 'components');
like((input(params => ';x'))[0]{'Signature-Input'}, qr/\);x\z/, 'parameters');
like((input(label => 'other'))[0]{Signature}, qr/^other=:/, 'label');
is((input(input => 'x'))[0]{'Signature-Input'}, 'x', 'input');
is((input(signature => 'x'))[0]{Signature}, 'x', 'signature');
is((input(mac => 'abc'))[0]{Signature}, 'sealed=:YWJj:', 'mac');
like((input(body => 'x'))[0]{'Content-Digest'}, qr/^sha-256=:/, 'digest');
ok(!exists((input(body => 'x', digest => undef))[0]{'Content-Digest'}),
   'no digest');
is((input(digest => 'x'))[0]{'Content-Digest'}, 'x', 'other digest');
isnt((input(created => 2))[0]{Signature}, $good->{Signature}, 'created');
isnt((input(key => 'l' x 32))[0]{Signature}, $good->{Signature}, 'key');

done_testing;
