package Sealed::Faults;

# Calls of nginx on its files that fail, or at which processes end.
#
#     my $faults = Sealed::Faults->new;
#     my $nginx = Sealed::Nginx->gateway(faults => $faults, ...);
#     $faults->arm('write', on => 'journal', fail => ENOSPC);
#     ...
#     $faults->disarm;
#
# A call: create, open, allocate, write, sync, names (the directory's), truncate,
# remove, map, lock, execute; several with "|".  A file: journal, snapshot,
# directory, zone, lock, program.  What happens: fail => errno, short => 1 (half
# of a write; a file that is mapped is then cut to half), or kill => [ qw(self
# others master) ] with at => before, after or half.
#
#     $faults->arm('send', on => 'client', stop => $port);
#
# A worker stops when it has sent something to that client, once.
#
# after => so many calls that pass before; times => so often (as long as it is
# armed, or once where processes end).

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();

use Sealed::Wait qw(wait_until);

my $library = abs_path(dirname(__FILE__) . '/../../..') . '/build/faults.so';

my %call = numbers(qw(create open allocate write sync names truncate remove
                      map lock execute send));
my %file = numbers(qw(journal snapshot directory zone lock program client));
my %who = numbers(qw(self others master));
my %at = (before => 3, after => 4, half => 5);

sub numbers { my $n = 0; return map { $_ => 1 << $n++ } @_ }

sub bits {
    my ($known, $names) = @_;

    my $bits = 0;

    for my $name (ref $names ? @$names : split /\|/, $names) {
        $bits |= $known->{$name} // die "no \"$name\" among faults\n";
    }

    return $bits;
}

sub new {
    my ($class) = @_;

    die "$library is missing\n" unless -e $library;

    my $file = File::Temp->new;

    my $self = bless { file => $file }, $class;

    $self->disarm;

    return $self;
}

# what nginx has to find in its environment

sub environment {
    my ($self) = @_;

    return (LD_PRELOAD => $library, SEALED_FAULTS => $self->{file}->filename);
}

sub arm {
    my ($self, $calls, %o) = @_;

    my ($what, $who, $error) = (0, 0, 0);

    if ($o{kill}) {
        $what = $at{$o{at} // 'before'};
        $who = bits(\%who, $o{kill});

    } elsif ($o{stop}) {
        ($what, $error) = (6, $o{stop});

    } else {
        $what = $o{short} ? 2 : 1;
        $error = $o{fail} // 0;
    }

    $self->disarm;

    # what is called for comes last

    $self->put(4, bits(\%file, $o{on}), $o{after} // 0,
               $o{times} // ($o{kill} || $o{stop} ? 1 : 0xffffffff), $what, $who,
               $error + 0, 0, 0);
    $self->put(0, bits(\%call, $calls));
}

sub disarm { $_[0]->put(0, (0) x 9) }

# how often it has happened

sub done {
    my ($self) = @_;

    sysseek $self->{file}, 32, 0;
    sysread $self->{file}, my $octets, 4;

    return unpack 'L', $octets;
}

sub happened {
    my ($self, $seconds) = @_;

    return wait_until { $self->done } $seconds;
}

sub put {
    my ($self, $at, @numbers) = @_;

    sysseek $self->{file}, $at, 0;
    syswrite $self->{file}, pack 'L*', @numbers;
}

1;
