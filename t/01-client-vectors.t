#!/usr/bin/perl

# The tests' own client against the protocol's vectors: every derived value of
# every group, so that what it says of a gateway can be trusted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::XS ();
use Test::More;

use Sealed::CBOR qw(cbor_encode cbor_decode cbor_sequence uint);
use Sealed::Client qw(
    authority_id signed_certificate blind_certificate certificate_id
    certificate_request_key blind_info mailbox_id mailbox_request_key fanout
    frank_commitment stamp stamp_open report_id identity_certificate
    identity_verify envelope_seal envelope_open
);
use Sealed::Crypto qw(b64 b64u unb64u sha256 kdf x25519 x25519_public
                      ed25519_public);
use Sealed::POPRF qw(poprf_accept poprf_answer poprf_evaluate poprf_key
                     poprf_public);
use Sealed::Signature qw(sign_request);
use Sealed::Wait qw(slurp);

my $groups = JSON::XS::decode_json(slurp("$FindBin::Bin/vectors/protocol.json"))
             ->{groups};

sub raw { return pack 'H*', $_[0] }
sub hex_is {
    my ($octets, $expected, $name) = @_;

    is(unpack('H*', $octets), $expected, $name);
}

{
    my $v = $groups->{keys};
    my $master = raw($v->{master});
    my $private = kdf($master, 1, 'sealedv1');

    hex_is($private, $v->{exchange_private}, 'keys: exchange private');
    hex_is(x25519_public($private), $v->{exchange_public},
           'keys: exchange public');
    hex_is(kdf($master, 2, 'sealedv1'), $v->{issuer_seed},
           'keys: issuer seed');
    hex_is(poprf_key(kdf($master, 2, 'sealedv1'), $v->{issuer_info}),
           $v->{issuer_private}, 'keys: issuer private');
    hex_is(kdf($master, 3, 'sealedv1'), $v->{reader_tickets_key},
           'keys: reader tickets');
    hex_is(kdf($master, 4, 'sealedv1'), $v->{zone_key}, 'keys: zone');
    hex_is(kdf($master, (1 << 32) + $v->{franking_epoch}, 'sealedv1'),
           $v->{franking_key}, 'keys: franking');
}

{
    my $v = $groups->{signed_certificate};
    my $seed = raw($v->{authority_seed});
    my $authority = ed25519_public($seed);
    my $subject = raw($v->{subject_private});

    hex_is($authority, $v->{authority_public}, 'signed: authority');
    hex_is(authority_id($authority), $v->{authority_key_id},
           'signed: authority id');
    hex_is(x25519_public($subject), $v->{subject_public}, 'signed: subject');

    my $certificate = signed_certificate(
        seed => $seed, subject => x25519_public($subject),
        map { $_ => $v->{$_} } qw(class not_before not_after));
    my $secret = x25519($subject, raw($v->{exchange_public}));

    hex_is($certificate, $v->{certificate}, 'signed: certificate');
    hex_is($secret, $v->{secret}, 'signed: secret');
    hex_is(certificate_id($certificate), $v->{id}, 'signed: id');
    is(b64u(certificate_id($certificate)), $v->{keyid}, 'signed: keyid');
    hex_is(certificate_request_key($secret, $certificate), $v->{request_key},
           'signed: request key');
}

{
    my $v = $groups->{blind_certificate};
    my $serial = raw($v->{serial_private});

    hex_is(blind_info($v->{class}, $v->{epoch}), $v->{info}, 'blind: info');
    hex_is(x25519_public($serial), $v->{serial_public}, 'blind: serial');

    my $certificate = blind_certificate($v->{class}, $v->{epoch},
                                        x25519_public($serial));
    my $secret = raw($v->{poprf_output})
                 . x25519($serial, raw($v->{exchange_public}));

    hex_is($certificate, $v->{certificate}, 'blind: certificate');

    my $info = raw($v->{info});
    my $issuer = raw($v->{issuer_private});
    my $draw = { input => x25519_public($serial), blind => raw($v->{blind}),
                 blinded => substr raw($v->{request}), 2 };

    hex_is(poprf_public($issuer), $v->{issuer_public}, 'blind: issuer');

    my ($output) = poprf_accept(raw($v->{response}),
                                raw($v->{issuer_public}), $info, $draw);
    hex_is($output // '', $v->{poprf_output}, 'blind: the answer holds');

    ($output) = poprf_accept(poprf_answer(raw($v->{request}), $issuer, $info),
                             raw($v->{issuer_public}), $info, $draw);
    hex_is($output // '', $v->{poprf_output}, 'blind: another proof');

    hex_is(poprf_evaluate($issuer, $draw->{input}, $info),
           $v->{poprf_output}, 'blind: what the issuer computes alone');

    is(scalar(() = poprf_accept(raw($v->{response}),
                                raw($v->{issuer_public}), "$info.", $draw)),
       0, 'blind: another info');
    hex_is($secret, $v->{secret}, 'blind: secret');
    hex_is(certificate_id($certificate), $v->{id}, 'blind: id');
    is(b64u(certificate_id($certificate)), $v->{keyid}, 'blind: keyid');
    hex_is(certificate_request_key($secret, $certificate), $v->{request_key},
           'blind: request key');
}

{
    my $v = $groups->{mailbox};
    my $private = raw($v->{owner_private});
    my $public = x25519_public($private);
    my $secret = x25519($private, raw($v->{exchange_public}));

    hex_is($public, $v->{owner_public}, 'mailbox: owner');
    hex_is($secret, $v->{secret}, 'mailbox: secret');
    hex_is(mailbox_id($public), $v->{id}, 'mailbox: id');
    is(b64u(mailbox_id($public)), $v->{id_in_paths}, 'mailbox: path');
    hex_is(mailbox_request_key($secret, mailbox_id($public)),
           $v->{request_key}, 'mailbox: request key');
}

for my $v (@{ $groups->{requests}{list} }) {
    my ($created, $nonce, $keyid) = $v->{signature_input}
        =~ /created=(\d+);nonce="(\d+)";keyid="([^"]+)"/;
    my $digest = $v->{headers}{'Content-Digest'};

    my $request = {
        method => $v->{method}, target => $v->{target},
        body => raw($v->{body}),
        headers => [ map { [ $_, $v->{headers}{$_} ] }
                         grep { $_ ne 'Content-Digest' }
                              sort keys %{ $v->{headers} } ],
    };

    my $base = sign_request($request, key => raw($v->{request_key}),
                            created => $created, nonce => $nonce,
                            keyid => $keyid);

    my %header = map { @$_ } @{ $request->{headers} };

    is($header{'Content-Digest'}, $digest, "$v->{about}: digest");
    is($base, $v->{signature_base}, "$v->{about}: base");
    is($header{'Signature-Input'}, $v->{signature_input},
       "$v->{about}: input");
    is($header{'Signature'}, $v->{signature}, "$v->{about}: signature");
}

{
    my $v = $groups->{fanout};

    hex_is(fanout([ map { raw($_) } @{ $v->{recipients} } ],
                  [ map { raw($_) } @{ $v->{headers} } ],
                  raw($v->{shared_body})), $v->{fanout}, 'fanout');
}

{
    my $v = $groups->{sealed_envelope};
    my $seed = raw($v->{identity_authority_seed});
    my $authority = ed25519_public($seed);
    my $sender = raw($v->{sender_private});

    hex_is($authority, $v->{identity_authority_public},
           'envelope: authority');
    hex_is(x25519_public($sender), $v->{sender_public}, 'envelope: sender');

    my $identity = identity_certificate($seed, $v->{sender_name},
                                        x25519_public($sender),
                                        $v->{sender_not_after});

    hex_is($identity, $v->{identity_certificate}, 'envelope: identity');

    hex_is($identity =~ s/^/\x83/r
           . cbor_encode(raw($v->{kf})) . cbor_encode(raw($v->{message})),
           $v->{plaintext}, 'envelope: plaintext');

    my ($body, @headers) = envelope_seal(
        m => raw($v->{m}), sender => $sender, identity => $identity,
        kf => raw($v->{kf}), message => raw($v->{message}),
        size => $v->{size},
        recipients => [ map { raw($_) } @{ $v->{recipient_public} } ]);

    hex_is(substr($body, 1, 32), $v->{ephemeral_public},
           'envelope: ephemeral');
    hex_is($body, $v->{body}, 'envelope: body');

    for my $i (0 .. $#headers) {
        my $private = raw($v->{recipient_private}[$i]);

        hex_is(x25519_public($private), $v->{recipient_public}[$i],
               "envelope: recipient $i");
        hex_is($headers[$i], $v->{headers}[$i], "envelope: header $i");

        my $opened = envelope_open($private, $headers[$i], $body, $authority);

        is($opened->{identity}{name}, $v->{sender_name},
           "envelope: name read by $i");
        hex_is($opened->{message}, $v->{message},
               "envelope: message read by $i");
        hex_is($opened->{kf}, $v->{kf}, "envelope: kf read by $i");
    }

    ok(!eval { envelope_open(raw($v->{recipient_private}[0]), $headers[1],
                             $body, $authority) },
       'envelope: not with the other header');
    ok(!eval { identity_verify($authority,
                               $identity =~ s/alice/malla/r); 1 },
       'envelope: not with another name');
}

{
    my $v = $groups->{franking};
    my $commitment = frank_commitment(raw($v->{kf}), raw($v->{message}));
    my $digest = sha256(raw($groups->{sealed_envelope}{body}));

    hex_is($commitment, $v->{commitment}, 'franking: commitment');
    is(':' . b64($commitment) . ':', $v->{sealed_frank}, 'franking: header');
    hex_is($digest, $v->{body_digest}, 'franking: digest');

    my $stamp = stamp(
        key => raw($v->{franking_key}), nonce => raw($v->{nonce}),
        commitment => $commitment, body_digest => $digest,
        certificate_id => raw($v->{certificate_id}),
        map { $_ => $v->{$_} } qw(class epoch hour));

    hex_is($stamp, $v->{stamp}, 'franking: stamp');
    is(b64u(report_id($stamp)), $v->{report_id}, 'franking: report id');

    is_deeply(JSON::XS::decode_json($v->{report}),
              { kf => b64u(raw($v->{kf})), stamp => b64u($stamp),
                message => b64u(raw($v->{message})),
                body_digest => b64u($digest) }, 'franking: report');

    my $found = stamp_open(raw($v->{franking_key}), $stamp, $digest);

    hex_is($found->{certificate_id}, $v->{certificate_id},
           'franking: certificate in the stamp');
    is("@{$found}{qw(class epoch hour)}", "@{$v}{qw(class epoch hour)}",
       'franking: the rest of the stamp');
    is(stamp_open(raw($v->{franking_key}), $stamp, "\0" x 32), undef,
       'franking: not with another body');
}

{
    my $v = $groups->{items};
    my @expected;

    for my $item (@{ $v->{items} }) {
        my @fields = ($item->{seq}, $v->{hour}, raw($v->{header}),
                      raw($v->{body}),
                      $item->{stamp} ? raw($v->{stamp}) : undef);

        push @expected, \@fields;
        is_deeply(cbor_decode(raw($item->{item})), \@fields,
                  "items: $item->{seq} decoded");
        hex_is(cbor_encode([ uint($fields[0]), uint($fields[1]),
                             @fields[2 .. 4] ]), $item->{item},
               "items: $item->{seq} encoded");
    }

    is_deeply([ cbor_sequence(raw($v->{sequence})) ], \@expected,
              'items: sequence');

    my ($data) = $v->{event} =~ /^data: (.*)$/m;

    is_deeply(cbor_decode(Sealed::Crypto::unb64($data)), $expected[0],
              'items: event');

    for my $ack (@{ $v->{acknowledgements} }) {
        hex_is(cbor_encode(uint($ack->{through})), $ack->{message},
               "items: acknowledgement of $ack->{through}");
    }
}

done_testing;
