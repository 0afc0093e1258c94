#!/usr/bin/perl

# Clients that leave: before their headers end, before their body, within it,
# while they wait, within the answer.  Bodies in pieces, shorter and longer
# than they say.  Each time nothing has changed and no connection is left.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Socket qw(IPPROTO_TCP);
use Test::More;

use Sealed::Client ();
use Sealed::Crypto qw(b64 b64u random_bytes);
use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp spew);

use constant TCP_CORK => 3;

my $nginx = Sealed::Nginx->gateway(server_conf => <<'END');
        location = /connections { stub_status; }

        location /checked/ {
            client_body_buffer_size 1k;
            sealed_access main;
            proxy_pass http://127.0.0.1:%%PORT2%%/;
        }
    }

    server {
        listen 127.0.0.1:%%PORT2%%;
        location / { return 200 "length $http_content_length"; }
END

my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my $box = $client->mailbox;
my $path = $client->path($box, '/envelopes');

is($client->open_mailbox($client->certified(class => 1), $box)->status, 201,
   'open');
is($client->send($sender, $box, 'a' x 512)->status, 201, 'send');

sub connection { return Sealed::HTTP->new(port => $nginx->port) }

sub state {
    return { zone => $nginx->zone_status, mailbox => $client->status($box)
                                                            ->json };
}

# this one, and the shared one of the client

sub connections {
    my $text = Sealed::HTTP->new(port => $nginx->port)->request({
        method => 'GET', target => '/connections',
        headers => [ [ 'Connection', 'close' ] ] })->body;

    return $text =~ /Active connections: (\d+)/ ? $1 : undef;
}

sub unchanged {
    my ($name, $before) = @_;

    ok(wait_until(sub { connections() == 2 }), "$name: no connection");
    is_deeply(state(), $before, "$name: nothing has changed");
}

my $request = sub {
    return $client->request($sender, 'POST', $path, body => $_[0] x 512,
        headers => [ [ 'Content-Type', 'application/octet-stream' ] ]);
};
my $leave = { reset => sub { $_[0]->abort }, end => sub { $_[0]->close },
              half => sub { shutdown $_[0]->socket, 1;
                            ok($_[0]->closed(60), 'the other half follows');
                            $_[0]->close } };
my $before = state();

# nginx says this of itself, before it knows which location is meant
$nginx->allow(qr/while reading client request (?:line|headers)/);

for my $how (sort keys %$leave) {
    my $bytes = Sealed::HTTP->new(lazy => 1)->format($request->('b'));
    my $head = index($bytes, "\r\n\r\n") + 4;

    for ([ 'nothing', 0 ], [ 'within the request line', 20 ],
         [ 'within a header', int $head / 2 ], [ 'after the headers', $head ],
         [ 'within the body', $head + 100 ],
         [ 'one octet short', length($bytes) - 1 ])
    {
        my ($name, $size) = @$_;
        my $leaver = connection();

        # what is written is there before the client goes
        $leaver->write(substr $bytes, 0, $size) if $size;
        $leave->{$how}->($leaver);
        unchanged("$how, $name", $before);
    }
}

# while they wait

for my $how (sort keys %$leave) {
    my @readers = map { connection() } 1 .. 4;

    $_->send($client->request($box, 'GET', "$path?wait=60&after=1"))
        for @readers;
    ok(!$readers[-1]->closed(0.3), 'readers wait');
    $leave->{$how}->($_) for @readers;
    unchanged("$how, while waiting", $before);
}

# the end comes in one packet with the request

my $http = connection();
setsockopt $http->socket, IPPROTO_TCP, TCP_CORK, 1;
$http->send($client->request($box, 'GET', "$path?wait=60&after=1"));
shutdown $http->socket, 1;
ok($http->closed(60), 'an end that came with the request is noticed');
$http->close;
unchanged('an end with the request', $before);

# within the answer

is($client->send($sender, $box, chr(64 + $_) x 65536)->status, 201,
   "64 KiB, $_") for 1 .. 12;
$before = state();

for my $how (qw(reset end)) {
    my @readers = map { connection() } 1 .. 3;

    for (@readers) {
        $_->send($client->request($box, 'GET', $path));
        is($_->head->status, 200, 'the answer begins');
    }

    $leave->{$how}->($_) for @readers;
    unchanged("$how, within the answer", $before);
}

is(scalar($client->read($box)->items), 13, 'it is still there for others');

# the body in any pieces

for my $sizes ([ 1, 2, 3 ], [ (100) x 8 ], [ 1200, 1, 1 ], [ (700) x 3 ]) {
    my $fanout = $client->request($sender, 'POST', '/v1/envelopes',
        headers => [ [ 'Content-Type',
                       'application/vnd.sealed-sender.fanout+cbor' ] ],
        body => Sealed::Client::fanout([ $box->{id} ], [ 'h' x 48 ],
                                       random_bytes(1024)));

    is(connection()->request($fanout, pieces => $sizes)->json->{accepted}, 1,
       "pieces of @{$sizes}[0 .. 2]");
}

for my $size (1, 1023, 1024, 1025, 5000, 150_000) {
    is($client->call($sender, 'POST', '/checked/x', body => 'x' x $size,
                     send => { pieces => [ 900, 1, 100 ] })->body,
       "length $size", "in front of other content, $size octets");
}

$http = connection();
$http->write($http->format($request->('e'))
             =~ s/\r\n/\r\nExpect: 100-continue\r\n/r);
is($http->response->status, 201, 'Expect: 100-continue');
is($http->{continued}, 1, 'which says to go on');

# the body of a request that is refused is not asked for

for ([ 401, $client->certified(class => 1), $path ],
     [ 404, $sender, '/v1/nowhere' ], [ 401, $client->certified(class => 1),
                                        '/checked/x' ])
{
    my ($status, $actor, $target) = @$_;

    $http = connection();
    $http->write($http->format($client->request($actor, 'POST', $target,
                                                body => 'x' x 512))
                 =~ s/\r\n/\r\nExpect: 100-continue\r\n/r
                 =~ s/x{512}\z//r);
    is($http->response->status, $status, "refused before the body: $target");
    is($http->{continued}, undef, 'without being told to go on');
}

# more than was said is another request, and none

$http = connection();
$http->write($http->format($request->('l')) . "and more\r\n\r\n");
is($http->response->status, 201, 'a body as long as it said');
is($http->response->status, 400, 'what follows is no request');

# one after the other without waiting

$http = connection();
my $next = $client->status($box)->json->{next};
$http->write(join '', map { $http->format($_) }
    (map { $request->($_) } 'p' .. 's'),
    $client->request($box, 'GET', $path . '?wait=20&after=' . ($next + 2)),
    $request->('t'), $client->request($box, 'GET', $client->path($box)));
is($http->response->status, 201, "pipelined, $_") for 1 .. 4;
my @items = $http->response->items;
is(join('', map { substr $_->{body}, 0, 1 } @items), 's', 'pipelined, read');
is($http->response->status, 201, 'pipelined, send');
is($http->response->json->{next}, $next + 5, 'pipelined, status');

is($client->acknowledge($box, $next + 4)->status, 204, 'acknowledge');
is($client->send($sender, $box, chr(64 + $_) x 65536)->status, 201,
   "64 KiB, $_") for 1 .. 4;
is($client->send($sender, $box, 'n' x 512)->status, 201, 'a small one');

# the largest size is taken away: what has it can be read all the same

my $conf = slurp($nginx->dir . '/nginx.conf');
$conf =~ s/(envelope_sizes 512).*?;/$1;/ or die 'envelope_sizes';
$conf =~ s/(sealed_zone main 16m \{)/$1 mailbox bytes=1m;/ or die 'zone';
spew($nginx->dir . '/nginx.conf', $conf);
ok($nginx->reload, 'fewer sizes');
$client->disconnect;
is($client->send($sender, $box, 'x' x 65536)->status, 413,
   'a size that is none any more');
@items = $client->read($box)->items;
is(join(' ', map { substr($_->{body}, 0, 1) . length $_->{body} } @items),
   'A65536 B65536 C65536 D65536 n512', 'all is read');

is($client->close_mailbox($box)->status, 204, 'close');

$nginx->finish;
done_testing;
