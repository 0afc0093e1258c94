#!/usr/bin/perl

# Other people's libraries against a running gateway: starts one, installs
# the packages of t/interop/package-lock.json into build/interop and reports
# every test of t/interop/*.test.mjs.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Cwd qw(abs_path);
use Fcntl qw(:flock);
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use Test::More;

use Sealed::Crypto qw(sha256);
use Sealed::Nginx ();
use Sealed::Wait qw(slurp spew);

my $source = "$FindBin::Bin/interop";
my $top = abs_path("$FindBin::Bin/..");
my $install = "$top/build/interop";

sub install {
    my $stamp = unpack 'H*', sha256(join '', map { slurp("$source/$_") }
                                        qw(package.json package-lock.json));

    make_path($install);

    open my $lock, '>', "$install/lock" or die "$install/lock: $!\n";
    flock $lock, LOCK_EX;

    return 1 if slurp("$install/stamp") eq $stamp;

    remove_tree("$install/node_modules");

    for my $name (qw(package.json package-lock.json .npmrc)) {
        copy("$source/$name", "$install/$name") or die "$name: $!\n";
    }

    my $said = qx(cd \Q$install\E && npm ci --ignore-scripts 2>&1);

    return diag($said) && 0 if $?;

    spew("$install/stamp", $stamp);
    return 1;
}

ok(install(), 'packages installed') or do { done_testing; exit 1 };

my $nginx = Sealed::Nginx->gateway(
    workers => 2,
    zone_conf => 'readers connection=4;',
    server_conf => 'listen 127.0.0.1:%%PORT2%% http2;',
);

# One result for each test; a test that only holds others counts if none of
# them tells why it failed.

sub report {
    my ($pipe) = @_;

    my (@failed, @below);
    my ($count, $shown) = (0, 0);

    while (my $line = <$pipe>) {
        if ($line =~ /^( *)(not )?ok \d+ - (.*)/) {
            my ($depth, $bad, $name) = (length($1) / 4, $2, $3);
            my $skip = $name =~ s/ # (SKIP|TODO)\b.*//;

            my $holds = delete $below[$depth + 1];
            my $told = delete $failed[$depth + 1];

            $#below = $depth if $#below > $depth;
            $below[$depth] = 1;
            $failed[$depth] ||= $bad || $told;
            $shown = $bad;

            next if $holds && (!$bad || $told);

            # a file without a test of its own
            next if !$holds && $name =~ /\.test\.mjs\z/ && !$bad;

            $count++;
            ok(!$bad && !$skip, $name);

        } elsif ($shown && $line !~ /^ *(?:# Subtest|\d+\.\.\d+)/) {
            diag($line =~ s/\n\z//r);
        }
    }

    return $count;
}

{
    local $ENV{SEALED_PORT} = $nginx->port;
    local $ENV{SEALED_PORT_HTTP2} = $nginx->port(2);
    local $ENV{SEALED_AUTHORITY_SEED} = unpack 'H*', $nginx->authority_seed;
    local $ENV{SEALED_NODE_DIRECTORY} = $install;

    my @tests = sort glob "$source/*.test.mjs";

    open my $pipe, '-|', 'timeout', 180, 'node', '--test', '--test-reporter=tap', @tests
        or die "node: $!\n";

    cmp_ok(report($pipe), '>=', scalar @tests, 'node ran the tests');
    close $pipe;
    is($?, 0, 'node --test');
}

$nginx->finish;
done_testing;
