package Sealed::Bench::Machine;

# Where it was measured, and with what.

use strict;
use warnings;

use Exporter qw(import);

use Sealed::Wait qw(slurp);

our @EXPORT_OK = qw(machine memory versions);


sub machine {
    my ($model) = slurp('/proc/cpuinfo') =~ /^model name\s*: (.*)/m;
    my $processors = () = slurp('/proc/cpuinfo') =~ /^processor\s/mg;
    my ($total) = slurp('/proc/meminfo') =~ /^MemTotal:\s+(\d+)/m;
    my ($kernel) = slurp('/proc/version') =~ /^Linux version (\S+)/;
    my ($load) = slurp('/proc/loadavg') =~ /^(\S+)/;

    return sprintf 'machine: %d x %s, %.0f GiB, Linux %s, load %s before it',
           $processors, $model // 'processor', $total / 2**20, $kernel,
           $load;
}

sub versions {
    return 'versions: ' . join ', ', map { version(@$_) }
           [ 'nginx -v', 'nginx/' ], [ 'redis-server -v', 'v=' ],
           [ 'wrk -v', 'wrk ' ], [ 'gcc -dumpfullversion', '' ],
           [ "dpkg-query -W -f 'v=\${Version}\\n' libnginx-mod-nchan", 'v=' ];
}

sub version {
    my ($command, $mark) = @_;

    my $said = qx($command 2>&1);
    my ($version) = $said =~ /\Q$mark\E(\S+)/;
    my @words = split ' ', $command;
    my $name = $words[0] eq 'dpkg-query' ? $words[-1] : $words[0];

    return "$name " . ($version // '?');
}

# megabytes: so many, but at most that part of what the machine has left

sub memory {
    my ($wanted, $part) = @_;

    my ($free) = slurp('/proc/meminfo') =~ /^MemAvailable:\s+(\d+) kB/m;
    my $most = int($free / 1024 / $part);

    return $wanted < $most ? $wanted : $most;
}

1;
