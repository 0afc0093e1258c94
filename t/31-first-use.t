#!/usr/bin/perl

# Blind certificates at the access check: epochs, key lines, a first use that
# is computed in another thread or in the worker, on any transport.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client qw(certificate_id);
use Sealed::Crypto qw(b64 b64u kdf random_bytes x25519_public);
use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Wait qw(spew wait_until);

# an epoch is long, so that none ends while this runs

my $conf = <<'END';
        epoch 31d overlap=31d;
        first_uses address=100000;
        class small 3 send budget=5;
END

sub with_threads {
    my ($threads) = @_;

    my $nginx = Sealed::Nginx->gateway(
        workers => 2, zone_conf => "$conf threads $threads;",
        main => 'thread_pool curves threads=2;',
        server_conf => <<'END',
        listen 127.0.0.1:%%PORT2%% http2;

        location /behind/ {
            sealed_access main;
            proxy_pass http://127.0.0.1:%%PORT3%%;
        }

        location /early/ {
            set $class $sealed_certificate_class;
            set $id $sealed_certificate_id;
            sealed_access main;
            add_header X-Class $class;
            add_header X-Id $id;
            empty_gif;
        }
    }

    server {
        listen 127.0.0.1:%%PORT3%%;
        location / {
            return 200 "behind\n";
        }
END
    );

    my $client = Sealed::Client->new(nginx => $nginx);
    my $box = $client->mailbox;
    my $epoch = $client->epoch;
    my $body = 'x' x 512;
    my $path = $client->path($box, '/envelopes');
    my $sent = 0;

    my $sends = sub {
        my ($sender, $status, $name) = @_;

        $client->disconnect;
        is($client->send($sender, $box, $body)->status, $status,
           "threads $threads: $name");
        $sent++ if $status == 201;
    };

    is($client->open_mailbox($client->minted(class => 1), $box)->status, 201,
       "threads $threads: open");

    # epochs

    $sends->($client->minted(class => 2), 201, 'this epoch');
    $sends->($client->minted(class => 2, epoch => $epoch - 1), 201,
             'the one before, in the overlap');
    $sends->($client->minted(class => 2, epoch => $epoch - 2), 401,
             'the one before that');
    $sends->($client->minted(class => 2, epoch => $epoch + 1), 401,
             'the next one');
    $sends->($client->minted(class => 2, epoch => 4294967295), 401,
             'the last one ever');

    # classes

    $sends->($client->minted(class => 1), 401, 'a class that opens');
    $sends->($client->minted(class => 9), 401, 'an unknown class');

    my $small = $client->minted(class => 3);

    $sends->($small, 201, "unit $_") for 1 .. 5;
    $sends->($small, 429, 'budget spent');

    # the same secret, another class, another epoch: nothing is transferable

    for ([ 1, 3, 'class' ], [ 5, $epoch - 1 & 255, 'epoch' ]) {
        my ($at, $value, $name) = @$_;
        my %other = %{ $client->minted(class => 2) };

        substr($other{certificate}, $at, 1) = chr $value;
        $other{keyid} = b64u(certificate_id($other{certificate}));
        $sends->(\%other, 401, "another $name");
    }

    # without one half of the secret

    $sends->($client->blind_holder(class => 2, epoch => $epoch,
                                   poprf => random_bytes(64)), 401,
             'a serial without its evaluation');
    $sends->($client->minted(class => 2, master => random_bytes(32)), 401,
             'of another issuer');

    # in front of other content, with a body, read early

    is($client->call($client->minted(class => 2), 'GET', '/behind/')->body,
       "behind\n", "threads $threads: in front of a proxy");
    is($client->call($client->minted(class => 2), 'POST', '/behind/',
                     body => 'y' x 2000)->body, "behind\n",
       "threads $threads: with a body");
    is($client->call($client->minted(class => 2,
                                     master => random_bytes(32)), 'GET',
                     '/behind/')->status, 401,
       "threads $threads: in front of a proxy, refused");

    my $early = $client->minted(class => 2);
    my $response = $client->call($early, 'GET', '/early/');

    is($response->header('X-Class'), 'verified',
       "threads $threads: a variable that is asked for early");
    is($response->header('X-Id'), $early->{keyid},
       "threads $threads: and another");

    # pipelined, cut off, in pieces

    my $http = $client->connection;

    $http->write(join '', map { $http->format($client->request(
        $client->minted(class => 2), 'POST', $path, body => $body)) } 1 .. 5);
    is($http->response->status, 201, "threads $threads: pipelined, $_")
        for 1 .. 5;
    $sent += 5;

    # one octet of the body is missing: nothing of these is stored

    for (1 .. 50) {
        my $cut = $client->connection;

        $cut->write(substr $cut->format($client->request(
            $client->minted(class => 2), 'POST', $path, body => $body)), 0,
            -1);
        $cut->abort;
    }

    $sends->($client->minted(class => 2), 201, 'after fifty that left');

    # HTTP/2, also left early

    my $request = $client->request($client->minted(class => 2), 'POST', $path,
                                   body => $body);

    is(curl($nginx, $request, 120), '201 2', "threads $threads: HTTP/2");
    $sent++;

    # without a body: an answer in front of one confuses curl

    $request = $client->request($client->minted(
        class => 1, master => random_bytes(32)), 'PUT', $client->path($box));
    is(curl($nginx, $request, 120), '401 2',
       "threads $threads: HTTP/2, refused");

    # streams that are reset while their certificate is computed, some of
    # them with their connection; a connection that is reset before nginx has
    # read from it took its streams with it unseen, so there are more

    my $known = $nginx->zone_status->{certificates};
    my $worked = 0;

    for my $round (1 .. 5) {

        for my $connection (1 .. 4) {
            my $h2 = $client->connection(port => $nginx->port(2));

            $h2->write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                       . h2_frame(4, 0, 0, ''));

            for my $stream (map { 2 * $_ + 1 } 0 .. 19) {
                my $put = $client->request($client->minted(class => 1),
                    'PUT', $client->path($box),
                    headers => [ [ 'Sealed-Mailbox-Key',
                        ':' . b64($box->{public}) . ':' ] ]);

                $h2->write(h2_frame(1, 5, $stream, h2_headers($put))
                           . h2_frame(3, 0, $stream, pack 'N', 8));
            }

            $connection % 2 ? $h2->close : $h2->abort;
        }

        $worked = wait_until {
            $nginx->zone_status->{certificates} >= $known + 20;
        } 10;

        last if $worked;
    }

    ok($worked, "threads $threads: streams that left were at work");
    $sends->($client->minted(class => 2), 201, 'after streams that left');

    is(scalar($client->read($box, limit => 1000)->items), $sent,
       "threads $threads: all of it is there");
    is($client->acknowledge($box, $sent)->status, 204,
       "threads $threads: away with it");
    is($client->close_mailbox($box)->status, 204, "threads $threads: close");

    $nginx->finish;
}

# frames of HTTP/2, header fields as literals

sub h2_frame {
    my ($type, $flags, $stream, $payload) = @_;

    return substr(pack('N', length $payload), 1)
        . pack('C C N', $type, $flags, $stream) . $payload;
}

sub h2_string {
    my ($text) = @_;

    my $size = length $text;

    return pack('C', $size) . $text if $size < 127;

    my $head = pack 'C', 127;

    for ($size -= 127; $size >= 128; $size >>= 7) {
        $head .= pack 'C', $size & 127 | 128;
    }

    return $head . pack('C', $size) . $text;
}

sub h2_headers {
    my ($request) = @_;

    return join '', map { "\0" . h2_string($_->[0]) . h2_string($_->[1]) }
        [ ':method', $request->{method} ], [ ':scheme', 'http' ],
        [ ':path', $request->{target} ], [ ':authority', 'localhost' ],
        [ 'content-length', '0' ],
        map { [ lc $_->[0], $_->[1] ] } @{ $request->{headers} };
}

sub curl {
    my ($nginx, $request, $seconds) = @_;

    spew($nginx->dir . '/body', $request->{body});

    my @headers = map { ('-H', "$_->[0]: $_->[1]") } @{ $request->{headers} };

    open my $pipe, '-|', 'curl', '-s', '-m', $seconds,
        '--http2-prior-knowledge', '-o', $nginx->dir . '/answer',
        '-w', '%{http_code} %{http_version}', '-X', $request->{method},
        @headers, '-H', 'Content-Type: application/octet-stream',
        '--data-binary', '@' . $nginx->dir . '/body',
        'http://127.0.0.1:' . $nginx->port(2) . $request->{target}
        or die "curl: $!";

    return scalar <$pipe>;
}

with_threads($_) for qw(default off curves);

# key lines: what the older one issued is still taken

my $old = random_bytes(32);
my $nginx = Sealed::Nginx->gateway(zone_conf => $conf);
my $new = $nginx->master_secret;

$nginx->file('master', 'new ' . unpack('H*', $new) . "\nold "
             . unpack('H*', $old) . "\n");
ok($nginx->reload(wait_old => 1), 'two key lines');

my $client = Sealed::Client->new(nginx => $nginx);
my $before = Sealed::Client->new(
    nginx => $nginx, exchange => x25519_public(kdf($old, 1, 'sealedv1')));
my $box = $client->mailbox;

is($client->open_mailbox($client->minted(class => 1), $box)->status, 201,
   'open');
is($client->send($client->minted(class => 2), $box, 'x' x 512)->status, 201,
   'by the new line');

my $sender = $before->minted(class => 2, master => $old);

is($before->send($sender, $box, 'x' x 512)->status, 201, 'by the old line');
is($before->send($client->minted(class => 2, master => $old), $box,
                 'x' x 512)->status, 401, 'half by each');

$nginx->file('master', 'new ' . unpack('H*', $new) . "\n");
ok($nginx->reload(wait_old => 1), 'the old line leaves');

$before->disconnect;
is($before->send($sender, $box, 'x' x 512)->status, 401,
   'and what it issued with it');

$client->disconnect;
is($client->acknowledge($box, 2)->status, 204, 'away with it');
is($client->close_mailbox($box)->status, 204, 'close');
$nginx->finish;

# a bound on first uses; known certificates do not care

$nginx = Sealed::Nginx->gateway(zone_conf => 'first_uses address=1;');
$client = Sealed::Client->new(nginx => $nginx);
$box = $client->mailbox;
$sender = $client->minted(class => 2);

is($client->open_mailbox($client->minted(class => 1), $box)->status, 201,
   'open');
is($client->send($sender, $box, 'x' x 512)->status, 201, 'first use');

my ($garbage, $busy) = ($client->minted(class => 2, master => 'x' x 32));

for (1 .. 300) {
    my $response = $client->send($garbage, $box, 'x' x 512);

    if ($response->status == 503) {
        $busy = $response;
        last;
    }
}

ok($busy, 'garbage is not computed for ever');
is($busy->json->{type}, 'urn:sealed-sender:problem:first-uses', 'why');
like($busy->header('Retry-After'), qr/^\d+$/, 'when to come back');
is($client->send($sender, $box, 'x' x 512)->status, 201, 'a known one');
is($client->acknowledge($box, 2)->status, 204, 'away with it');
is($client->close_mailbox($box)->status, 204, 'close');
is($nginx->zone_status->{certificates}, 2, 'only two are in the table');

$nginx->finish;
done_testing;
