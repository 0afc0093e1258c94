package Sealed::CBOR;

# RFC 8949, as much as the protocol uses: unsigned integers, byte and text
# strings, arrays, null.  Definite lengths, shortest form; the decoder accepts
# nothing else, so it also tests what a gateway writes.
#
# In Perl: byte strings are plain strings, text strings are \"text" (a
# reference), integers are Sealed::CBOR::uint(N), arrays are array
# references, null is undef.  The decoder gives integers as plain numbers.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(cbor_encode cbor_decode cbor_sequence cbor_head uint);

sub uint {
    my ($value) = @_;

    return bless \$value, 'Sealed::CBOR::uint';
}

# the head of an item; size forces a longer form (1, 2, 4 or 8 octets)

sub cbor_head {
    my ($major, $value, $size) = @_;

    $size //= $value < 24 ? 0 : $value < 1 << 8 ? 1 : $value < 1 << 16 ? 2
              : $value < 1 << 32 ? 4 : 8;

    my $type = $major << 5;

    return pack 'C', $type | $value if $size == 0;
    return pack 'C C', $type | 24, $value if $size == 1;
    return pack 'C n', $type | 25, $value if $size == 2;
    return pack 'C N', $type | 26, $value if $size == 4;
    return pack 'C Q>', $type | 27, $value;
}

sub cbor_encode {
    my ($value) = @_;

    return "\xf6" unless defined $value;
    return cbor_head(2, length $value) . $value unless ref $value;

    return cbor_head(0, $$value) if ref $value eq 'Sealed::CBOR::uint';
    return cbor_head(3, length $$value) . $$value if ref $value eq 'SCALAR';

    return join '', cbor_head(4, scalar @$value), map { cbor_encode($_) }
                                                      @$value;
}

sub item {
    my ($data, $pos, $depth) = @_;

    die "CBOR: nested too deep\n" if $depth > 8;
    die "CBOR: ends early\n" if $$pos >= length $$data;

    my $first = ord substr $$data, $$pos++, 1;
    my ($major, $value) = ($first >> 5, $first & 31);

    return undef if $first == 0xf6;

    if ($value >= 24) {
        die "CBOR: indefinite or reserved\n" if $value > 27;

        my $size = 1 << ($value - 24);
        my $least = (0, 24, 1 << 8, 0, 1 << 16, 0, 0, 0, 1 << 32)[$size];

        die "CBOR: ends early\n" if $$pos + $size > length $$data;

        $value = unpack { 1 => 'C', 2 => 'n', 4 => 'N', 8 => 'Q>' }->{$size},
                        substr $$data, $$pos, $size;
        $$pos += $size;

        die "CBOR: not the shortest form\n" if $value < $least;
    }

    return $value if $major == 0;

    if ($major == 2 || $major == 3) {
        die "CBOR: ends early\n" if $value > length($$data) - $$pos;

        my $string = substr $$data, $$pos, $value;
        $$pos += $value;

        return $major == 2 ? $string : \$string;
    }

    die "CBOR: type $major is not used here\n" if $major != 4;

    return [ map { item($data, $pos, $depth + 1) } 1 .. $value ];
}

# exactly one item; dies otherwise

sub cbor_decode {
    my ($data) = @_;

    my $pos = 0;
    my $value = item(\$data, \$pos, 0);

    die "CBOR: something behind the item\n" if $pos != length $data;

    return $value;
}

# all items of a CBOR sequence (RFC 8742)

sub cbor_sequence {
    my ($data) = @_;

    my ($pos, @items) = (0);

    push @items, item(\$data, \$pos, 0) while $pos < length $data;

    return @items;
}

1;
