package Sealed::Signature;

# HTTP message signatures (RFC 9421) for the tests' own client.  Signs as a
# good client does, and lets a test break each part of it.
#
# A request is { method, target, headers => [ [ name, value ], ... ], body }.

use strict;
use warnings;

use Exporter qw(import);

use Sealed::Crypto qw(b64 sha256 hmac_sha256);

our @EXPORT_OK = qw(sign_request signature_base content_digest
                    header set_header remove_header);

my @SIGNED_HEADERS = qw(sealed-certificate ttl sealed-delivery sealed-frank
                        sealed-mailbox-key);

sub header {
    my ($request, $name) = @_;

    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
                                      @{ $request->{headers} };

    return @values ? join(', ', @values) : undef;
}

sub remove_header {
    my ($request, $name) = @_;

    @{ $request->{headers} } = grep { lc $_->[0] ne lc $name }
                                    @{ $request->{headers} };
}

sub set_header {
    my ($request, $name, $value) = @_;

    remove_header($request, $name);
    push @{ $request->{headers} }, [ $name, $value ];
}

sub content_digest {
    my ($body) = @_;

    return 'sha-256=:' . b64(sha256($body)) . ':';
}

sub component {
    my ($request, $name) = @_;

    my ($path, $query) = $request->{target} =~ /^([^?]*)(\?.*)?\z/s;

    return $request->{method} if $name eq '@method';
    return $path if $name eq '@path';
    return defined $query ? $query : '?' if $name eq '@query';
    return $request->{target} if $name eq '@request-target';

    return header($request, $name) // '';
}

# lines joined by LF, none at the end

sub signature_base {
    my ($request, $components, $params) = @_;

    return join "\n",
        (map {
            my ($name) = /^"([^"]*)"/;
            "$_: " . component($request, $name);
        } @$components),
        "\"\@signature-params\": $params";
}

# Adds Content-Digest, Signature-Input and Signature to the request and
# returns the signature base.  Wanted: key (octets), keyid, created, nonce.
# To deviate:
#
#     tag, alg, expires    other values; undef leaves tag out
#     order                names of the parameters, in this order
#     params               all of what stands behind the ")", as text
#     components           names ('@method'), or whole items ('"ttl";sf')
#     digest               value of Content-Digest; undef leaves it out
#     label                instead of "sealed"
#     input                value of Signature-Input, as sent
#     mac                  octets instead of the HMAC
#     signature            value of Signature, as sent
#     before, after        code that is given the request before it is
#                          signed (and after the digest), and when it is

sub sign_request {
    my ($request, %o) = @_;

    my $body = $request->{body} // '';

    if (exists $o{digest}) {
        set_header($request, 'Content-Digest', $o{digest})
            if defined $o{digest};

    } elsif (length $body && !defined header($request, 'Content-Digest')) {
        set_header($request, 'Content-Digest', content_digest($body));
    }

    $o{before}->($request) if $o{before};

    my @components = $o{components} ? @{ $o{components} }
        : ('@method', '@path', '@query',
           grep { defined header($request, $_) } 'content-digest',
                @SIGNED_HEADERS);

    @components = map { /^"/ ? $_ : "\"$_\"" } @components;

    my %value = (
        created => $o{created},
        nonce   => defined $o{nonce} ? "\"$o{nonce}\"" : undef,
        keyid   => defined $o{keyid} ? "\"$o{keyid}\"" : undef,
        tag     => exists $o{tag} ? (defined $o{tag} ? "\"$o{tag}\"" : undef)
                                  : '"sealed-sender"',
        alg     => defined $o{alg} ? "\"$o{alg}\"" : undef,
        expires => $o{expires},
    );

    my @order = $o{order} ? @{ $o{order} }
                          : qw(created expires nonce alg keyid tag);

    my $params = '(' . join(' ', @components) . ')'
        . ($o{params} // join '', map { ";$_=$value{$_}" }
                                      grep { defined $value{$_} } @order);

    my $base = signature_base($request, \@components, $params);
    my $mac = $o{mac} // hmac_sha256($o{key}, $base);
    my $label = $o{label} // 'sealed';

    set_header($request, 'Signature-Input', $o{input} // "$label=$params");
    set_header($request, 'Signature',
               $o{signature} // "$label=:" . b64($mac) . ':');

    $o{after}->($request) if $o{after};

    return $base;
}

1;
