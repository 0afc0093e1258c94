package Sealed::HTTP2;

# One HTTP/2 connection (prior knowledge, RFC 9113) that sends exactly the
# frames it is told to: headers without an end, bodies in pieces, too short or
# too long, streams that are reset.  Of answers it understands the status, of
# which nginx writes the digits or a number of the static table, and the body.
# Nothing waits longer than the timeout.
#
# Header names are not compressed, never indexed; that is always allowed.

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use Time::HiRes qw(time);

use constant { DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4,
               PING => 6, GOAWAY => 7, WINDOW_UPDATE => 8 };
use constant { END_STREAM => 1, ACK => 1, END_HEADERS => 4 };

# RFC 7541, appendix A
my %static = (8 => 200, 9 => 204, 10 => 206, 11 => 304, 12 => 400, 13 => 404,
              14 => 500);

sub new {
    my ($class, %o) = @_;

    my $self = bless {
        port => $o{port}, timeout => $o{timeout} // 60, in => '',
        next => 1, streams => {},
    }, $class;

    $self->{socket} = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $o{port}, Proto => 'tcp',
        Timeout => $self->{timeout}
    ) or die "connect to port $o{port}: $@\n";

    $self->{socket}->autoflush(1);
    $self->write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

    # a window as large as can be, for streams and for the connection
    $self->frame(SETTINGS, 0, 0, pack 'n N', 4, 0x7fffffff);
    $self->frame(WINDOW_UPDATE, 0, 0, pack 'N', 0x7fff0000);

    return $self;
}

sub close {
    my ($self) = @_;

    CORE::close(delete $self->{socket}) if $self->{socket};
}

sub write {
    my ($self, $bytes) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my $sent = 0;

    while ($sent < length $bytes) {
        die "timeout while writing\n"
            unless IO::Select->new($self->{socket})
                             ->can_write($self->{timeout});

        my $n = syswrite $self->{socket}, $bytes, 65536, $sent;

        die "write: $!\n" unless defined $n;
        $sent += $n;
    }
}

sub frame {
    my ($self, $type, $flags, $stream, $payload) = @_;

    $self->write(substr(pack('N', length $payload), 1)
                 . pack('C C N', $type, $flags, $stream) . $payload);
}

# an integer with a prefix of so many bits

sub integer {
    my ($value, $bits) = @_;

    my $most = (1 << $bits) - 1;

    return pack 'C', $value if $value < $most;

    my $bytes = pack 'C', $most;

    for ($value -= $most; $value >= 128; $value >>= 7) {
        $bytes .= pack 'C', $value & 127 | 128;
    }

    return $bytes . pack 'C', $value;
}

sub field {
    my ($name, $value) = @_;

    return "\0" . integer(length $name, 7) . $name
                . integer(length $value, 7) . $value;
}

# Headers of a request as Sealed::Client makes it; the number of the stream.
# end: nothing follows; length: Content-Length, undef leaves it out.

sub headers {
    my ($self, $request, %o) = @_;

    my $stream = $self->{next};
    my $body = $request->{body} // '';

    $self->{next} += 2;
    $self->{streams}{$stream} = { body => '' };

    my $length = exists $o{length} ? $o{length} : length $body;

    my $block = join '',
        field(':method', $request->{method}), field(':scheme', 'http'),
        field(':path', $request->{target}), field(':authority', 'localhost'),
        (map { field(lc $_->[0], $_->[1]) } @{ $request->{headers} || [] }),
        defined $length ? field('content-length', $length) : ();

    $self->frame(HEADERS, END_HEADERS | ($o{end} ? END_STREAM : 0), $stream,
                 $block);

    return $stream;
}

sub data {
    my ($self, $stream, $bytes, %o) = @_;

    $self->frame(DATA, $o{end} ? END_STREAM : 0, $stream, $bytes);
}

sub reset {
    my ($self, $stream) = @_;

    $self->frame(RST_STREAM, 0, $stream, pack 'N', 8);
}

# a request as a whole, in pieces of so many octets; its answer

sub request {
    my ($self, $request, %o) = @_;

    my $body = $request->{body} // '';
    my $size = $o{pieces} // 16384;
    my $stream = $self->headers($request, end => !length $body,
        length => $request->{method} =~ /^P/ || length $body
                  ? length $body : undef);

    while (length $body) {
        my $piece = substr $body, 0, $size, '';

        $self->data($stream, $piece, end => !length $body);
    }

    return $self->response($stream);
}

# { status, body, reset } when the stream has ended; undef when nothing of
# it has come within the time

sub response {
    my ($self, $stream, $timeout) = @_;

    my $deadline = time + ($timeout // $self->{timeout});
    my $found = $self->{streams}{$stream} or die "no stream $stream\n";

    while (!$found->{ended}) {
        my $left = $deadline - time;

        return undef if $left <= 0 && defined $timeout;
        die "timeout waiting for stream $stream\n" if $left <= 0;

        $self->fill($left)
            // die "connection ended before the end of stream $stream\n";
    }

    return $found;
}

# a reference to what has come of the body of a stream that goes on, with
# something more in it; undef when the time or the stream is over

sub more {
    my ($self, $stream, $timeout) = @_;

    my $deadline = time + ($timeout // $self->{timeout});
    my $found = $self->{streams}{$stream} or die "no stream $stream\n";
    my $size = length $found->{body};

    while (length $found->{body} == $size) {
        my $left = $deadline - time;

        return undef if $left <= 0 || $found->{ended}
                        || !defined $self->fill($left);
    }

    return \$found->{body};
}

# what there is to read: undef at the end of the connection

sub fill {
    my ($self, $timeout) = @_;

    return 0 unless IO::Select->new($self->{socket})->can_read($timeout);

    my $n = sysread $self->{socket}, $self->{in}, 65536, length $self->{in};

    return undef unless $n;

    $self->frames;

    return 1;
}

sub frames {
    my ($self) = @_;

    while (length $self->{in} >= 9) {
        my $size = unpack 'N', "\0" . substr $self->{in}, 0, 3;
        my ($type, $flags, $number) = unpack 'C C N', substr $self->{in}, 3;

        last if length $self->{in} < 9 + $size;

        my $payload = substr $self->{in}, 9, $size;
        my $stream = $self->{streams}{$number & 0x7fffffff};

        substr $self->{in}, 0, 9 + $size, '';

        if ($type == SETTINGS && !($flags & ACK)) {
            $self->frame(SETTINGS, ACK, 0, '');

        } elsif ($type == PING && !($flags & ACK)) {
            $self->frame(PING, ACK, 0, $payload);

        } elsif ($type == GOAWAY) {
            $self->{goaway} = unpack 'x4 N', $payload;

        } elsif ($stream && $type == HEADERS) {
            $stream->{status} //= status($payload);
            $stream->{ended} = 1 if $flags & END_STREAM;

        } elsif ($stream && $type == DATA) {
            $stream->{body} .= $payload;
            $stream->{ended} = 1 if $flags & END_STREAM;

        } elsif ($stream && $type == RST_STREAM) {
            $stream->{reset} = unpack 'N', $payload;
            $stream->{ended} = 1;
        }
    }
}

sub status {
    my ($block) = @_;

    # updates of the table's size come first
    $block =~ s/^[\x20-\x3f]+//;

    my ($first, $length) = unpack 'C C', $block;

    return $static{ $first & 127 } if $first & 128;
    return substr $block, 2, 3 if $length == 3;

    die "status not understood\n";
}

1;
