package Sealed::Node;

# Tests in JavaScript, by Node.js's own test runner, as tests of this program:
#
#     my $installed = node_packages($source, $directory);
#     node_tests([ glob 't/page/*.test.mjs' ], 300);
#
# node_packages() installs what $source/package-lock.json names below
# $directory, and is false if that fails.  node_tests() gives the tests that
# many seconds.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use Test::More;

our @EXPORT_OK = qw(node_packages node_tests);

my $top = abs_path(dirname(__FILE__) . '/../../..');

sub node_packages {
    my ($source, $directory) = @_;

    my $said = qx(\Q$top\E/tools/install-node-packages \Q$source\E \\
                  \Q$directory\E 2>&1);

    return $? ? diag($said) && 0 : 1;
}

sub node_tests {
    my ($tests, $seconds) = @_;

    open my $pipe, '-|', 'timeout', $seconds, 'node', '--test',
                         '--test-reporter=tap', @$tests
        or die "node: $!\n";

    cmp_ok(report($pipe), '>=', scalar @$tests, 'node ran the tests');
    close $pipe;
    is($?, 0, 'node --test');
}

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

1;
