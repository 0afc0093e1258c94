#!/usr/bin/perl

# The configurations in conf/ at work: the quick start by way of the demo,
# production through TLS and HTTP/2 with the command "sealed".

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

use Sealed::Command qw(run);
use Sealed::Nginx ();
use Sealed::Wait qw(slurp spew wait_until);

my $top = "$Bin/..";
my $sealed = "$top/build/sealed";

SKIP: {
    skip 'the demo is for the machine\'s own nginx', 1
        unless $ENV{NGINX_MODULE};

    local $ENV{DEMO_GROUP} = 25;
    my $said = run(0, 'the demo', "$top/tools/demo");
    like($said, qr/found 0 times/, 'nothing is found');
}

# the commands at the head of the quick start, in a copy of conf/

SKIP: {
    skip 'the quick start is for the machine\'s own nginx', 2
        unless $ENV{NGINX_MODULE};

    my $copy = tempdir('sealed-test-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $head = slurp("$top/conf/quick-start.conf") =~ /\A((?:#.*\n)+)/
               ? $1 : '';
    my $commands = join "\n", $head =~ /^#     (.*)/mg;
    my $modules = dirname($ENV{NGINX_MODULE});

    $commands =~ s/^ln -s \S+/ln -s \Q$modules\E/m;
    ok($commands =~ s/^(nginx .*)/$1 -t/m, 'the last one starts nginx');

    local $ENV{PATH} = "$top/build:/usr/sbin:$ENV{PATH}";

    spew("$copy/commands", "cp -R \Q$top\E/conf/. \Q$copy\E\n"
                           . "cd \Q$copy\E\n$commands\n");
    run(0, 'the quick start', qw(sh -e), "$copy/commands");
}

# what README.md does where the quick start runs

{
    my ($quick) = slurp("$top/conf/quick-start.conf")
                  =~ /^http \{\n(.*)^\}/ms or die 'http';
    my ($look) = slurp("$top/README.md")
                 =~ /^## A look with curl\n(.*?)^## /ms or die 'a look';
    my $commands = join "\n", $look =~ /^    (.*)/mg;

    $quick =~ s/127\.0\.0\.1:8080/127.0.0.1:%%PORT%%/;
    $quick =~ s{(keys|logs)/}{%%DIR%%/$1/}g;

    my $nginx = Sealed::Nginx->new(http => $quick, start => 0);
    my $dir = $nginx->dir;
    my $port = $nginx->port;

    local $ENV{SEALED_HOME} = "$dir/home";
    local $ENV{PATH} = "$top/build:$ENV{PATH}";

    mkdir "$dir/keys";
    spew("$dir/keys/accounts", "guest:{PLAIN}guest\n");
    run(0, 'its master secret', $sealed, qw(keygen deployment),
        "$dir/keys/master.key");
    run(0, 'its authority', $sealed, qw(keygen authority),
        "$dir/keys/authority");
    $nginx->start;

    # what is signed has to be later than the birth of the zone

    $nginx->ready;

    ok($commands =~ s/127\.0\.0\.1:8080/127.0.0.1:$port/, 'its port');
    spew("$dir/look", "cd \Q$dir\E\n$commands\n");

    my $said = run(0, 'a look with curl', 'sh', '-c',
                   "sh -e \Q$dir\E/look 2> \Q$dir\E/look.err");

    is_deeply([ $said =~ m{^HTTP/1\.1 (\d+)}mg ], [ 200, 201, 409 ],
              'discovery, accepted, a replay') or diag $said;
    cmp_ok(-s "$dir/items", '>', 512, 'the item');
    like($said, qr/"status":409.*"status":409/s, 'a replay of reading');
    $nginx->finish;
}

# the first exchange of docs/cli.md, with the keys that it makes

{
    my ($quick) = slurp("$top/conf/quick-start.conf")
                  =~ /^http \{\n(.*)^\}/ms or die 'http';
    my ($exchange) = slurp("$top/docs/cli.md")
        =~ /^## A first exchange\n(.*?)^## /ms or die 'an exchange';
    my @commands = $exchange =~ /^    (?:\$ )?((?:sealed|echo) .*)/mg;
    my @keys = grep { /keygen (?:deployment|authority)/ } @commands;

    $quick =~ s/127\.0\.0\.1:8080/127.0.0.1:%%PORT%%/;
    $quick =~ s{keys/(master\.key|accounts)}{%%DIR%%/$1};
    $quick =~ s{keys/authority\.pub}{%%DIR%%/issuer.pub};
    $quick =~ s{keys/accounts}{%%DIR%%/accounts};
    $quick =~ s{logs/}{%%DIR%%/logs/}g;

    my $nginx = Sealed::Nginx->new(http => $quick, start => 0);
    my $dir = $nginx->dir;
    my $url = 'http://127.0.0.1:' . $nginx->port;

    local $ENV{SEALED_HOME} = "$dir/home";
    local $ENV{PATH} = "$top/build:$ENV{PATH}";

    is(@keys, 3, 'keys of the operator');
    spew("$dir/accounts", "alice:{PLAIN}password\n");
    spew("$dir/keys", join "\n", "cd \Q$dir\E", @keys, '');
    run(0, 'its keys', 'sh', '-e', "$dir/keys");
    $nginx->start;

    $nginx->ready;

    spew("$dir/exchange", join "\n", "cd \Q$dir\E",
         (map { s{https://\w+\.example}{$url}r } @commands[3 .. $#commands]),
         'sealed read --mailbox bob.mailbox --identity bob '
         . '--identity-authority names.pub', '');

    my $said = run(0, 'a first exchange', 'sh', '-e', "$dir/exchange");

    is(scalar(() = $said =~ /^#\d+ alice, .*\nHello, Bob\.$/mg), 2,
       'both messages of it are read') or diag $said;
    $nginx->finish;
}

# production

my $conf = slurp("$top/conf/production.conf");
my ($main, $http) = $conf =~ /^http \{\n(.*)^\}/ms ? ('', $1) : die 'http';

my $number = 0;
$http =~ s/listen 443/'listen 127.0.0.1:%%PORT' . (++$number > 1 ? $number
                                                                : '') . '%%'/ge;
$http =~ s/listen 127\.0\.0\.1:8081/listen 127.0.0.1:%%PORT3%%/;
$http =~ s/zone main 512m/zone main 16m/;
$http =~ s{keys/}{%%DIR%%/}g;
$http =~ s{logs/(access|error).log}{%%DIR%%/logs/$1.log}g;

my $nginx = Sealed::Nginx->new(http => $http, start => 0, workers => 2);
my $dir = $nginx->dir;

local $ENV{SEALED_HOME} = "$dir/home";

run(0, 'a TLS certificate', qw(openssl req -x509 -newkey rsa:2048 -nodes
    -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost
    -keyout), "$dir/tls.key", '-out', "$dir/tls.pem");
run(0, 'deployment', $sealed, qw(keygen deployment), "$dir/master.key");
run(0, 'authority', $sealed, qw(keygen authority), "$dir/authority");

$nginx->start;
$nginx->ready;

my ($send, $read) = map { 'https://localhost:' . $nginx->port($_) } 1, 2;
my @tls = ('--cacert', "$dir/tls.pem");

for my $who (qw(alice bob)) {
    run(0, "identity of $who", $sealed, qw(keygen identity), "$dir/$who",
        '--name', $who, '--authority', "$dir/authority");
}

for my $subject ([ sender => 3 ], [ opener => 1 ]) {
    run(0, "key of the $subject->[0]", $sealed, qw(keygen certificate),
        "$dir/$subject->[0]");
    run(0, "certificate of the $subject->[0]", $sealed, qw(authority sign
        --authority), "$dir/authority", '--class', $subject->[1],
        "$dir/$subject->[0].pub");
}

run(0, 'mailbox', $sealed, qw(keygen mailbox), "$dir/box", '--identity',
    "$dir/bob");
run(0, 'open', $sealed, 'open', '--gateway', $read, @tls, '--mailbox',
    "$dir/box", '--certificate', "$dir/opener");
run(0, 'send', $sealed, 'send', '--gateway', $send, @tls, '--certificate',
    "$dir/sender", '--identity', "$dir/alice", '--to', "$dir/box.pub",
    '--message', 'Hello through TLS.');
my $said = run(0, 'read', $sealed, 'read', '--gateway', $read, @tls,
    '--mailbox', "$dir/box", '--identity', "$dir/bob",
    '--identity-authority', "$dir/authority.pub", '--ack');
like($said, qr/alice.*Hello through TLS\./s, 'alice says hello');
run(4, 'not where only reading is', $sealed, 'send', '--gateway', $read,
    @tls, '--certificate', "$dir/sender", '--identity', "$dir/alice", '--to',
    "$dir/box.pub", '--message', 'x');

$said = run(0, 'HTTP/2', qw(curl -s --http2 --cacert), "$dir/tls.pem", '-w',
            '\n%{http_version}', "$send/.well-known/sealed-sender");
like($said, qr/\n2$/, 'is spoken');

run(0, 'close', $sealed, 'close', '--gateway', $read, @tls, '--mailbox',
    "$dir/box");

# what nginx itself has to say of requests that go astray

spew("$dir/large", 'x' x 2_000_000);

for my $astray ([ $read, '/v1/envelopes' ],
                [ $send, '/.well-known/sealed-sender' ],
                [ $send, '/v2/mailboxes/AAAAAAAAAAAAAAAAAAAAAA' ])
{
    $said = run(0, "astray: $astray->[1]", qw(curl -s -o /dev/null -w
        %{http_code} --http1.1 --cacert), "$dir/tls.pem", '--data-binary',
        "\@$dir/large", join '', @$astray);
    is($said, 413, 'is refused');
}

unlike($nginx->error_log, qr/client|127\.0\.0\.1:?\d*,|v1|mailboxes|localhost/,
       'the error log says nothing of it');

ok((wait_until { $nginx->access_log =~ / 200 POST \d+ \d+ verified ok$/m }),
   'the log tells class and verdict');
unlike($nginx->access_log, qr/127\.0\.0\.1|v1|mailboxes/,
       'but neither address nor path');

$nginx->finish;
done_testing;
