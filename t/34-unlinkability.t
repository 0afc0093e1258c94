#!/usr/bin/perl

# Who drew a certificate: an analyst with everything that issuer and gateway
# ever see, the keys included, against 100 accounts with 10 certificates each.
# Then the same analyst against an issuer that tags its accounts, to show that
# it would find them.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use List::Util qw(min shuffle);
use Test::More;

use Sealed::Client qw(blind_info);
use Sealed::Crypto qw(kdf random_bytes x25519_keypair);
use Sealed::Nginx ();
use Sealed::POPRF qw(poprf_accept poprf_answer poprf_draw poprf_evaluate
                     poprf_finalize poprf_key random_scalar);
use Sealed::Wait qw(slurp);

use constant { ACCOUNTS => 100, EACH => 10, CLASS => 2 };

# chance links 1 in 100; not more than eight standard deviations above it

sub bound {
    my ($guesses) = @_;

    return $guesses / ACCOUNTS + 8 * sqrt($guesses / ACCOUNTS);
}

my $nginx = Sealed::Nginx->gateway(
    workers => 2,
    zone_conf => 'epoch 31d; max_batch 10; first_uses address=100000;',
);
my $client = Sealed::Client->new(nginx => $nginx);
my $epoch = $client->epoch;
my $info = blind_info(CLASS, $epoch);
my $box = $client->opened_mailbox;


# The analyst.  issued: [{ account, key, blinded, evaluated, proof, place }],
# in the order of issuing; used: [{ certificate, id, serial, output, key,
# place }], in the order of first use.  Each way of guessing gives an account
# for a certificate.

sub distance {
    my ($one, $two) = @_;

    return unpack '%32b*', $one ^ $two;
}

# the key that was used for an account reproduces what the client holds: guess
# among those whose key does

sub by_algebra {
    my ($issued, $used) = @_;

    my %keys;
    push @{ $keys{$_->{key}} }, $_->{account} for @$issued;

    return sub {
        my ($certificate) = @_;

        for my $key (keys %keys) {
            next if $certificate->{output}
                    ne poprf_evaluate($key, $certificate->{serial}, $info);
            return $keys{$key}[ rand @{ $keys{$key} } ];
        }

        return '';
    };
}

# first come, first used; and the place within the batch

sub by_order {
    my ($issued, $used) = @_;

    return sub { $issued->[ $_[0]{place} ]{account} };
}

# whose elements look most like anything of the certificate

sub by_octets {
    my ($issued, $used) = @_;

    return sub {
        my ($certificate) = @_;

        my @of = (@{$certificate}{qw(serial key)},
                  unpack '(a32)*', $certificate->{output});
        my ($best, $account) = (1e9, '');

        for my $candidate (@$issued) {
            my $least = min map {
                my $side = $_;
                map { distance($side, $_) } @of
            } @{$candidate}{qw(blinded evaluated)};

            ($best, $account) = ($least, $candidate->{account})
                if $least < $best;
        }

        return $account;
    };
}

sub linked {
    my ($analyst, $issued, $used, $truth, $guesses) = @_;

    my $guess = $analyst->($issued, $used);

    return scalar grep { $guess->($_) eq $truth->{$_->{certificate}} }
                       @$used[0 .. $guesses - 1];
}

# what an issuer sees of a batch

sub issuers_view {
    my ($account, $key, $request, $answer) = @_;

    my @blinded = unpack 'x2 (a32)*', $request;
    my @evaluated = unpack '(a32)*', substr $answer, 2, 32 * @blinded;

    return map {
        { account => $account, key => $key, blinded => $blinded[$_],
          evaluated => $evaluated[$_], proof => substr($answer, -64),
          place => $_ }
    } 0 .. $#blinded;
}


# the honest gateway

my $issuer = poprf_key(kdf($nginx->master_secret, 2, 'sealedv1'),
                       'sealed-sender issuer key v1');
my @accounts = map { sprintf 'Account-%03d-%s', $_,
                             unpack 'H*', random_bytes(4) } 1 .. ACCOUNTS;
my (@issued, @holders, %truth);

for my $account (shuffle(@accounts)) {
    my @draws;
    my $response = $client->issue($account, class => CLASS, epoch => $epoch,
                                  count => EACH, draws => \@draws);
    my @outputs = poprf_accept($response->body, $client->issuer_key, $info,
                               @draws);

    is(scalar @outputs, EACH, "$account: the proof holds");

    push @issued, issuers_view(
        $account, $issuer,
        Sealed::POPRF::poprf_request(map { $_->{blinded} } @draws),
        $response->body);

    for my $draw (@draws) {
        my $holder = $client->blind_holder(
            class => CLASS, epoch => $epoch, private => $draw->{private},
            poprf => $outputs[0]);

        $truth{$holder->{certificate}} = $account;
        push @holders, { %$holder, serial => $draw->{input},
                         output => shift @outputs };
    }
}

is(scalar @issued, ACCOUNTS * EACH, 'all certificates are drawn');

# they are used in any order, over connections that know no account

my @used = shuffle(@holders);
my $sent = 0;

for my $place (0 .. $#used) {
    $used[$place]{place} = $place;
    $sent++ if $client->send($used[$place], $box, 'x' x 512)->status == 201;
    $client->disconnect if $place % 10 == 9;
    $client->acknowledge($box, $sent) if $place % 500 == 499;
}

is($sent, ACCOUNTS * EACH, 'and all are good');

# comparing octets takes long, so that fewer are tried

for ([ 'algebra', \&by_algebra, 1000 ], [ 'order', \&by_order, 1000 ],
     [ 'octets', \&by_octets, 100 ])
{
    my ($way, $analyst, $guesses) = @$_;
    my $count = linked($analyst, \@issued, \@used, \%truth, $guesses);

    diag("analyst, by $way: $count of $guesses linked, "
         . $guesses / ACCOUNTS . ' by chance');
    cmp_ok($count, '<=', bound($guesses), "by $way: no better than chance");
}


# an issuer with a key for each account; clients that look at the proof, and
# clients that do not

my (@tagged, @naive, %owner);
my $refused = 0;

for my $account (@accounts) {
    my $key = random_scalar();
    my @private = map { random_bytes(32) } 1 .. EACH;
    my ($request, @draws) = poprf_draw(map { (x25519_keypair($_))[1] }
                                           @private);
    my $answer = poprf_answer($request, $key, $info, $issuer);

    $refused++ unless poprf_accept($answer, $client->issuer_key, $info,
                                   @draws);
    $refused++ unless poprf_accept(poprf_answer($request, $key, $info),
                                   $client->issuer_key, $info, @draws);

    push @tagged, issuers_view($account, $key, $request, $answer);

    my @outputs = poprf_finalize($answer, $info, @draws);

    for my $draw (@draws) {
        my $holder = $client->blind_holder(
            class => CLASS, epoch => $epoch, private => shift @private,
            poprf => $outputs[0]);

        $owner{$holder->{certificate}} = $account;
        push @naive, { %$holder, serial => $draw->{input},
                       output => shift @outputs };
    }
}

@naive = shuffle(@naive);
$naive[$_]{place} = $_ for 0 .. $#naive;

my $count = linked(\&by_algebra, \@tagged, \@naive, \%owner, 200);

diag("the same analyst, a tagging issuer: $count of 200 linked");
is($count, 200, 'a tagging issuer would link all of them');
is($refused, 2 * ACCOUNTS, 'and clients refuse every batch of it');

# a short look at what chance is in this set

cmp_ok(linked(\&by_order, \@tagged, \@naive, \%owner, 1000), '<=',
       bound(1000), 'also here order tells nothing');


# accounts in what the operator holds: the zone's memory, logs, files

my $zone = do { local $/; readline $nginx->zone_memory };

cmp_ok(length $zone, '>=', 16 * 1024 * 1024, 'all of it');
cmp_ok(index($zone, $used[-1]{id}), '>=', 0,
       'certificates are in it, as they have to be');

my $logs = join '', map { slurp($_) } glob $nginx->dir . '/logs/*';

for my $where ([ 'memory', \$zone ], [ 'logs', \$logs ]) {
    my ($name, $text) = @$where;
    my @found = grep { index(lc $$text, lc $_) >= 0 } @accounts;

    is(scalar @found, 0, "no account in the $name") or diag("@found");
}

my @elements = map { @{$_}{qw(blinded evaluated)} } @issued;

is(scalar(grep { index($zone, $_) >= 0 } @elements[0 .. 99]), 0,
   'nothing that was blinded or evaluated is kept');

is($client->close_mailbox($box)->status, 204, 'close');

$nginx->finish;
done_testing;
