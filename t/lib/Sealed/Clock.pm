package Sealed::Clock;

# The clock of an nginx, set by a test (libfaketime); its timers go on as they
# are.
#
#     my $why = Sealed::Clock::missing();       # a reason to skip, or undef
#     my $clock = Sealed::Clock->new(zone_conf => '...');
#     $clock->set(3600);        # an hour ahead: a test, that nginx has it
#     $clock->start;            # after an end of $clock->nginx
#
# Options are those of Sealed::Nginx->gateway.

use strict;
use warnings;

use Test::More ();

use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until spew);

my ($library) = glob '/usr/lib/*/faketime/libfaketime.so.1';

sub missing {
    return 'no library goes in front of the sanitizers\' own'
        if ($ENV{NGINX_MODULE} // 'x') eq '';

    return $library ? undef : 'libfaketime is not installed';
}

sub new {
    my ($class, %o) = @_;

    my $nginx = Sealed::Nginx->gateway(
        main => "env FAKETIME_TIMESTAMP_FILE;\nenv FAKETIME_NO_CACHE;\n"
            . "env DONT_FAKE_MONOTONIC;\n",
        %o, start => 0);

    my $self = bless { nginx => $nginx, offset => 0,
                       file => $nginx->dir . '/time' }, $class;

    spew($self->{file}, "+0\n");
    $self->start;

    return $self;
}

sub nginx { return $_[0]{nginx} }

sub start {
    my ($self) = @_;

    local $ENV{LD_PRELOAD} = $library;
    local $ENV{FAKETIME_TIMESTAMP_FILE} = $self->{file};
    local $ENV{FAKETIME_NO_CACHE} = 1;
    local $ENV{DONT_FAKE_MONOTONIC} = 1;

    $self->{nginx}->start;
}

# so many seconds from the real time

sub set {
    my ($self, $offset, $name) = @_;

    $name //= sprintf 'the clock is %+.1f days ahead', $offset / 86400;

    $self->leap($offset - $self->{offset});

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::ok(wait_until(sub { abs($self->told - $self->now) < 5 }),
                   $name);
}

# from where it is

sub step {
    my ($self, $seconds) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $self->set($self->{offset} + $seconds,
               sprintf 'the clock goes by %+.1f days', $seconds / 86400);
}

# the same while nothing runs

sub leap {
    my ($self, $seconds) = @_;

    my $file = $self->{file};

    $self->{offset} += $seconds;
    spew("$file.new", sprintf("%+d\n", $self->{offset}));
    rename "$file.new", $file or die "$file: $!\n";
}

sub now { return time + $_[0]{offset} }

# what nginx takes for the time

sub told {
    my ($self) = @_;

    return Sealed::HTTP->new(port => $self->{nginx}->port)->request({
        method => 'GET', target => '/.well-known/sealed-sender',
        headers => [ [ 'Connection', 'close' ] ] })->json->{time};
}

1;
