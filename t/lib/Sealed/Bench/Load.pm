package Sealed::Bench::Load;

# Load from wrk: one thread, many connections, requests from a Lua hook.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(load $connections);

our $connections = 64;


# load(server => ..., port => ..., hook => FILE, args => [ ... ],
#      seconds => N, threads => N)
#
# Returns { requests, seconds, cpu } of the server, and exhausted => 1 when
# the prepared requests did not last.  Any answer but 2xx or 3xx is an error.

sub load {
    my (%o) = @_;

    my $port = $o{port} // $o{server}{port};
    my $threads = $o{threads} // 1;
    my @command = ('wrk', "-t$threads", "-c$connections", "-d$o{seconds}",
                   '--timeout', '10', '-s', $o{hook},
                   "http://127.0.0.1:$port", '--', @{ $o{args} });

    my $before = $o{server}->cpu;

    open my $pipe, '-|', @command or die "wrk: $!\n";
    my $said = do { local $/; <$pipe> };
    close $pipe;

    my $cpu = $o{server}->cpu - $before;

    my ($requests, $microseconds, $refused, $broken, $exhausted) =
        $said =~ /^result (\d+) (\d+) (\d+) (\d+) (\d+)$/m
        or die "wrk failed: @command\n$said\n";

    die "$refused of $requests requests were refused, $broken connections "
        . "broke: @command\n"
        if !$exhausted && ($refused || $broken || !$requests);

    # of answers, in microseconds
    my ($p50, $p99) = $said =~ /^latency (\d+) (\d+)$/m;

    return { requests => $requests, seconds => $microseconds / 1e6,
             cpu => $cpu, exhausted => $exhausted, p50 => $p50,
             p99 => $p99 };
}

1;
