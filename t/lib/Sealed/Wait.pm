package Sealed::Wait;

# Waiting for something without a fixed sleep.

use strict;
use warnings;

use Exporter qw(import);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(wait_until served within_an_epoch slurp spew);

# Call code until it returns something true, for at most so many seconds;
# returns that, or nothing when the time is over.  What has to come has a
# minute by default: a busy machine is slow, and who waits for nothing else
# loses nothing.

sub wait_until (&;$) {
    my ($code, $seconds) = @_;

    my $end = time + ($seconds // 60);
    my $pause = 0.005;

    while (1) {
        my $found = $code->();

        return $found if $found;
        return if time >= $end;

        sleep $pause;
        $pause *= 1.5 if $pause < 0.1;
    }
}

# What a call answers once it is not 503 any more, or after a minute: what is
# signed in the second of a start is not newer than it.

sub served {
    my ($call) = @_;

    my $response;

    wait_until { ($response = $call->())->status != 503 };

    return $response;
}

# Epochs of whole days end at midnight (UTC): not within the next seconds of a
# test that counts on one.

sub within_an_epoch {
    my ($seconds) = @_;

    my $left = 86400 - time % 86400;

    sleep $left + 1 if $left < ($seconds // 300);
}

sub slurp {
    my ($path) = @_;

    open my $fh, '<:raw', $path or return '';
    local $/;
    return scalar(<$fh>) // '';
}

sub spew {
    my ($path, $content, $mode) = @_;

    unlink $path;
    open my $fh, '>:raw', $path or die "$path: $!\n";
    chmod $mode, $path if defined $mode;
    print $fh $content;
    close $fh or die "$path: $!\n";
}

1;
