package Sealed::HTTP;

# One HTTP/1.1 connection over which a test has full control: raw bytes,
# requests in pieces, pipelining, keep-alive, chunked answers, event streams,
# WebSocket frames.  Nothing waits longer than the timeout.
#
# A timeout or an early end of the connection dies, except where undef is
# documented.

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

use Sealed::Wait qw(wait_until);

sub new {
    my ($class, %o) = @_;

    my $self = bless {
        host    => $o{host} // '127.0.0.1',
        port    => $o{port},
        timeout => $o{timeout} // 60,
        name    => $o{name} // 'localhost',
        from    => $o{from},
        in      => '',
    }, $class;

    $self->connect unless $o{lazy};

    return $self;
}

sub connect {
    my ($self) = @_;

    $self->{in} = '';
    $self->{events} = '';
    $self->{stream} = undef;

    # a signal that is handled in between is no refusal

    do {
        $self->{socket} = IO::Socket::INET->new(
            PeerAddr => $self->{host}, PeerPort => $self->{port},
            $self->{from} ? (LocalAddr => $self->{from}) : (),
            Proto => 'tcp', Timeout => $self->{timeout});
    } while !$self->{socket} && $!{EINTR};

    $self->{socket}
        or die "connect to $self->{host}:$self->{port}: $@\n";

    $self->{socket}->autoflush(1);

    return $self;
}

sub socket { return $_[0]{socket} }

sub close {
    my ($self) = @_;

    CORE::close(delete $self->{socket}) if $self->{socket};
}

# reset instead of an orderly end

sub abort {
    my ($self) = @_;

    setsockopt $self->{socket}, Socket::SOL_SOCKET, Socket::SO_LINGER,
               pack('ii', 1, 0);
    $self->close;
}

# true when the server has closed the connection (within the time)

sub closed {
    my ($self, $timeout) = @_;

    return 1 unless $self->{socket};
    return !defined $self->more($timeout // 0, 1);
}

# read what is there; 1, or undef at the end of the connection, or 0 when the
# time is over

sub more {
    my ($self, $timeout, $quiet) = @_;

    my $socket = $self->{socket} or die "not connected\n";

    return 0 unless ready($socket, 'can_read', $timeout);

    my $n = sysread $socket, $self->{in}, 65536, length $self->{in};

    return $n ? 1 : undef;
}

sub fill {
    my ($self, $deadline, $what) = @_;

    my $left = $deadline - time;
    my $state = $self->more($left > 0 ? $left : 0);

    die "connection ended before $what\n" unless defined $state;
    die "timeout waiting for $what\n" unless $state;
}

# true once the kernel has as much for this end as it takes, while nobody reads:
# no more of it for a second and longer

sub filled {
    my ($self) = @_;

    my ($before, $same) = (0, 0);

    return wait_until {
        my $size = pack 'i', 0;

        ioctl $self->{socket}, 0x541b, $size or die "FIONREAD: $!\n";
        $size = unpack 'i', $size;

        $same = $size && $size == $before ? $same + 1 : 0;
        $before = $size;

        return $same == 20;
    };
}

# a signal that is handled in between is no timeout

sub ready {
    my ($socket, $how, $timeout) = @_;

    my $deadline = time + $timeout;
    my $left = $timeout;

    while (1) {
        $! = 0;

        return 1 if IO::Select->new($socket)->$how($left);
        return 0 unless $!{EINTR};

        $left = $deadline - time;
        $left = 0 if $left < 0;
    }
}

sub write {
    my ($self, $bytes) = @_;

    my $deadline = time + $self->{timeout};
    my $sent = 0;

    local $SIG{PIPE} = 'IGNORE';

    while ($sent < length $bytes) {
        my $left = $deadline - time;

        die "timeout while writing\n"
            if $left <= 0 || !ready($self->{socket}, 'can_write', $left);

        my $n = syswrite $self->{socket}, $bytes, 65536, $sent;

        die "write: $!\n" unless defined $n;
        $sent += $n;
    }

    return $self;
}

# the bytes of a request; no_length leaves Content-Length out, chunked sends
# the body in chunks of that size

sub format {
    my ($self, $request, %o) = @_;

    my $body = $request->{body} // '';
    my @headers = @{ $request->{headers} || [] };
    my %has = map { lc $_->[0] => 1 } @headers;

    unshift @headers, [ 'Host', $self->{name} ] unless $has{host};

    if ($o{chunked}) {
        push @headers, [ 'Transfer-Encoding', 'chunked' ];

        $body = join '', (map { sprintf("%x\r\n", length) . "$_\r\n" }
                              unpack "(a$o{chunked})*", $body), "0\r\n\r\n";

    } elsif (!$o{no_length} && !$has{'content-length'}
             && !$has{'transfer-encoding'}
             && (length $body || $request->{method} =~ /^(?:PUT|POST)\z/))
    {
        push @headers, [ 'Content-Length', length $body ];
    }

    return join('', "$request->{method} $request->{target} HTTP/1.1\r\n",
                (map { "$_->[0]: $_->[1]\r\n" } @headers), "\r\n", $body);
}

# pieces: sizes of the first writes, with a pause after each

sub send {
    my ($self, $request, %o) = @_;

    my $bytes = $self->format($request, %o);

    for my $size (@{ $o{pieces} || [] }) {
        $self->write(substr $bytes, 0, $size, '');
        select undef, undef, undef, $o{pause} // 0.02;
    }

    return $self->write($bytes);
}

sub request {
    my ($self, $request, %o) = @_;

    $self->send($request, %o);

    return $self->response(method => $request->{method}, %o);
}

# status line and headers only; the body is up to body(), data() or event()

sub head {
    my ($self, %o) = @_;

    my $deadline = time + ($o{timeout} // $self->{timeout});

    while (1) {
        $self->fill($deadline, 'the head of a response')
            while $self->{in} !~ /\r\n\r\n/;

        $self->{in} =~ s/^(.*?\r\n)\r\n//s;

        my ($status, @lines) = split /\r\n/, $1;

        $status =~ m{^HTTP/1\.([01]) (\d{3})(?: (.*))?\z}
            or die "not a status line: $status\n";

        my $response = bless {
            status => $2, reason => $3, version => "1.$1", body => '',
            headers => [ map { [ /^([^:]+):[ \t]*(.*?)[ \t]*\z/ ] } @lines ],
        }, 'Sealed::HTTP::Response';

        if ($response->{status} == 100) {
            $self->{continued}++;
            next;
        }

        my $length = $response->header('Content-Length');
        my $encoding = $response->header('Transfer-Encoding') // '';

        $self->{stream} =
            ($o{method} // '') eq 'HEAD'
            || $response->{status} =~ /^(?:1..|204|304)\z/ ? { left => 0 }
            : $encoding eq 'chunked' ? { chunked => 1, left => 0 }
            : defined $length ? { left => $length }
            : { left => undef };

        return $response;
    }
}

# the next part of the body; undef at its end, '' when the time is over

sub data {
    my ($self, $timeout) = @_;

    my $deadline = time + ($timeout // $self->{timeout});
    my $stream = $self->{stream} or die "no response is being read\n";

    while (1) {
        return undef if $stream->{done};

        if ($stream->{chunked} && !$stream->{left}) {
            if (!$stream->{trailer}
                && $self->{in} =~ s/^(?:\r\n)?([0-9a-fA-F]+)[^\r\n]*\r\n//)
            {
                $stream->{left} = hex $1;
                next if $stream->{left};
                $stream->{trailer} = 1;
            }

            if ($stream->{trailer} && $self->{in} =~ s/^\r\n//) {
                $stream->{done} = 1;
                next;
            }

        } elsif (defined $stream->{left} && !$stream->{left}) {
            $stream->{done} = 1;
            next;

        } elsif (length $self->{in}) {
            my $size = length $self->{in};

            $size = $stream->{left}
                if defined $stream->{left} && $stream->{left} < $size;
            $stream->{left} -= $size if defined $stream->{left};

            return substr $self->{in}, 0, $size, '';
        }

        my $left = $deadline - time;
        my $state = $self->more($left > 0 ? $left : 0);

        if (!defined $state) {
            die "connection ended within a body\n" if defined $stream->{left};
            $stream->{done} = 1;

        } elsif (!$state) {
            return '';
        }
    }
}

sub body {
    my ($self, %o) = @_;

    my $deadline = time + ($o{timeout} // $self->{timeout});
    my $body = '';

    while (1) {
        my $left = $deadline - time;
        my $data = $self->data($left > 0 ? $left : 0);

        return $body unless defined $data;
        die "timeout within a body\n" if $data eq '';
        $body .= $data;
    }
}

sub response {
    my ($self, %o) = @_;

    my $response = $self->head(%o);

    $response->{body} = $self->body(%o);

    my $connection = $response->header('Connection') // '';

    $self->close if $connection =~ /\bclose\b/i
                    || !defined $self->{stream}{left};

    return $response;
}

# One event of an event stream after head(): { id, event, data, retry,
# comment }, with what it has.  undef when the time or the stream is over
# (ended() tells which).

sub event {
    my ($self, $timeout) = @_;

    my $deadline = time + ($timeout // $self->{timeout});

    while ($self->{events} !~ /\n\n/) {
        my $left = $deadline - time;
        my $data = $self->data($left > 0 ? $left : 0);

        return undef unless defined $data && $data ne '';
        $self->{events} .= $data;
    }

    $self->{events} =~ s/^(.*?)\n\n//s;

    my %event;

    for (split /\n/, $1) {
        my ($name, $value) = /^([^:]*)(?:: ?(.*))?\z/s;

        $name = 'comment' if $name eq '';
        $event{$name} = defined $event{$name} ? "$event{$name}\n$value"
                                              : $value // '';
    }

    return \%event;
}

sub ended {
    my ($self) = @_;

    return $self->{stream} && $self->{stream}{done} ? 1 : 0;
}

# WebSocket (RFC 6455), the client's side

sub websocket_headers {
    my ($self, $key) = @_;

    $key //= encode_base64(join('', map { chr int rand 256 } 1 .. 16), '');

    return ([ 'Connection', 'Upgrade' ], [ 'Upgrade', 'websocket' ],
            [ 'Sec-WebSocket-Version', '13' ], [ 'Sec-WebSocket-Key', $key ]);
}

# the bytes of a frame; fin, rsv, mask (undef: unmasked), length and its form
# (of 7, 16 or 64 bits) can be wrong

sub frame {
    my ($self, $opcode, $payload, %o) = @_;

    my $mask = exists $o{mask} ? $o{mask}
                               : pack 'N', int rand 0xffffffff;
    my $size = $o{length} // length $payload;
    my $bit = defined $mask ? 0x80 : 0;

    my $head = pack 'C', ($o{fin} // 1) << 7 | ($o{rsv} // 0) << 4 | $opcode;

    my $form = $o{form} // ($size < 126 ? 7 : $size < 1 << 16 ? 16 : 64);

    $head .= $form == 7 ? pack 'C', $bit | $size
             : $form == 16 ? pack 'C n', $bit | 126, $size
             : pack 'C Q>', $bit | 127, $size;

    return $head . $payload unless defined $mask;

    my $pad = substr $mask x (length($payload) / 4 + 1), 0, length $payload;

    return $head . $mask . ($payload ^ $pad);
}

sub send_frame {
    my ($self, @frame) = @_;

    return $self->write($self->frame(@frame));
}

# { opcode, fin, payload }, or undef when the time is over or the connection
# has ended; a close frame has code and reason too

sub read_frame {
    my ($self, $timeout) = @_;

    my $deadline = time + ($timeout // $self->{timeout});

    while (1) {
        my $in = \$self->{in};

        if (length $$in >= 2) {
            my ($first, $second) = unpack 'C2', $$in;
            my ($size, $head) = ($second & 127, 2);

            die "a server's frame must not be masked\n" if $second & 128;
            die "a reserved bit\n" if $first & 0x70;
            die "a control frame too long or in fragments\n"
                if $first & 8 && ($size > 125 || !($first & 128));

            $head = $size == 126 ? 4 : $size == 127 ? 10 : 2;

            if (length $$in >= $head) {
                $size = unpack 'n', substr $$in, 2, 2 if $head == 4;
                $size = unpack 'Q>', substr $$in, 2, 8 if $head == 10;

                die "a length in a longer form\n"
                    if $size < ($head == 4 ? 126 : $head == 10 ? 65536 : 0);

                if (length $$in >= $head + $size) {
                    my %frame = (opcode => $first & 15, fin => $first >> 7,
                                 payload => substr $$in, $head, $size);

                    substr $$in, 0, $head + $size, '';

                    @frame{qw(code reason)} = unpack 'n a*', $frame{payload}
                        if $frame{opcode} == 8 && $size >= 2;

                    return \%frame;
                }
            }
        }

        my $left = $deadline - time;
        return undef unless $self->more($left > 0 ? $left : 0);
    }
}


package Sealed::HTTP::Response;

use JSON::XS ();

use Sealed::CBOR ();

sub status { return $_[0]{status} }
sub body   { return $_[0]{body} }

# several of one name are joined as in RFC 9110; undef if there is none

sub header {
    my ($self, $name) = @_;

    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
                                      @{ $self->{headers} };

    return @values ? join(', ', @values) : undef;
}

sub json {
    return JSON::XS::decode_json($_[0]{body});
}

# the envelopes of a plain read

sub items {
    return map {
        my %item;
        @item{qw(seq hour header body stamp)} = @$_;
        \%item
    } Sealed::CBOR::cbor_sequence($_[0]{body});
}

1;
