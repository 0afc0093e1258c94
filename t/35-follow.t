#!/usr/bin/perl

# "sealed read --follow" on each transport, with and without TLS: what comes,
# what is acknowledged, and going on after a reload and a death.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::XS ();
use POSIX ();
use Test::More;

use Sealed::Command qw(run);
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp);

my $sealed = "$Bin/../build/sealed";

my $nginx = Sealed::Nginx->gateway(
    workers => 2, start => 0,
    zone_conf => 'reader_times heartbeat=1s jitter=200ms;'
        . 'websocket unacknowledged=2k;',
    server_conf => 'listen 127.0.0.1:%%PORT2%% ssl http2;'
        . 'ssl_certificate %%DIR%%/tls.pem;'
        . 'ssl_certificate_key %%DIR%%/tls.key;',
);
my $dir = $nginx->dir;

local $ENV{SEALED_HOME} = "$dir/home";

run(0, 'a TLS certificate', qw(openssl req -x509 -newkey rsa:2048 -nodes
    -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost
    -keyout), "$dir/tls.key", '-out', "$dir/tls.pem");
run(0, 'authority for names', $sealed, qw(keygen authority), "$dir/names");
$nginx->start;

# the authority that the gateway knows has its key in the test
my $issuer = $nginx->file('issuer', JSON::XS::encode_json({
    type => 'sealed-sender authority key',
    secret => Sealed::Crypto::b64u($nginx->authority_seed) }));

for my $who (qw(alice bob)) {
    run(0, "identity of $who", $sealed, qw(keygen identity), "$dir/$who",
        '--name', $who, '--authority', "$dir/names");
}

run(0, 'key of a sender', $sealed, qw(keygen certificate), "$dir/sender");
run(0, 'its certificate', $sealed, qw(authority sign --authority), $issuer,
    qw(--class 2), "$dir/sender.pub");

sub follow {
    my ($url, $box, $out, @how) = @_;

    my $pid = fork // die "fork: $!";

    return $pid if $pid;

    open STDOUT, '>', $out;
    open STDERR, '>', "$out.err";
    exec 'timeout', 300, $sealed, qw(read --follow --json --gateway), $url,
        '--cacert', "$dir/tls.pem", '--mailbox', $box, '--identity',
        "$dir/bob", '--identity-authority', "$dir/names.pub", @how
        or POSIX::_exit(127);
}

sub texts {
    return join ' ', map { JSON::XS::decode_json($_)->{text} // '?' }
                         slurp($_[0]) =~ /^(.*)\n/mg;
}

my $number = 0;

for my $scheme (qw(http https)) {
    for my $transport (qw(events websocket plain)) {
        my $name = "$scheme, $transport";
        my $url = "$scheme://localhost:"
            . $nginx->port($scheme eq 'http' ? 1 : 2);
        my @tls = ('--cacert', "$dir/tls.pem");
        my $box = "$dir/box" . ++$number;

        run(0, "$name: key of an opener", $sealed, qw(keygen certificate),
            "$box.opener");
        run(0, "$name: its certificate", $sealed,
            qw(authority sign --authority), $issuer, qw(--class 1),
            "$box.opener.pub");
        run(0, "$name: mailbox", $sealed, qw(keygen mailbox), $box,
            '--identity', "$dir/bob");
        run(0, "$name: open", $sealed, 'open', '--gateway', $url, @tls,
            '--mailbox', $box, '--certificate', "$box.opener");

        my $write = sub {
            run(0, "$name: send $_[0]", $sealed, 'send', '--gateway', $url,
                @tls, '--certificate', "$dir/sender", '--identity',
                "$dir/alice", '--to', "$box.pub", '--message', $_[0]);
        };

        $write->('one');
        my $pid = follow($url, $box, "$box.out", qw(--ack --count 6),
                         '--transport', $transport);
        ok((wait_until { texts("$box.out") eq 'one' }),
           "$name: what was there");
        ok((wait_until { $nginx->status->{readers} == 1 }),
           "$name: it stays");
        $write->('two');
        ok((wait_until { texts("$box.out") eq 'one two' }),
           "$name: what comes");
        $write->('three');

        ok($nginx->reload(wait_old => 1), "$name: reload");
        $write->('four');
        ok((wait_until { texts("$box.out") eq 'one two three four' }),
           "$name: after a reload");

        my @workers = $nginx->workers;
        $nginx->signal('KILL', $_) for @workers;
        $nginx->allow(qr/exited on signal 9/);
        wait_until { my %now = map { $_ => 1 } $nginx->workers;
                     2 == keys %now && !grep { $now{$_} } @workers };
        $write->('five');
        $write->('six');

        waitpid $pid, 0;
        is($?, 0, "$name: ends by itself") or diag slurp("$box.out.err");
        is(texts("$box.out"), 'one two three four five six',
           "$name: everything, once, in order");

        my $status = JSON::XS::decode_json(run(0, "$name: status", $sealed,
            qw(status --json --gateway), $url, @tls, '--mailbox', $box));
        is($status->{envelopes}, 0, "$name: all is acknowledged");

        run(0, "$name: close", $sealed, 'close', '--gateway', $url, @tls,
            '--mailbox', $box);
        run(4, "$name: reading what has ended", $sealed, qw(read --follow
            --gateway), $url, @tls, '--mailbox', $box, '--identity',
            "$dir/bob", '--identity-authority', "$dir/names.pub",
            '--transport', $transport);
    }
}

run(1, 'another transport', $sealed, qw(read --follow --transport pigeon
    --mailbox x --identity x --identity-authority x));

$nginx->finish;
done_testing;
