package Sealed::Client;

# A client of the gateway, written from the protocol alone and sharing
# nothing with the code under test: keys, certificates, mailboxes, signed
# requests, fan-out, reading.
#
# Who acts is a hash: { key, keyid, nonce, certificate (senders, openers),
# public, id (mailboxes) }.  Every part of a request can be overridden, see
# call().

use strict;
use warnings;

use Exporter qw(import);
use JSON::XS ();
use Test::More ();

use Sealed::CBOR qw(cbor_encode cbor_decode uint);
use Sealed::Crypto qw(b64 b64u unb64u random_bytes sha256
                      hmac_sha256 hkdf kdf x25519 x25519_keypair ed25519_public
                      ed25519_sign ed25519_verify xchacha20poly1305_seal
                      xchacha20poly1305_open);
use Sealed::HTTP ();
use Sealed::POPRF qw(poprf_draw poprf_accept poprf_evaluate poprf_key);
use Sealed::Signature qw(sign_request);

our @EXPORT_OK = qw(
    authority_id signed_certificate blind_certificate certificate_id
    certificate_request_key blind_info
    mailbox_id mailbox_request_key
    fanout frank_commitment stamp stamp_open report_id
    identity_certificate identity_verify envelope_seal envelope_open
);


# certificates

sub authority_id {
    return substr sha256($_[0]), 0, 8;
}

sub signed_certificate {
    my (%o) = @_;

    my $head = pack('C C Q> Q>', 1, $o{class}, $o{not_before}, $o{not_after})
        . ($o{authority_id} // authority_id(ed25519_public($o{seed})))
        . $o{subject};

    return $head . ($o{signature}
                    // ed25519_sign($o{seed}, "sealed-sender certificate v1\0"
                                              . $head));
}

sub blind_certificate {
    my ($class, $epoch, $serial) = @_;

    return pack('C C N', 2, $class, $epoch) . $serial;
}

sub blind_info {
    my ($class, $epoch) = @_;

    return 'sealed-sender v1' . pack('C N', $class, $epoch);
}

sub certificate_id {
    my ($certificate) = @_;

    $certificate = substr $certificate, 0, -64
        if substr($certificate, 0, 1) eq "\x01";

    return substr sha256("sealed-sender certificate id v1$certificate"), 0,
                  16;
}

sub certificate_request_key {
    my ($secret, $certificate) = @_;

    return hkdf($secret, "sealed-sender request key v1$certificate");
}


# mailboxes

sub mailbox_id {
    return substr sha256("sealed-sender mailbox id v1$_[0]"), 0, 16;
}

sub mailbox_request_key {
    my ($secret, $id) = @_;

    return hkdf($secret, "sealed-sender mailbox key v1$id");
}


# bodies

sub fanout {
    my ($recipients, $headers, $body) = @_;

    return cbor_encode([ join('', @$recipients), join('', @$headers),
                         $body ]);
}


# abuse reports

sub frank_commitment {
    my ($kf, $message) = @_;

    return hmac_sha256($kf, "sealed-sender frank v1$message");
}

sub stamp {
    my (%o) = @_;

    return $o{commitment} . $o{nonce}
        . xchacha20poly1305_seal($o{key}, $o{nonce},
                                 $o{commitment} . $o{body_digest},
                                 $o{certificate_id}
                                 . pack('C N N', @o{qw(class epoch hour)}));
}

sub stamp_open {
    my ($key, $stamp, $body_digest) = @_;

    return undef if length $stamp != 97;

    my ($commitment, $nonce, $text) = unpack 'a32 a24 a41', $stamp;
    my $plain = xchacha20poly1305_open($key, $nonce,
                                       $commitment . $body_digest, $text);

    return undef unless defined $plain;

    my %found = (commitment => $commitment, nonce => $nonce);
    @found{qw(certificate_id class epoch hour)} = unpack 'a16 C N N', $plain;

    return \%found;
}

sub report_id {
    return substr sha256($_[0]), 0, 16;
}


# the envelope of the reference client

sub identity_certificate {
    my ($seed, $name, $public, $not_after) = @_;

    my @fields = (\$name, $public, uint($not_after));

    return cbor_encode([
        @fields,
        ed25519_sign($seed, "sealed-sender identity v1\0"
                            . cbor_encode(\@fields)),
    ]);
}

# { name, key, not_after }; dies when it does not hold

sub identity_verify {
    my ($authority, $certificate) = @_;

    my ($name, $key, $not_after, $signature) =
        @{ ref $certificate ? $certificate : cbor_decode($certificate) };

    die "identity certificate: signature\n"
        unless ed25519_verify($authority, $signature,
                              "sealed-sender identity v1\0"
                              . cbor_encode([ $name, $key,
                                              uint($not_after) ]));

    return { name => $$name, key => $key, not_after => $not_after };
}

sub envelope_key {
    my ($m, $what) = @_;

    return hkdf($m, "sealed envelope $what v1");
}

sub envelope_tag {
    my ($secret, $ephemeral, $body, $first, $sender, $recipient) = @_;

    return substr hkdf($secret . $ephemeral . sha256($body) . $first
                       . $sender . $recipient, 'sealed envelope sender v1'),
                  0, 16;
}

# (body, headers) for recipients' public keys

sub envelope_seal {
    my (%o) = @_;

    my $m = $o{m} // random_bytes(32);
    my ($e, $ephemeral) = x25519_keypair(envelope_key($m, 'ephemeral'));
    my (undef, $sender) = x25519_keypair($o{sender});

    my $plain = "\x83$o{identity}" . cbor_encode($o{kf})
                . cbor_encode($o{message});

    die "message too long for this size\n"
        if length($plain) + 1 + 1 + 32 + 16 > $o{size};

    $plain .= "\x80";
    $plain .= "\0" x ($o{size} - 1 - 32 - 16 - length $plain);

    my $body = "\x01$ephemeral"
        . xchacha20poly1305_seal(envelope_key($m, 'key'), "\0" x 24,
                                 $ephemeral, $plain);

    my @headers = map {
        my $recipient = $_;
        my $first = $m ^ hkdf(x25519($e, $recipient) . $ephemeral
                              . $recipient, 'sealed envelope recipient v1');

        $first . envelope_tag(x25519($o{sender}, $recipient), $ephemeral,
                              $body, $first, $sender, $recipient);
    } @{ $o{recipients} };

    return ($body, @headers);
}

# { identity, kf, message, ephemeral }; dies when anything does not hold

sub envelope_open {
    my ($private, $header, $body, $authority) = @_;

    my (undef, $recipient) = x25519_keypair($private);
    my ($version, $ephemeral, $text) = unpack 'a1 a32 a*', $body;
    my ($first, $tag) = unpack 'a32 a*', $header;

    die "envelope: version\n" unless $version eq "\x01";

    my $m = $first ^ hkdf(x25519($private, $ephemeral) . $ephemeral
                          . $recipient, 'sealed envelope recipient v1');
    my (undef, $again) = x25519_keypair(envelope_key($m, 'ephemeral'));

    die "envelope: ephemeral key\n" unless $again eq $ephemeral;

    my $plain = xchacha20poly1305_open(envelope_key($m, 'key'), "\0" x 24,
                                       $ephemeral, $text);

    die "envelope: does not decrypt\n" unless defined $plain;
    die "envelope: padding\n" unless $plain =~ s/\x80\0*\z//;

    my ($certificate, $kf, $message) = @{ cbor_decode($plain) };
    my $identity = identity_verify($authority, $certificate);

    die "envelope: sender\n"
        unless $tag eq envelope_tag(x25519($private, $identity->{key}),
                                    $ephemeral, $body, $first,
                                    $identity->{key}, $recipient);

    return { identity => $identity, kf => $kf, message => $message,
             ephemeral => $ephemeral };
}


# a client of one gateway

# port, or nginx (Sealed::Nginx), whose logs are then searched for every id
# and key of this client; exchange (public key) unless discovery is to tell;
# from (a local address)

sub new {
    my ($class, %o) = @_;

    my $nginx = $o{nginx};

    return bless {
        nginx    => $nginx,
        port     => $o{port} // $nginx->port,
        timeout  => $o{timeout} // 60,
        prefix   => $o{prefix} // '/v1',
        exchange => $o{exchange},
        seed     => $o{seed} // ($nginx ? $nginx->authority_seed : undef),
        name     => $o{name} // 'localhost',
        from     => $o{from},
    }, $class;
}

sub secret {
    my ($self, @octets) = @_;

    $self->{nginx}->secret_octets(@octets) if $self->{nginx};
}

# a connection of its own

sub connection {
    my ($self, %o) = @_;

    return Sealed::HTTP->new(port => $self->{port}, name => $self->{name},
                             from => $self->{from},
                             timeout => $self->{timeout}, %o);
}

# The connection that calls share, until nginx has other workers: those that
# had it close it, sooner or later.

sub shared {
    my ($self) = @_;

    my $http = $self->{http};
    my $workers = $self->{nginx} ? $self->{nginx}->generation : 0;

    if (!$http || $workers != $self->{workers} || $http->closed(0)) {
        $http = $self->{http} = $self->connection;
        $self->{workers} = $workers;
    }

    return $http;
}

sub disconnect {
    my ($self) = @_;

    my $http = delete $self->{http};
    $http->close if $http;
}

sub get {
    my ($self, $target, @headers) = @_;

    return $self->shared->request({ method => 'GET', target => $target,
                                    headers => [ @headers ] });
}

sub discover {
    my ($self) = @_;

    return $self->get('/.well-known/sealed-sender')->json;
}

sub exchange_key {
    my ($self) = @_;

    return $self->{exchange} //=
        unb64u($self->discover->{exchange_keys}[0]);
}

# somebody with a signed certificate; class, and any of seed, private (of the
# subject), not_before, not_after, authority_id, signature, certificate

sub certified {
    my ($self, %o) = @_;

    my ($private, $public) = x25519_keypair($o{private});
    my $now = time;

    my $certificate = $o{certificate} // signed_certificate(
        seed => $self->{seed}, not_before => $now - 3600,
        not_after => $now + 86400, subject => $public, %o);

    return $self->certificate_holder($certificate,
                                     x25519($private, $self->exchange_key));
}

# somebody with a certificate of any kind and its secret

sub certificate_holder {
    my ($self, $certificate, $secret) = @_;

    my $id = certificate_id($certificate);
    my $key = certificate_request_key($secret, $certificate);

    $self->secret($id, $key, $certificate);

    return {
        certificate => $certificate, id => $id, key => $key,
        keyid => b64u($id), nonce => (time << 20) + int rand 1024,
    };
}

sub issuer_key {
    my ($self) = @_;

    return $self->{issuer} //= unb64u($self->discover->{issuer_keys}[0]);
}

sub epoch {
    my ($self) = @_;

    return int(time / ($self->{epoch_seconds}
                       //= $self->discover->{epoch_seconds}));
}

# The answer to an account that asks for certificates, on a connection of its
# own: class, epoch (now), body or count (1), account, headers, query.  Draws
# are kept in o{draws} when that is an array reference.

sub issue {
    my ($self, $account, %o) = @_;

    my @private = map { random_bytes(32) } 1 .. $o{count} // 1;
    my ($body, @draws) = poprf_draw(map { (x25519_keypair($_))[1] }
                                        @private);

    $draws[$_]{private} = $private[$_] for 0 .. $#draws;
    @{ $o{draws} } = @draws if $o{draws};

    my $query = $o{query} // "?class=$o{class}&epoch="
                             . ($o{epoch} // $self->epoch);

    my $http = $self->connection;
    my $response = $http->request({
        method => $o{method} // 'POST', body => $o{body} // $body,
        target => ($o{path} // "$self->{prefix}/certificates") . $query,
        headers => [
            [ 'Content-Type',
              $o{type} // 'application/vnd.sealed-sender.blind' ],
            defined $account ? [ 'X-Account', $account ] : (),
            @{ $o{headers} || [] },
        ],
    }, %{ $o{send} || {} });

    $http->close;

    return $response;
}

# people with blind certificates; dies when there is none to be had

sub drawn {
    my ($self, $account, %o) = @_;

    my @draws;
    my $epoch = $o{epoch} // $self->epoch;
    my $response = $self->issue($account, %o, epoch => $epoch,
                                draws => \@draws);

    die 'issuing: ' . $response->status . "\n" if $response->status != 200;

    my @outputs = poprf_accept($response->body, $self->issuer_key,
                               blind_info($o{class}, $epoch), @draws)
        or die "issuing: the proof does not hold\n";

    my @drawn = map {
        $self->blind_holder(class => $o{class}, epoch => $epoch,
                            private => $_->{private},
                            poprf => shift @outputs)
    } @draws;

    return wantarray ? @drawn : $drawn[0];
}

# The same without asking anybody, from the gateway's master secret: of any
# epoch, any number.  class, epoch (now), master (that of nginx)

sub minted {
    my ($self, %o) = @_;

    my $issuer = poprf_key(kdf($o{master} // $self->{nginx}->master_secret,
                               2, 'sealedv1'), 'sealed-sender issuer key v1');
    my ($private, $public) = x25519_keypair($o{private});
    my $epoch = $o{epoch} // $self->epoch;

    return $self->blind_holder(
        class => $o{class}, epoch => $epoch, private => $private,
        poprf => poprf_evaluate($issuer, $public,
                                blind_info($o{class}, $epoch)));
}

# a blind certificate, when the POPRF's output is known

sub blind_holder {
    my ($self, %o) = @_;

    my ($private, $public) = x25519_keypair($o{private});
    my $certificate = blind_certificate($o{class}, $o{epoch}, $public);

    return $self->certificate_holder(
        $certificate, $o{poprf} . x25519($private, $self->exchange_key));
}

sub mailbox {
    my ($self, $private) = @_;

    ($private, my $public) = x25519_keypair($private);
    my $id = mailbox_id($public);
    my $key = mailbox_request_key(x25519($private, $self->exchange_key), $id);

    $self->secret($id, $key, $public);

    return {
        private => $private, public => $public, id => $id, key => $key,
        keyid => b64u($id), nonce => (time << 20) + int rand 1024,
    };
}

# A signed request that is not sent yet.  Options: headers, body, and
# everything that sign_request() takes, under sign.

sub request {
    my ($self, $actor, $method, $target, %o) = @_;

    my $request = {
        method => $method, target => $target, body => $o{body} // '',
        headers => [ @{ $o{headers} || [] } ],
    };

    unshift @{ $request->{headers} },
        [ 'Sealed-Certificate', ':' . b64($actor->{certificate}) . ':' ]
        if defined $actor->{certificate};

    my %sign = (key => $actor->{key}, keyid => $actor->{keyid},
                created => time, %{ $o{sign} || {} });

    $sign{nonce} = $actor->{nonce}++ unless exists $sign{nonce};

    sign_request($request, %sign);

    return $request;
}

# Sign and send, on the shared connection or on o{http}; o{send} has options
# of Sealed::HTTP::send().

sub call {
    my ($self, $actor, $method, $target, %o) = @_;

    my $http = $o{http} // $self->shared;

    return $http->request($self->request($actor, $method, $target, %o),
                          %{ $o{send} || {} });
}

sub path {
    my ($self, $mailbox, $rest) = @_;

    my $id = ref $mailbox ? $mailbox->{id} : $mailbox;

    return "$self->{prefix}/mailboxes/" . b64u($id) . ($rest // '');
}

sub headers {
    my ($o, @more) = @_;

    push @more, [ 'TTL', $o->{ttl} ] if defined $o->{ttl};
    push @more, [ 'Sealed-Delivery', 'online' ] if $o->{online};
    push @more, [ 'Sealed-Frank', ':' . b64($o->{frank}) . ':' ]
        if defined $o->{frank};

    return [ @more, @{ $o->{headers} || [] } ];
}

sub open_mailbox {
    my ($self, $opener, $mailbox, %o) = @_;

    my $key = $o{owner_key} // $mailbox->{public};

    return $self->call($opener, 'PUT', $self->path($mailbox), %o,
                       headers => headers(\%o, [ 'Sealed-Mailbox-Key',
                                                 ':' . b64($key) . ':' ]));
}

# a mailbox that somebody has opened, which is a test

sub opened_mailbox {
    my ($self) = @_;

    my $mailbox = $self->mailbox;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::is($self->open_mailbox($self->certified(class => 1),
                                       $mailbox)->status, 201, 'open');
    return $mailbox;
}

sub status {
    my ($self, $mailbox, %o) = @_;

    return $self->call($mailbox, 'GET', $self->path($mailbox), %o);
}

sub close_mailbox {
    my ($self, $mailbox, %o) = @_;

    return $self->call($mailbox, 'DELETE', $self->path($mailbox), %o);
}

# ttl, online, frank (32 octets), and what call() takes

sub send {
    my ($self, $sender, $mailbox, $body, %o) = @_;

    return $self->call($sender, 'POST', $self->path($mailbox, '/envelopes'),
                       %o, body => $body,
                       headers => headers(\%o, [ 'Content-Type',
                           $o{type} // 'application/octet-stream' ]));
}

# recipients: mailboxes or ids; headers: [] or one for each; or body as it is

sub send_fanout {
    my ($self, $sender, $recipients, $slices, $body, %o) = @_;

    $body = fanout([ map { ref $_ ? $_->{id} : $_ } @$recipients ],
                   $slices, $body)
        if $recipients;

    return $self->call($sender, 'POST', "$self->{prefix}/envelopes", %o,
                       body => $body,
                       headers => headers(\%o, [ 'Content-Type', $o{type}
                           // 'application/vnd.sealed-sender.fanout+cbor' ]));
}

# The answer to a moderator, on a connection of its own: a document, or a text
# as it is, to "reports" or "revocations"; method, type, send

sub moderate {
    my ($self, $what, $document, %o) = @_;

    my $http = $self->connection;
    my $response = $http->request({
        method => $o{method} // 'POST', target => "$self->{prefix}/$what",
        headers => [ [ 'Content-Type', $o{type} // 'application/json' ] ],
        body => ref $document
                ? JSON::XS->new->canonical->encode($document) : $document,
    }, %{ $o{send} || {} });

    $http->close;

    return $response;
}

# a certificate, by its id, until an hour from now or another time

sub revoke {
    my ($self, $id, $until) = @_;

    return $self->moderate('revocations', {
        certificate_id => b64u($id), until => $until // time + 3600 });
}

sub query {
    my ($o, @names) = @_;

    my @parts = map { "$_=$o->{$_}" } grep { defined $o->{$_} } @names;

    return $o->{query} // (@parts ? '?' . join '&', @parts : '');
}

# after, limit, wait, or query ("?...")

sub read {
    my ($self, $mailbox, %o) = @_;

    return $self->call($mailbox, 'GET', $self->path($mailbox, '/envelopes'
                           . query(\%o, qw(after limit wait))), %o);
}

# all that is there, as items

sub read_all {
    my ($self, $mailbox) = @_;

    my ($after, @all) = (0);

    for (;;) {
        my @items = $self->read($mailbox, after => $after, limit => 1000)
                         ->items
            or return @all;
        push @all, @items;
        $after = $items[-1]{seq};
    }
}

sub acknowledge {
    my ($self, $mailbox, $through, %o) = @_;

    return $self->call($mailbox, 'DELETE', $self->path($mailbox, '/envelopes'
                           . ($o{query} // "?through=$through")), %o);
}

sub ticket {
    my ($self, $mailbox, %o) = @_;

    my $response = $self->call($mailbox, 'POST',
                               $self->path($mailbox, '/tickets'), %o);

    $self->{nginx}->secret($response->json->{ticket})
        if $self->{nginx} && $response->status == 200;

    return $response;
}

# A live read on a connection of its own: (connection, head of the response).
# ticket instead of a signature; last (Last-Event-ID).

sub live {
    my ($self, $mailbox, $headers, %o) = @_;

    my $http = $o{http} // $self->connection;
    my $target = $self->path($mailbox, '/envelopes'
                             . query(\%o, qw(after limit wait ticket)));

    my @headers = (@$headers, @{ $o{headers} || [] });
    push @headers, [ 'Last-Event-ID', $o{last} ] if defined $o{last};

    $http->send(defined $o{ticket}
        ? { method => 'GET', target => $target, headers => \@headers }
        : $self->request($mailbox, 'GET', $target, %o,
                         headers => \@headers));

    return ($http, $http->head(method => 'GET'));
}

sub event_stream {
    my ($self, $mailbox, %o) = @_;

    return $self->live($mailbox, [ [ 'Accept', 'text/event-stream' ] ], %o);
}

sub websocket {
    my ($self, $mailbox, %o) = @_;

    return $self->live($mailbox, [ Sealed::HTTP->websocket_headers ], %o);
}

1;
