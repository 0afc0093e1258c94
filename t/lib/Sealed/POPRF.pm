package Sealed::POPRF;

# RFC 9497 in mode 0x02 with ristretto255 and SHA-512, both halves, written
# from the RFC.  The group is libsodium's, everything above it is here and
# shares nothing with the code under test.

use strict;
use warnings;

use Crypt::Digest::SHA512 qw(sha512);
use Exporter qw(import);
use FFI::Platypus 1.00 ();

our @EXPORT_OK = qw(poprf_draw poprf_accept poprf_public poprf_answer
                    poprf_request poprf_evaluate poprf_finalize poprf_key
                    random_scalar);

my $context = "OPRFV1-\x02-ristretto255-SHA512";

my $ffi = FFI::Platypus->new(api => 1, lib => library());

sub library {
    for my $dir (qw(/usr/lib/x86_64-linux-gnu /usr/lib/aarch64-linux-gnu
                    /usr/lib /usr/lib64 /usr/local/lib))
    {
        my @found = sort glob "$dir/libsodium.so*";

        return $found[0] if @found;
    }

    die "libsodium is not installed\n";
}

$ffi->function(sodium_init => [] => 'int')->call;

# every function: 32 octets out, then strings in

sub sodium {
    my ($name, $inputs, $returns) = @_;

    my $function = $ffi->function(
        $name => [ ('opaque') x (1 + $inputs) ],
        $returns // 'int');

    return sub {
        my $out = pack 'x32';
        my @addresses = map { unpack 'Q', pack 'P', $_ } $out, @_;
        my $rc = $function->call(@addresses);

        return defined $rc && $rc != 0 ? undef : $out;
    };
}

my $core = 'crypto_core_ristretto255';

my $from_hash = sodium("${core}_from_hash", 1);
my $add = sodium("${core}_add", 2);
my $reduce = sodium("${core}_scalar_reduce", 1, 'void');
my $random = sodium("${core}_scalar_random", 0, 'void');
my $invert = sodium("${core}_scalar_invert", 1);
my $scalar_add = sodium("${core}_scalar_add", 2, 'void');
my $scalar_sub = sodium("${core}_scalar_sub", 2, 'void');
my $scalar_mul = sodium("${core}_scalar_mul", 2, 'void');
my $multiply = sodium('crypto_scalarmult_ristretto255', 2);
my $base = sodium('crypto_scalarmult_ristretto255_base', 1);

sub random_scalar { return $random->() }

# an operation that must not fail

sub must {
    return $_[0] // die "ristretto255: not an element\n";
}

sub expand {
    my ($message, $label) = @_;

    my $dst = $label . $context;

    $dst .= chr length $dst;

    my $first = sha512("\0" x 128 . $message . "\0\x40\0" . $dst);

    return sha512("$first\x01$dst");
}

sub to_scalar {
    return $reduce->(expand($_[0], 'HashToScalar-'));
}

sub string {
    return join '', map { pack('n', length) . $_ } @_;
}

sub tweak {
    my ($info) = @_;

    return to_scalar('Info' . string($info));
}

# DeriveKeyPair, the private half

sub poprf_key {
    my ($seed, $info) = @_;

    for my $counter (0 .. 255) {
        my $key = $reduce->(expand($seed . string($info) . chr $counter,
                                   'DeriveKeyPair'));

        return $key if $key ne "\0" x 32;
    }

    die "DeriveKeyPairError\n";
}

# what the issuer computes of an input that it knows

sub poprf_evaluate {
    my ($private, $input, $info) = @_;

    my $t = $scalar_add->($private, tweak($info));
    my $element = must($from_hash->(expand($input, 'HashToGroup-')));

    return sha512(string($input, $info,
                         must($multiply->($invert->($t), $element)))
                  . 'Finalize');
}

sub poprf_public { return must($base->($_[0])) }

# Blinded elements for inputs: (body of a request, what is needed later)

sub poprf_draw {
    my (@inputs) = @_;

    my @draws = map {
        my $blind = random_scalar();
        my $element = must($from_hash->(expand($_, 'HashToGroup-')));

        { input => $_, blind => $blind,
          blinded => must($multiply->($blind, $element)) }
    } @inputs;

    return (poprf_request(map { $_->{blinded} } @draws), @draws);
}

sub poprf_request {
    return join '', pack('n', scalar @_), @_;
}

sub composites {
    my ($key, $c, $d) = @_;

    my $seed = sha512(string($key, "Seed-$context"));
    my @sums = ("\0" x 32, "\0" x 32);

    for my $i (0 .. $#$c) {
        my $weight = to_scalar(string($seed) . pack('n', $i)
                               . string($c->[$i], $d->[$i]) . 'Composite');

        $sums[0] = must($add->($sums[0],
                               must($multiply->($weight, $c->[$i]))));
        $sums[1] = must($add->($sums[1],
                               must($multiply->($weight, $d->[$i]))));
    }

    return @sums;
}

sub challenge {
    return to_scalar(string(@_) . 'Challenge');
}

# The outputs, or nothing when the proof does not hold under this key

sub poprf_accept {
    my ($answer, $public, $info, @draws) = @_;

    my $count = unpack 'n', $answer;

    return unless $count == @draws
        && length $answer == 2 + 32 * $count + 65
        && substr($answer, 2 + 32 * $count, 1) eq "\x02";

    my @evaluated = unpack '(a32)*', substr $answer, 2, 32 * $count;
    my ($c, $s) = unpack 'a32 a32', substr $answer, -64;
    my $key = must($add->(must($base->(tweak($info))), $public));
    my ($m, $z) = composites($key, \@evaluated,
                             [ map { $_->{blinded} } @draws ]);

    my $t2 = must($add->(must($base->($s)), must($multiply->($c, $key))));
    my $t3 = must($add->(must($multiply->($s, $m)),
                         must($multiply->($c, $z))));

    return unless $c eq challenge($key, $m, $z, $t2, $t3);

    return poprf_finalize($answer, $info, @draws);
}

# The same without looking at the proof, as no client should

sub poprf_finalize {
    my ($answer, $info, @draws) = @_;

    my @evaluated = unpack '(a32)*', substr $answer, 2, 32 * @draws;

    return map {
        my $element = must($multiply->($invert->($_->{blind}),
                                       shift @evaluated));

        sha512(string($_->{input}, $info, $element) . 'Finalize')
    } @draws;
}

# What an issuer with this private key answers; another one can be proved
# than is used

sub poprf_answer {
    my ($request, $private, $info, $proved) = @_;

    my ($count, $blinded) = unpack 'n a*', $request;
    my @blinded = unpack '(a32)*', $blinded;

    my $t = $scalar_add->($private, tweak($info));
    my @evaluated = map { must($multiply->($invert->($t), $_)) } @blinded;

    my $shown = $scalar_add->($proved // $private, tweak($info));
    my $key = must($base->($shown));
    my ($m) = composites($key, \@evaluated, \@blinded);
    my $r = random_scalar();

    my $c = challenge($key, $m, must($multiply->($shown, $m)),
                      must($base->($r)), must($multiply->($r, $m)));

    return join '', pack('n', $count), @evaluated, "\x02", $c,
                    $scalar_sub->($r, $scalar_mul->($c, $shown));
}

1;
