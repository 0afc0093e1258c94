#!/usr/bin/perl

# What nginx -t says of every wrong configuration; the check in front of
# other content; the configurations in conf/ at work; reloads and deaths.

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
use Sealed::Wait qw(wait_until slurp spew);

my ($secret, $other, $third) = map { $_ x 64 } 1 .. 3;
my $key = "k $secret\n";
my $public = b64u(Sealed::Crypto::ed25519_public("\1" x 32)) . "\n";

my $good = 'master_secret %%DIR%%/key; authority %%DIR%%/public; '
         . 'class a 1 open; class b 2 send budget=1;';

sub refused {
    my ($why, $http, %files) = @_;

    my $nginx = Sealed::Nginx->new(http => $http, start => 0,
        files => { key => $key, public => $public, %files });
    my ($status, $said) = $nginx->config_test;

    isnt($status, 0, "refused: $why");
    like($said, qr/\[emerg\].*\Q$why\E/, "says: $why");
    $nginx->finish;
}

sub accepted {
    my ($what, $http) = @_;

    my $nginx = Sealed::Nginx->new(http => $http, start => 0,
        files => { key => $key, public => $public });
    my ($status, $said) = $nginx->config_test;

    is($status, 0, "accepted: $what") or diag $said;
    $nginx->finish;
}

sub zone { return "sealed_zone main 2m { $_[0] }" }

(my $no_key = $good) =~ s/master_secret \S+;//;
(my $no_authority = $good) =~ s/authority \S+;//;
(my $no_class = $good) =~ s/class.*//;

refused('no "master_secret"', zone($no_key));
refused('no "authority"', zone($no_authority));
refused('no "class"', zone($no_class));
refused('is too small', "sealed_zone main 64k { $good }");
refused('invalid size', "sealed_zone main big { $good }");
refused('invalid parameter "segment=' . $_ . '", it is 64k to 1g',
        "sealed_zone main 2m journal=j segment=$_ { $good }")
    for qw(63k 1025m 2g x);
refused('invalid parameter "sync=' . $_
        . '", it is "always", "off" or 10ms to 60s',
        "sealed_zone main 2m journal=j sync=$_ { $good }")
    for qw(9ms 61s on);
accepted($_, "sealed_zone main 2m journal=%%DIR%%/j $_ { $good "
             . 'max_recipients 10; envelope_sizes 1k; }')
    for 'segment=64k', 'segment=1g', 'sync=10ms', 'sync=60s';
refused('need "journal=" beside them', "sealed_zone main 2m $_ { $good }")
    for 'sync=always', 'segment=64m', 'file=z sync=1s';
refused('invalid parameter', "sealed_zone main 2m $_ { $good }")
    for 'file=a file=b', 'journal=a journal=b', 'file=', 'journal=';
refused('duplicate sealed_zone', zone($good) . zone($good));
refused('have the same master secret',
        zone($good) . "sealed_zone other 2m { $good }");

{
    (my $second = $good) =~ s/key;/second;/;

    refused('have the same file or journal',
            "sealed_zone main 2m $_ { $good } "
            . "sealed_zone other 2m $_ { $second }",
            second => "k $other\n")
        for 'file=%%DIR%%/zone', 'journal=%%DIR%%/journal';
}

for my $lines ("new $other\nold $secret\n", "new $secret\nold $other\n") {
    (my $second = $good) =~ s/key;/second;/;

    refused('have the same master secret',
            zone($good) . "sealed_zone other 2m { $second }",
            key => "a $third\nb $secret\n", second => $lines);
}

refused('invalid name', qq(sealed_zone "ma in" 2m { $good }));
refused('invalid name', 'sealed_zone ' . 'm' x 33 . " 2m { $good }");
refused('invalid name', zone("$good class \xe4 3 open;"));
refused('invalid name', zone("$good class " . 'c' x 33 . ' 3 open;'));
refused('or others than letters', zone("$good prefix /a?b;"));
refused('no room for an envelope of the largest size',
        zone("$good mailbox bytes=65791;"));
refused('not an Ed25519 public key', zone($good),
        public => b64u("\0" x 32) . "\n");
refused('is duplicate', zone("$good master_secret %%DIR%%/key;"));
refused('is duplicate', zone("$good authority %%DIR%%/public;"));
refused('64 hexadecimal digits', zone($good), key => "k 12\n");
refused('more than 3 keys', zone($good), key => join '',
        map { "k$_ " . $_ x 64 . "\n" } 1 .. 4);
refused('used twice', zone($good), key => "k " . '1' x 64 . "\nk "
        . '2' x 64 . "\n");
refused('no key in it', zone($good), key => "# nothing\n");
refused('43 characters', zone($good), public => "short\n");
refused('failed, "sealed keygen authority" makes an authority',
        zone("$good authority %%DIR%%/missing;"));
refused('failed, "sealed keygen deployment" makes a master secret',
        zone("master_secret %%DIR%%/missing;"));
refused('defined already', zone("$good class c 2 open;"));
refused('defined already', zone("$good class a 3 open;"));
refused('needs "open" or "send"', zone("$good class c 3 both;"));
refused('needs "budget="', zone("$good class c 3 send;"));
refused("invalid parameter \"$_\", it is 1 to 2147483647",
        zone("$good class c 3 send budget=1 $_;"))
    for qw(budget=0 budget=2147483648 burst=0 burst=x);
refused('invalid parameter',
        zone("$good class c 3 send budget=1 mailboxes=2;"));
refused('invalid class number', zone("$good class c 256 open;"));
refused('ascending', zone("$good envelope_sizes 1k 512;"));
refused('invalid envelope size', zone("$good envelope_sizes 1;"));
refused('more than 16', zone("$good envelope_sizes "
                             . join(' ', map { "${_}k" } 1 .. 17) . ';'));
refused('invalid value', zone("$good max_recipients 0;"));
refused('invalid value', zone("$good max_ttl 1s;"));
refused('invalid value', zone("$good certificate_lifetime 10y;"));
refused('invalid value', zone("$good epoch 1s;"));
refused('overlap', zone("$good epoch 1h overlap=2h;"));
refused('invalid parameter "envelopes=0", it is 1 to 2147483647',
        zone("$good mailbox envelopes=0;"));
refused('invalid parameter "bytes=4g", it is below 4g',
        zone("$good mailbox bytes=4g;"));
refused('invalid parameter "idle=59s", it is 1m to 68y',
        zone("$good mailbox idle=59s;"));
refused('"max_ttl" directive has an invalid value, it is 1m to 366d',
        zone("$good max_ttl $_;")) for qw(59s 367d x);
refused('is duplicate', zone("$good threads off; threads default;"));
refused("invalid parameter \"$_\", it is 1 to 65535",
        zone("$good class c 3 open $_;"))
    for qw(quota=0 quota=65536 mailboxes=0 mailboxes=65536);
refused("\"$_->[0]\" directive is duplicate",
        zone("$good " . "$_->[0] $_->[1]; " x 2))
    for [ max_recipients => 10 ], [ max_ttl => '1d' ], [ epoch => '1d' ],
        [ certificate_lifetime => '1d' ], [ mailbox => 'idle=1d' ],
        [ first_uses => 'worker=1' ], [ max_batch => 8 ],
        [ readers => 'mailbox=1' ], [ reader_times => 'stall=1s' ],
        [ release_quantum => '1s' ], [ websocket => 'frames=1' ],
        [ prefix => '/v1' ];
refused('invalid value', zone("$good max_batch 0;"));
refused('invalid value', zone("$good max_batch 65;"));

my $issuing = "$no_authority class c 3 send budget=1 quota=8;";

sub located {
    my ($zone, $location) = @_;

    return zone($zone) . " server { listen 127.0.0.1:%%PORT%%; location / "
           . "{ $location } }";
}

refused('invalid number of arguments', located($issuing,
                                               'sealed_issue main;'));
refused('needs "account="', located($issuing,
        'sealed_issue main origin=https://a.example;'));
refused('needs a variable', located($issuing,
                                    'sealed_issue main account=all;'));
refused(qq(invalid parameter "origin=$_", it is "https://name"),
        located($issuing, "sealed_issue main account=\$remote_user "
                          . "origin=$_;"))
    for qw(a.example https://a.example/ https://a.example/b https:// ://a);
refused('invalid parameter', located($issuing,
        'sealed_issue main account=$remote_user account=$remote_user;'));
refused('is duplicate', located($issuing,
        'sealed_issue main account=$remote_user; '
        . 'sealed_issue main account=$remote_user;'));
refused('unknown sealed_zone "other"', located($issuing,
        'sealed_issue other account=$remote_user;'));
refused('no class with "quota="', located($good,
        'sealed_issue main account=$remote_user;'));
refused('unknown sealed_zone "other"', located($issuing,
                                               "sealed_$_ other;"))
    for qw(reports revocations);
refused('is duplicate', located($issuing,
                                "sealed_$_ main; sealed_$_ main;"))
    for qw(reports revocations);
refused('names another zone', located($issuing,
        'sealed_reports main; sealed_revocations other;'));
refused('cannot be in one location', located($issuing,
        "sealed_issue main account=\$remote_user; $_ main;"))
    for qw(sealed_reports sealed_send sealed_access);
refused('cannot be in one location', located($good, $_))
    for 'sealed_send main; sealed_status;',
        'sealed_discovery main; sealed_mailbox main;',
        'sealed_reports main; sealed_discovery main;',
        'sealed_status; sealed_discovery main;';
refused('answers its requests', located($issuing, $_))
    for 'sealed_send main; proxy_pass http://127.0.0.1:9;',
        'sealed_mailbox main; empty_gif;', 'sealed_discovery main; empty_gif;',
        'sealed_status; proxy_pass http://127.0.0.1:9;',
        'sealed_reports main; empty_gif;';
refused('unknown thread pool "none"', zone("$good threads none;"));
refused('invalid parameter', zone("$good readers $_;"))
    for qw(mailbox=0 worker=x process=1 connection=);
refused('invalid value', zone("$good release_quantum $_;"))
    for qw(1ms 2m on);
refused('invalid parameter', zone("$good websocket $_;"))
    for qw(frames=0 unacknowledged=0 size=1);
refused('invalid origin', zone("$good websocket_origins $_;"))
    for qw(app.example https://app.example/ https://app.example/page
           https://app.example?x https:// ://app.example null);
refused('is duplicate', zone("$good websocket_origins https://a; "
                             . 'websocket_origins https://b;'));
refused('invalid parameter', zone("$good reader_times $_;"))
    for qw(heartbeat=0 heartbeat=2h stall=0 jitter=1h jitter=-1 pause=1s);
refused('invalid parameter', zone("$good mailbox size=1;"));
refused('invalid parameter', zone("$good first_uses address=0;"));
refused('must begin with "/"', zone("$good prefix v1;"));
refused('unknown directive', zone("$good colour red;"));
refused('unknown sealed_zone',
        zone($good) . 'server { location / { sealed_send none; } }');
refused('unknown class',
        zone($good) . 'server { location / { sealed_access main c; } }');
refused('another zone', zone($good)
        . 'server { location / { sealed_send main; sealed_mailbox x; } }');
refused('stands beside', zone($good)
        . 'server { location / { sealed_send main; sealed_access main; } }');

{
    my $nginx = Sealed::Nginx->new(http => zone($good), start => 0,
        files => { key => $key, public => $public });

    chmod 0644, $nginx->dir . '/key';
    my ($status, $said) = $nginx->config_test;
    like($said, qr/must be 0600/, 'a key file that others can read');
    $nginx->finish;
}

# in front of other content, with two zones and servers

my $nginx = Sealed::Nginx->gateway(
    workers => 2,
    files => { key2 => "other " . unpack('H*', random_bytes(32)) . "\n" },
    server_conf => <<'END',
        location = /empty { return 204; }

        location /app/ {
            sealed_access main verified;
            proxy_pass http://127.0.0.1:%%PORT2%%/;
            proxy_set_header X-Class $sealed_certificate_class;
            proxy_set_header X-Status $sealed_certificate_status;
        }

        location /files/ {
            sealed_access main;
            index there.html;
            root %%DIR%%;
        }

        location /off/ { sealed_access off; return 200 off; }
    }

    sealed_zone second 2m {
        master_secret %%DIR%%/key2;
        authority %%DIR%%/authority;
        class verified 2 send budget=3;
    }

    server {
        listen 127.0.0.1:%%PORT2%%;
        client_max_body_size 1m;

        location / {
            add_header Got "$http_x_class $http_x_status $content_length";
            return 200 "served";
        }

        location /v1/ { sealed_send second; }
END
);

my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);

for my $body ('', 'x' x 10, 'y' x 200_000) {
    my $response = $client->call($sender, 'POST', '/app/x', body => $body);

    is($response->status, 200, 'passed on, body of ' . length $body);
    is($response->body, 'served', 'served');
    is($response->header('Got'), 'verified ok ' . length $body,
       'variables and body');
}

my $request = $client->request($sender, 'POST', '/app/x', body => 'x' x 10);
$request->{body} = 'z' x 10;
is(Sealed::HTTP->new(port => $nginx->port)->request($request)->status, 400,
   'another body is refused');
is($client->call($client->certified(class => 1), 'GET', '/app/x')->status,
   401, 'another class is refused');
is($client->get('/app/x')->status, 401, 'unsigned is refused');

mkdir $nginx->dir . '/files';
spew($nginx->dir . '/files/there.html', 'a page');
is($client->call($sender, 'GET', '/files/')->body, 'a page',
   'an internal redirect does not check twice');

$request = $client->request($sender, 'GET', '/files/there.html');
is(Sealed::HTTP->new(port => $nginx->port)->request($request)->status, 200,
   'once');
is(Sealed::HTTP->new(port => $nginx->port)->request($request)->status, 409,
   'but not twice');

# a zone grows and shrinks by a reload, with what is in it

my $conf = slurp($nginx->dir . '/nginx.conf');
my $kept = $client->mailbox;
my $spare = $client->mailbox;
is($client->open_mailbox($client->certified(class => 1), $_)->status, 201,
   'open') for $kept, $spare;
is($client->send($sender, $kept, 'k' x 512)->status, 201, 'to be kept');

sub resized {
    my ($size, $expect, $what) = @_;

    (my $other = $conf) =~ s/sealed_zone main 16m/sealed_zone main $size/;
    spew($nginx->dir . '/nginx.conf', $other);

    my $seen = length $nginx->error_log;

    $nginx->reload(wait_old => 1);
    like(substr($nginx->error_log, $seen), $expect, $what);
    is($client->get('/empty')->status, 204, "$what: it serves");
    is(scalar($client->read($kept)->items), 1, "$what: mail is kept");
}

$nginx->allow(qr/cannot shrink below|for more nginx has to be started/);

resized('32m', qr/had 16384k and has 32768k/, 'larger');
is($nginx->zone_status->{size}, 32 << 20, 'the larger size is used');
resized('8m', qr/had 32768k and has 8192k/, 'smaller');
is($nginx->zone_status->{size}, 8 << 20, 'the smaller size is used');
resized('300m', qr/can grow to 262144k by a reload/, 'far too large');

# so much that four megabytes are not enough

my $great = $client->certified(class => 2);
my $sent = 0;

$sent += $client->send($great, $spare, 'x' x 65536)->status == 201
    for 1 .. 100;
is($sent, 100, 'more than four megabytes');
resized('4m', qr/cannot shrink below \d+k, which is in use/, 'too small');
is($nginx->zone_status->{size}, 8 << 20, 'the size is what it was');
is($client->close_mailbox($_)->status, 204, 'close') for $spare;
resized('4m', qr/had 8192k and has 4096k/, 'smaller, once that is gone');
is($client->close_mailbox($kept)->status, 204, 'close');
spew($nginx->dir . '/nginx.conf', $conf);

# a worker dies while readers wait

my $box = $client->mailbox;
is($client->open_mailbox($client->certified(class => 1), $box)->status, 201,
   'open');

my ($victim, $survivor) = $nginx->workers;

my @readers = map {
    my $http = $nginx->connection_of($_);
    $http->send($client->request($box, 'GET',
        $client->path($box, '/envelopes?wait=60')));
    $http;
} ($victim) x 6, ($survivor) x 6;

ok((wait_until { $nginx->status->{readers} == 12 }), 'twelve readers');
$nginx->allow(qr/exited on signal 9/);
kill 'KILL', $victim;
wait_until { my @w = $nginx->workers;
             @w == 2 && !grep { $_ == $victim } @w };
$client->disconnect;

is($client->send($sender, $box, 'x' x 512)->status, 201, 'mail goes on');

my @ends = map { my $response = eval { $_->response };
                 $response ? $response->status : $@ } @readers;

is_deeply(\@ends, [ ("connection ended before the head of a response\n") x 6,
                    (200) x 6 ],
          'readers of the dead worker lost their connection, others got mail');

is(scalar($client->read($box)->items), 1, 'and is there');
is($client->close_mailbox($box)->status, 204, 'close');

$nginx->finish;

# inert without a zone

my $inert = Sealed::Nginx->new(
    http => 'server { listen 127.0.0.1:%%PORT%%; '
          . 'location / { return 200 "$sealed_certificate_status."; } }');
is(Sealed::HTTP->new(port => $inert->port)->request({ method => 'GET',
   target => '/', headers => [], body => '' })->body, '.',
   'loaded and not configured');
$inert->finish;

done_testing;
