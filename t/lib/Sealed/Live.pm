package Sealed::Live;

# What comes to a reader who stays, without the signs of life in between:
# events of an event stream and frames of a WebSocket, on a Sealed::HTTP, and
# the envelopes in them.

use strict;
use warnings;

use Exporter qw(import);
use MIME::Base64 qw(decode_base64);
use Time::HiRes qw(time);

use Sealed::CBOR qw(cbor_decode);

our @EXPORT_OK = qw(next_event next_frame close_frame event_item frame_item);

use constant { CLOSE => 8, PING => 9, PONG => 10 };

# the next event that is no heartbeat; undef as of Sealed::HTTP's event()

sub next_event {
    my ($http, $timeout) = @_;

    my $end = time + ($timeout // 60);

    while ((my $left = $end - time) > 0) {
        my $event = $http->event($left) // return undef;

        return $event unless exists $event->{comment};
    }

    return undef;
}

# the next frame that is no ping; pings are answered

sub next_frame {
    my ($http, $timeout) = @_;

    my $end = time + ($timeout // 60);

    while ((my $left = $end - time) > 0) {
        my $frame = $http->read_frame($left) // return undef;

        return $frame if $frame->{opcode} != PING;
        $http->send_frame(PONG, $frame->{payload});
    }

    return undef;
}

# the close frame, whatever comes before it; {} when there is none

sub close_frame {
    my ($http) = @_;

    while (my $frame = $http->read_frame) {
        return $frame if $frame->{opcode} == CLOSE;

        $http->send_frame(PONG, $frame->{payload}) if $frame->{opcode} == PING;
    }

    return {};
}

# the envelope in an event or in a frame: { seq, hour, header, body, stamp }

sub event_item { return item(decode_base64($_[0]{data})) }

sub frame_item { return item($_[0]{payload}) }

sub item {
    my ($octets) = @_;

    my %item;
    @item{qw(seq hour header body stamp)} = @{ cbor_decode($octets) };

    return \%item;
}

1;
