#!/usr/bin/perl

# What the benchmark is made of: certificates, mailboxes and requests in
# bulk, the replay of requests, and the programs that need no nginx.  What is
# counted is right; how long it took is nobody's business here.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::XS qw(decode_json);
use Test::More;

use Sealed::Nginx ();
use Sealed::Wait qw(slurp spew);

my $top = "$Bin/..";
my $checked = 'empty_gif; error_page 405 =200 @done;';

my $nginx = Sealed::Nginx->gateway(
    workers => 2, zone_conf => 'mailbox envelopes=500 bytes=4m;',
    server_conf => "location = /checked { sealed_access main; $checked }"
                   . 'location @done { return 200; }',
    start => 0,
);
my $dir = $nginx->{dir};

$ENV{SEALED_GATEWAY} = 'http://127.0.0.1:' . $nginx->port;
$ENV{SEALED_HOME} = "$dir/home";

# (exit status, what it said as JSON)

sub sealed {
    my ($command, @args) = @_;

    my $pid = open(my $pipe, '-|') // die "fork: $!\n";

    if (!$pid) {
        open STDERR, '>>', "$dir/stderr";
        exec "$top/build/sealed", split(' ', $command), @args, '--json';
    }

    my $said = do { local $/; <$pipe> } // '';

    close $pipe;

    return ($? >> 8, $said =~ /\A\{/ ? decode_json($said) : {});
}

is((sealed('keygen authority', "$dir/issuer"))[0], 0, 'an authority');
spew("$dir/authority", slurp("$dir/issuer.pub"), 0600);
$nginx->start;
$nginx->watch('repairs');

my $authority = "--authority $dir/issuer";


# certificates

my ($status, $said) = sealed(
    "bench certificates $authority --class 2 --count 20", "$dir/senders");

is($status, 0, 'certificates');
is($said->{certificates}, 20, 'as many as asked for');
is(-s "$dir/senders", 20 * 162, 'a record each');
is((stat "$dir/senders")[2] & 0777, 0600, 'which nobody else may read');

# where their nonces begin, behind certificate and key: no time is as low

my @nonces = unpack '(x154 Q>)20', slurp("$dir/senders");

is((grep { $_ < 1 << 48 } @nonces), 20, 'a counter does not tell its time');
is(keys %{ { map { $_ => 1 } @nonces } }, 20, 'and begins anywhere');


# mailboxes

($status, $said) = sealed("bench mailboxes $authority --class 1 --count 60 "
                          . '--connections 7', "$dir/ids");

is($status, 0, 'mailboxes');
is_deeply($said->{statuses}, { 201 => 60 }, 'all of them opened');
is(-s "$dir/ids", 60 * 16, 'an id each');
is($nginx->zone_status->{mailboxes}, 60, 'and they are there');

is((sealed("bench mailboxes $authority --class 1 --count 4 --each 2",
           "$dir/none"))[0], 0, 'one each for connections that come first');
is((sealed("bench mailboxes $authority --class 1 --count 4 --each 2 "
           . '--connections 1', "$dir/none"))[0], 4,
   'more than a certificate may open');
is((sealed("bench mailboxes $authority --class 2 --count 1",
           "$dir/none2"))[0], 4, 'a class that may not');
ok(!-e "$dir/none2", 'and no file');


# requests, each once

my $with = "--certificates $dir/senders";

sub envelopes { return $nginx->zone_status->{envelopes} }

for ([ 'single sends', "--mailboxes $dir/ids --count 100", 201, 100, 100 ],
     [ 'other sizes', "--mailboxes $dir/ids --count 30 --size 16384", 201,
       30, 30 ],
     [ 'fan-outs', "--mailboxes $dir/ids --count 12 --recipients 25 "
       . '--slice 48 --bodies 5', 200, 12, 300 ],
     [ 'somewhere else', '--path /checked --count 40', 200, 40, 0 ])
{
    my ($name, $options, $code, $answers, $stored) = @$_;

    is((sealed("bench requests $with $options", "$dir/requests"))[0], 0,
       "$name: prepared");

    my $before = envelopes();
    ($status, $said) = sealed('bench replay --connections 9',
                              "$dir/requests");

    is($status, 0, "$name: sent");
    is_deeply($said->{statuses}, { $code => $answers }, "$name: answers");
    is(envelopes() - $before, $stored, "$name: envelopes");

    ($status, $said) = sealed('bench replay', "$dir/requests");
    is($status, 4, "$name: a second time");
    is_deeply($said->{statuses}, { 409 => $answers },
              "$name: every nonce is gone");
}


# nonces go on where they were

is((sealed("bench requests $with --mailboxes $dir/ids --count 40",
           "$dir/$_"))[0], 0, "file $_") for 1, 2;
is((sealed('bench replay', "$dir/$_"))[0], 0, "file $_ is accepted")
    for 2, 1;


# a program that signs must not be fooled by a file

my $good = slurp("$dir/1");

for ([ 'empty', '' ], [ 'another format', "x$good" ],
     [ 'cut short', substr $good, 0, -1 ], [ 'longer', $good . 'x' ],
     [ 'a body that is not there', $good =~ s{\A(.{16}....)....}
                                             {$1\xff\xff\xff\xff}sr ],
     [ 'too many bodies', $good =~ s{\A(.{16})....}
                                    {$1\xff\xff\xff\xff}sr ])
{
    my ($name, $content) = @$_;

    spew("$dir/bad", $content, 0600);
    is((sealed('bench replay', "$dir/bad"))[0], 2, "requests: $name");
}

spew("$dir/bad", substr(slurp("$dir/senders"), 1), 0600);
is((sealed("bench requests --certificates $dir/bad --path /checked "
           . '--count 1', "$dir/3"))[0], 2, 'certificates: cut short');
chmod 0644, "$dir/senders";
is((sealed("bench requests $with --path /checked --count 1",
           "$dir/3"))[0], 2, 'certificates: others may read them');
chmod 0600, "$dir/senders";

for ([ 'no mailboxes', '--count 1' ],
     [ 'none at all', "--mailboxes $dir/ids --count 0" ],
     [ 'a size that the gateway does not take',
       "--mailboxes $dir/ids --count 1 --size 1000" ],
     [ 'a path for a fan-out', '--path /checked --recipients 2 --count 1' ],
     [ 'more recipients than it takes',
       "--mailboxes $dir/ids --count 1 --recipients 100000" ])
{
    my ($name, $options) = @$_;

    is((sealed("bench requests $with $options", "$dir/3"))[0], 1,
       "requests: $name");
}

is((sealed("bench requests $with --mailboxes $dir/ids --count 1 "
           . '--recipients 61', "$dir/3"))[0], 2,
   'requests: more recipients than mailboxes');


# the programs that measure the core; the first checks its zone at the end

my $figure = qx(\Q$top\E/build/bench/engine 500 100 0.01 2>&1);
is($?, 0, 'engine') or diag($figure);
like($figure, qr/\A[1-9]\d+\n\z/, 'a figure');

$figure = qx(\Q$top\E/build/bench/check 2>&1);
is($?, 0, 'check') or diag($figure);
like($figure, qr/\A(?:[a-z_]+ \d+\.\d{3}\n){6}\z/, 'and its figures');

isnt(system("\Q$top\E/build/bench/engine 10 11 1 2>/dev/null"), 0,
     'more recipients than mailboxes');

$nginx->finish;
done_testing;
