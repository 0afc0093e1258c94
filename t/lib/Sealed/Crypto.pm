package Sealed::Crypto;

# Cryptography for the tests' own client: CryptX where it has the primitive,
# plain Perl for what it lacks (crypto_kdf's BLAKE2b with salt and
# personalisation, XChaCha20).  Shares nothing with the code under test.

use strict;
use warnings;

use Crypt::AuthEnc::ChaCha20Poly1305 ();
use Crypt::Digest::SHA256 qw(sha256);
use Crypt::Mac::HMAC qw(hmac);
use Crypt::Misc qw(encode_b64 decode_b64 encode_b64u decode_b64u);
use Crypt::PK::Ed25519 ();
use Crypt::PK::X25519 ();
use Crypt::PRNG qw(random_bytes);
use Exporter qw(import);

our @EXPORT_OK = qw(
    b64 b64u unb64 unb64u random_bytes sha256 hmac_sha256 hkdf kdf
    x25519_public x25519 x25519_keypair
    ed25519_public ed25519_sign ed25519_verify
    xchacha20poly1305_seal xchacha20poly1305_open
);

sub b64    { return encode_b64($_[0]) }
sub b64u   { return encode_b64u($_[0]) }
sub unb64  { return decode_b64($_[0]) }
sub unb64u { return decode_b64u($_[0]) }

sub hmac_sha256 {
    my ($key, $data) = @_;

    return hmac('SHA256', $key, $data);
}

# RFC 5869 with an empty salt, 32 octets out

sub hkdf {
    my ($key, $info) = @_;

    return hmac_sha256(hmac_sha256("\0" x 32, $key), "$info\x01");
}

sub x25519_public {
    my ($private) = @_;

    return Crypt::PK::X25519->new->import_key_raw($private, 'private')
           ->export_key_raw('public');
}

sub x25519 {
    my ($private, $public) = @_;

    my $own = Crypt::PK::X25519->new->import_key_raw($private, 'private');
    my $other = Crypt::PK::X25519->new->import_key_raw($public, 'public');

    my $secret = $own->shared_secret($other);

    die "all-zero X25519 result\n" if $secret eq "\0" x 32;

    return $secret;
}

# (private, public); from a private key or a fresh one

sub x25519_keypair {
    my ($private) = @_;

    $private //= random_bytes(32);

    return ($private, x25519_public($private));
}

sub ed25519 {
    my ($key, $type) = @_;

    return Crypt::PK::Ed25519->new->import_key_raw($key, $type);
}

sub ed25519_public {
    return ed25519($_[0], 'private')->export_key_raw('public');
}

sub ed25519_sign {
    my ($seed, $data) = @_;

    return ed25519($seed, 'private')->sign_message($data);
}

sub ed25519_verify {
    my ($public, $signature, $data) = @_;

    return ed25519($public, 'public')->verify_message($signature, $data);
}

# libsodium's crypto_kdf_derive_from_key(): keyed BLAKE2b of nothing, salt =
# the number, personalisation = the context

sub kdf {
    my ($master, $number, $context) = @_;

    return blake2b_keyed($master, pack('Q<', $number) . "\0" x 8,
                         $context . "\0" x (16 - length $context), 32);
}

my @BLAKE2B_IV = map { hex64($_) } qw(
    6a09e667f3bcc908 bb67ae8584caa73b 3c6ef372fe94f82b a54ff53a5f1d36f1
    510e527fade682d1 9b05688c2b3e6c1f 1f83d9abfb41bd6b 5be0cd19137e2179
);

my @BLAKE2B_SIGMA = (
    [  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15 ],
    [ 14, 10,  4,  8,  9, 15, 13,  6,  1, 12,  0,  2, 11,  7,  5,  3 ],
    [ 11,  8, 12,  0,  5,  2, 15, 13, 10, 14,  3,  6,  7,  1,  9,  4 ],
    [  7,  9,  3,  1, 13, 12, 11, 14,  2,  6,  5, 10,  4,  0, 15,  8 ],
    [  9,  0,  5,  7,  2,  4, 10, 15, 14,  1, 11, 12,  6,  8,  3, 13 ],
    [  2, 12,  6, 10,  0, 11,  8,  3,  4, 13,  7,  5, 15, 14,  1,  9 ],
    [ 12,  5,  1, 15, 14, 13,  4, 10,  0,  7,  6,  3,  9,  2,  8, 11 ],
    [ 13, 11,  7, 14, 12,  1,  3,  9,  5,  0, 15,  4,  8,  6,  2, 10 ],
    [  6, 15, 14,  9, 11,  3,  0,  8, 12,  2, 13,  7,  1,  4, 10,  5 ],
    [ 10,  2,  8,  4,  7,  6,  1,  5, 15, 11,  9, 14,  3, 12, 13,  0 ],
);

sub hex64 {
    return unpack 'Q>', pack 'H16', $_[0];
}

sub add64 {
    use integer;

    my $sum = 0;
    $sum += $_ for @_;

    no integer;
    return $sum & ~0;
}

sub rotr64 {
    my ($value, $by) = @_;

    return (($value >> $by) | ($value << (64 - $by))) & ~0;
}

sub blake2b_keyed {
    my ($key, $salt, $personal, $size) = @_;

    my @h = @BLAKE2B_IV;
    my @salt = unpack 'Q<2', $salt;
    my @personal = unpack 'Q<2', $personal;

    $h[0] ^= $size | (length($key) << 8) | (1 << 16) | (1 << 24);
    $h[4] ^= $salt[0];
    $h[5] ^= $salt[1];
    $h[6] ^= $personal[0];
    $h[7] ^= $personal[1];

    # one block, the last: the key
    my @m = unpack 'Q<16', $key . "\0" x (128 - length $key);
    my @v = (@h, @BLAKE2B_IV);

    $v[12] ^= 128;
    $v[14] ^= ~0;

    my $mix = sub {
        my ($a, $b, $c, $d, $x, $y) = @_;

        $v[$a] = add64($v[$a], $v[$b], $x);
        $v[$d] = rotr64($v[$d] ^ $v[$a], 32);
        $v[$c] = add64($v[$c], $v[$d]);
        $v[$b] = rotr64($v[$b] ^ $v[$c], 24);
        $v[$a] = add64($v[$a], $v[$b], $y);
        $v[$d] = rotr64($v[$d] ^ $v[$a], 16);
        $v[$c] = add64($v[$c], $v[$d]);
        $v[$b] = rotr64($v[$b] ^ $v[$c], 63);
    };

    for my $round (0 .. 11) {
        my @s = map { $m[$_] } @{ $BLAKE2B_SIGMA[$round % 10] };

        $mix->(0, 4,  8, 12, @s[0, 1]);
        $mix->(1, 5,  9, 13, @s[2, 3]);
        $mix->(2, 6, 10, 14, @s[4, 5]);
        $mix->(3, 7, 11, 15, @s[6, 7]);
        $mix->(0, 5, 10, 15, @s[8, 9]);
        $mix->(1, 6, 11, 12, @s[10, 11]);
        $mix->(2, 7,  8, 13, @s[12, 13]);
        $mix->(3, 4,  9, 14, @s[14, 15]);
    }

    $h[$_] ^= $v[$_] ^ $v[$_ + 8] for 0 .. 7;

    return substr pack('Q<8', @h), 0, $size;
}

# XChaCha20: HChaCha20 of the first 16 octets of the nonce gives the key

sub hchacha20 {
    my ($key, $nonce) = @_;

    my @x = (unpack('V4', 'expand 32-byte k'), unpack('V8', $key),
             unpack('V4', $nonce));

    my $rotate = sub {
        my ($value, $by) = @_;

        return (($value << $by) | ($value >> (32 - $by))) & 0xffffffff;
    };

    my $quarter = sub {
        my ($a, $b, $c, $d) = @_;

        for ([ $a, $b, $d, 16 ], [ $c, $d, $b, 12 ],
             [ $a, $b, $d, 8 ], [ $c, $d, $b, 7 ])
        {
            my ($to, $from, $turn, $by) = @$_;

            $x[$to] = ($x[$to] + $x[$from]) & 0xffffffff;
            $x[$turn] = $rotate->($x[$turn] ^ $x[$to], $by);
        }
    };

    for (1 .. 10) {
        $quarter->($_, $_ + 4, $_ + 8, $_ + 12) for 0 .. 3;
        $quarter->(@$_) for [ 0, 5, 10, 15 ], [ 1, 6, 11, 12 ],
                            [ 2, 7, 8, 13 ], [ 3, 4, 9, 14 ];
    }

    return pack 'V8', @x[0 .. 3, 12 .. 15];
}

sub xchacha20poly1305 {
    my ($key, $nonce, $ad) = @_;

    my $cipher = Crypt::AuthEnc::ChaCha20Poly1305->new(
        hchacha20($key, substr $nonce, 0, 16),
        "\0" x 4 . substr $nonce, 16);

    $cipher->adata_add($ad);

    return $cipher;
}

sub xchacha20poly1305_seal {
    my ($key, $nonce, $ad, $plain) = @_;

    my $cipher = xchacha20poly1305($key, $nonce, $ad);
    my $text = $cipher->encrypt_add($plain);

    return $text . $cipher->encrypt_done;
}

# undef if it does not hold

sub xchacha20poly1305_open {
    my ($key, $nonce, $ad, $sealed) = @_;

    return undef if length $sealed < 16;

    my $cipher = xchacha20poly1305($key, $nonce, $ad);
    my $tag = substr $sealed, -16;
    my $plain = $cipher->decrypt_add(substr $sealed, 0, -16);

    return $cipher->decrypt_done($tag) ? $plain : undef;
}

1;
