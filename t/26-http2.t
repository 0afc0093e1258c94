#!/usr/bin/perl

# What only HTTP/2 can do to a gateway: streams left open, lengths that are
# not kept, bodies in any pieces, streams that are reset.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::XS ();
use Test::More;

use Sealed::CBOR ();
use Sealed::Client ();
use Sealed::Crypto qw(b64 b64u random_bytes);
use Sealed::HTTP2 ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until);

my $nginx = Sealed::Nginx->gateway(server_conf => <<'END');
        listen 127.0.0.1:%%PORT2%% http2;

        location /checked/ {
            sealed_access main;
            empty_gif;
        }
END

my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my $opener = $client->certified(class => 1);
my $box = $client->mailbox;
my $path = $client->path($box, '/envelopes');
my $fanout_type = 'application/vnd.sealed-sender.fanout+cbor';

my $h2 = Sealed::HTTP2->new(port => $nginx->port(2));

sub answers {
    my ($status, $name, $answer) = @_;

    is($answer->{status}, $status, "$status: $name");
    is(JSON::XS::decode_json($answer->{body})->{status}, $status,
       "$name: a problem document") if $status >= 400;

    return $answer;
}

sub envelope {
    my ($octet, %o) = @_;

    return $client->request($sender, 'POST', $path, body => $octet x 512,
                            %o);
}

# all of it

answers(201, 'open', $h2->request($client->request($opener, 'PUT',
    $client->path($box), headers => [ [ 'Sealed-Mailbox-Key',
        ':' . b64($box->{public}) . ':' ] ])));
answers(201, 'send', $h2->request(envelope('a')));
answers(201, 'send, octet by octet', $h2->request(envelope('b'),
                                                  pieces => 1));
answers(200, 'fan-out over many frames', $h2->request(
    $client->request($sender, 'POST', '/v1/envelopes',
        headers => [ [ 'Content-Type', $fanout_type ] ],
        body => Sealed::Client::fanout([ $box->{id} ], [ 'h' x 48 ],
                                       'c' x 65536)), pieces => 1000));

my $answer = answers(200, 'read', $h2->request(
    $client->request($box, 'GET', $path)));
my @items = Sealed::CBOR::cbor_sequence($answer->{body});
is(join(' ', map { substr($_->[3], 0, 1) . length $_->[3] } @items),
   'a512 b512 c65536', 'what was sent');
answers(204, 'acknowledge', $h2->request(
    $client->request($box, 'DELETE', "$path?through=3")));

# no length, and the stream left open

sub unchanged {
    my ($name) = @_;

    is_deeply([ @{ $client->status($box)->json }{qw(envelopes next)} ],
              [ 0, 4 ], "$name: nothing stored");
}

for ([ POST => $path ], [ POST => '/v1/envelopes' ], [ GET => $path ],
     [ PUT => $client->path($box) ], [ DELETE => "$path?through=1" ])
{
    my ($method, $target) = @$_;
    my $actor = $method =~ /^P/ ? $sender : $box;

    my $stream = $h2->headers($client->request($actor, $method, $target,
        headers => [ [ 'Content-Type', $fanout_type ] ]), length => undef);

    answers(411, "$method, left open without a length",
            $h2->response($stream));
}

my $stream = $h2->headers(envelope('d'), length => undef);
$h2->data($stream, 'd' x 512, end => 1);
answers(411, 'a body without a length', $h2->response($stream));

$stream = $h2->headers({ method => 'POST', target => $path },
                       length => undef, end => 1);
answers(411, 'POST that is over without a length', $h2->response($stream));

$stream = $h2->headers($client->request($sender, 'GET', '/checked/x'),
                       length => undef);
answers(411, 'left open in front of other content', $h2->response($stream));
is($h2->request($client->request($sender, 'GET', '/checked/x'))->{status},
   200, 'but not when it is over');
unchanged('without a length');

# a length that is not kept

$stream = $h2->headers(envelope('e'));
$h2->data($stream, 'e' x 511, end => 1);
$answer = $h2->response($stream);
is($answer->{status}, 400, 'shorter than its length');

$stream = $h2->headers(envelope('f'));
$h2->data($stream, 'f' x 513, end => 1);
$answer = $h2->response($stream);
is($answer->{status}, 400, 'longer than its length');

# nginx says this of itself, before it knows which location is meant
$nginx->allow(qr/closed stream while reading client request headers/);

$stream = $h2->headers(envelope('f'), end => 1);
$answer = $h2->response($stream);
is($answer->{status} // 400, 400, 'a length and no body');
unchanged('another length');

# streams that are reset: before the body, within it, while waiting

$stream = $h2->headers(envelope('g'));
$h2->reset($stream);
$stream = $h2->headers(envelope('h'));
$h2->data($stream, 'h' x 200);
$h2->reset($stream);

my @waiting = map {
    $h2->headers($client->request($box, 'GET', "$path?wait=60&after=3"),
                 length => undef, end => 1)
} 1 .. 6;

is($h2->response($waiting[0], 0.3), undef, 'readers wait on one connection');
$h2->reset($waiting[$_]) for 1, 3, 5;
unchanged('reset');

is($client->send($sender, $box, 'i' x 512)->status, 201, 'mail for them');

for (0, 2, 4) {
    $answer = $h2->response($waiting[$_]);
    is($answer->{status}, 200, "reader $_ is woken");
    is((Sealed::CBOR::cbor_sequence($answer->{body}))[0][3], 'i' x 512,
       "and has it");
}

ok(!defined $h2->{streams}{ $waiting[1] }{status},
   'those that were reset got nothing');

# the connection ends while readers wait and a body is on its way

my $gone = Sealed::HTTP2->new(port => $nginx->port(2));
$gone->headers($client->request($box, 'GET', "$path?wait=60&after=4"),
               length => undef, end => 1) for 1 .. 3;
$stream = $gone->headers(envelope('j'));
$gone->data($stream, 'j' x 100);
$gone->close;

is($client->send($sender, $box, 'k' x 512)->status, 201, 'mail goes on');
is(scalar($client->read($box)->items), 2, 'and nothing else came');

# a reader that takes its time: the window stays closed

my $slow = Sealed::HTTP2->new(port => $nginx->port(2));
$slow->frame(Sealed::HTTP2::SETTINGS, 0, 0, pack 'n N', 4, 1000);
is($client->send($sender, $box, chr(64 + $_) x 65536)->status, 201,
   "64 KiB, $_") for 1 .. 3;
$stream = $slow->headers($client->request($box, 'GET', $path),
                         length => undef, end => 1);
wait_until { $slow->response($stream, 0.05);
             length $slow->{streams}{$stream}{body} };
is(length $slow->{streams}{$stream}{body}, 1000, 'as much as the window has');
is($client->acknowledge($box, 6)->status, 204,
   'meanwhile the first are acknowledged');
$slow->frame(Sealed::HTTP2::SETTINGS, 0, 0, pack 'n N', 4, 0x7fffffff);
$answer = $slow->response($stream);
@items = Sealed::CBOR::cbor_sequence($answer->{body});
cmp_ok(scalar @items, '>=', 3, 'whole items follow');
is($items[-1][3], 'C' x 65536, 'to the last');
$slow->close;

is($client->close_mailbox($box)->status, 204, 'close');
$h2->close;

$nginx->finish;
done_testing;
