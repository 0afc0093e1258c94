#!/usr/bin/perl

# The page of the quick start: its modules against the protocol's vectors, and
# two people in a headless Chromium, through the configuration as it is.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Test::More;

use Sealed::Crypto qw(b64u random_bytes);
use Sealed::Nginx ();
use Sealed::Node qw(node_packages node_tests);
use Sealed::Wait qw(slurp within_an_epoch);

my $top = abs_path("$Bin/..");
my $install = "$top/build/page";

ok(node_packages("$Bin/page", $install), 'packages installed')
    or do { done_testing; exit 1 };

is(system("$top/tools/build-page-library", "$install/built.mjs"), 0,
   'the library is built');
ok(slurp("$install/built.mjs") eq slurp("$top/conf/page/lib/noble.mjs"),
   'and it is what the page has');

my $keys = tempdir(CLEANUP => 1);

is(system("$top/build/sealed", 'keygen', 'authority', "$keys/authority"), 0,
   'an authority');

# the quick start, with a log of more than any operator would write

sub gateway {
    my (@changes) = @_;

    my ($http) = slurp("$top/conf/quick-start.conf")
                 =~ /^http \{\n(.*)^\}/ms or die 'http';

    for ([ 'listen 127.0.0.1:8080' => 'listen 127.0.0.1:%%PORT%%' ],
         [ 'root page' => "root $top/conf/page" ],
         [ 'access_log off' => 'log_format all \'$request $request_body '
           . '$http_sealed_certificate $http_signature_input $http_referer '
           . '$http_user_agent\'; access_log %%DIR%%/logs/access.log all' ],
         [ 'sealed_zone main 64m' => 'sealed_zone main 16m' ], @changes)
    {
        my ($from, $to) = @$_;

        $http =~ s/\Q$from\E/$to/ or die "$from\n";
    }

    $http =~ s{keys/}{%%DIR%%/}g;

    return Sealed::Nginx->new(
        http => $http, zone => 'main', workers => 2, files => {
            'master.key' => 'test ' . unpack('H*', random_bytes(32)) . "\n",
            'authority.pub' => slurp("$keys/authority.pub"),
            accounts => "guest:{PLAIN}guest\n",
        },
    );
}

# what the tests write, in all files

my @secrets = ('Alice Archer', 'Bob Baker', 'Mallory', 'the usual place',
               'At nine, then', 'While nginx reloads', 'While tabs reload',
               'In another mouth', 'mixed.bin', 'notes.txt',
               'From the shell', 'From the page',
               'From epoch to epoch', 'Until ');

# one file at a time: they share a gateway

sub browse {
    my ($nginx, @tests) = @_;

    local $ENV{SEALED_PAGE} = 'http://127.0.0.1:' . $nginx->port . '/';
    local $ENV{SEALED_NGINX} = $nginx->master;
    local $ENV{SEALED_NODE_DIRECTORY} = $install;

    local $ENV{SEALED_PROGRAM} = "$top/build/sealed";
    local $ENV{SEALED_AUTHORITY} = "$keys/authority";

    $nginx->secret($_, b64u($_)) for @secrets;

    for (@tests) {
        within_an_epoch();
        node_tests([ "$Bin/page/$_.test.mjs" ], 900);
    }

}

my $nginx = gateway();

browse($nginx, qw(browser command modules pieces refusals reload
                  vectors));

my $log = $nginx->access_log;

like($log, qr{^POST /v1/envelopes }m, 'the log has the requests');
like($log, qr{^GET /v1/mailboxes/\S+\?after=0&ticket=}m, 'a WebSocket, too');

$nginx->finish;

# epochs that end while people write

$nginx = gateway([ 'class opener' => 'epoch 1m overlap=30s; class opener' ]);
browse($nginx, 'epochs');
$nginx->finish;

done_testing;
