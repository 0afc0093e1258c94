#!/usr/bin/perl

# Other people's libraries against a running gateway: starts one, installs
# the packages of t/interop/package-lock.json into build/interop and reports
# every test of t/interop/*.test.mjs.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Cwd qw(abs_path);
use Test::More;

use Sealed::Nginx ();
use Sealed::Node qw(node_packages node_tests);

my $source = "$FindBin::Bin/interop";
my $top = abs_path("$FindBin::Bin/..");
my $install = "$top/build/interop";

ok(node_packages($source, $install), 'packages installed')
    or do { done_testing; exit 1 };

my $nginx = Sealed::Nginx->gateway(
    workers => 2,
    zone_conf => 'readers connection=4;',
    server_conf => 'listen 127.0.0.1:%%PORT2%% http2;',
);

{
    local $ENV{SEALED_PORT} = $nginx->port;
    local $ENV{SEALED_PORT_HTTP2} = $nginx->port(2);
    local $ENV{SEALED_AUTHORITY_SEED} = unpack 'H*', $nginx->authority_seed;
    local $ENV{SEALED_NODE_DIRECTORY} = $install;

    node_tests([ sort glob "$source/*.test.mjs" ], 900);
}

$nginx->finish;
done_testing;
