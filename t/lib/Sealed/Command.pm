package Sealed::Command;

# Commands that a test runs.

use strict;
use warnings;

use Exporter qw(import);
use Test::More ();

our @EXPORT_OK = qw(run);

# what a command says, standard error too; that it ends like this is a test

sub run {
    my ($want, $name, @command) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    open my $pipe, '-|', join(' ', map { "\Q$_\E" } @command) . ' 2>&1'
        or die "$command[0]: $!";
    my $said = do { local $/; <$pipe> } // '';
    close $pipe;

    Test::More::is($? >> 8, $want, $name) or Test::More::diag($said);
    return $said;
}

1;
