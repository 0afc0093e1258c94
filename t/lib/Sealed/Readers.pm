package Sealed::Readers;

# The program t/bench/readers.c (make bench-programs) at work on a gateway
# (Sealed::Nginx), or on nchan beside it.
#
#     my $readers = Sealed::Readers->new(nginx => $nginx, mode => 'idle',
#                                        count => 1000);
#     $readers->go;                 # when the mailboxes are open
#     $readers->wait_for('connected');
#     my $said = $readers->end;     # { name => value }

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Open2 qw(open2);

use Sealed::Client ();
use Sealed::Crypto qw(b64);

my $program = abs_path(dirname(__FILE__) . '/../../..')
              . '/build/bench/readers';

sub actor {
    my ($actor) = @_;

    return join ',', ':' . b64($actor->{certificate}) . ':',
        map { unpack 'H*', $actor->{$_} } qw(key id);
}

# nginx, mode, count; mailboxes, transport, address (127.0.0.2 and on)

sub new {
    my ($class, %o) = @_;

    my $client = $o{client} // Sealed::Client->new(nginx => $o{nginx});
    my @command = ($program, $o{mode},
        '--port', $o{nginx}->port,
        '--exchange', unpack('H*', $client->exchange_key),
        '--opener', actor($client->certified(class => 1)),
        '--sender', actor($client->certified(class => 2)),
        '--count', $o{count},
        map { defined $o{$_} ? ("--$_", $o{$_}) : () }
            qw(mailboxes transport address));

    $client->disconnect;

    my $self = bless { said => {} }, $class;

    $self->{pid} = open2($self->{out}, $self->{in}, @command);
    $self->wait_for('mailboxes');

    return $self;
}

sub go {
    my ($self) = @_;

    my $in = $self->{in};

    print $in "go\n";
    $in->flush;
}

# read on until it has said this

sub wait_for {
    my ($self, $name) = @_;

    my $out = $self->{out};

    while (!exists $self->{said}{$name}) {
        my $line = <$out> // die "readers: ended before \"$name\"\n";

        $self->{said}{$1} = $2 if $line =~ /^(\w+) (\S+)$/;
    }

    return $self->{said}{$name};
}

# stdin is closed, and everything that it says then is read

sub end {
    my ($self) = @_;

    my $out = $self->{out};

    close $self->{in};
    while (my $line = <$out>) {
        $self->{said}{$1} = $2 if $line =~ /^(\w+) (\S+)$/;
    }

    waitpid $self->{pid}, 0;
    die "readers: failed\n" if $?;

    return $self->{said};
}

1;
