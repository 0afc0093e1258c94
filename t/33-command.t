#!/usr/bin/perl

# The command "sealed" with blind certificates: drawing, one for each
# conversation, reports, and the issuers that it refuses.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Cwd qw(abs_path);
use JSON::XS ();
use POSIX ();
use Test::More;

use Sealed::Client ();
use Sealed::Crypto qw(b64u random_bytes);
use Sealed::Nginx ();
use Sealed::Wait qw(slurp spew within_an_epoch);

my $sealed = abs_path("$Bin/../build/sealed");

plan skip_all => 'the command is not built' unless -x $sealed;

# "%%PORT2%%" has the discovery of one zone and the issuer of another: it
# would recognise whoever uses what it issued

my %options = (
    workers => 2,
    zone_conf => 'max_batch 8; class few 3 send budget=5 quota=2;',
    files => {
        'other' => 'other ' . 'ab' x 32 . "\n",
        # alice:secret, operator:hammer
        'accounts' => "alice:{PLAIN}secret\nbob:{PLAIN}secret\n",
        'operators' => "operator:{PLAIN}hammer\n",
    },
    server_conf => <<'END',
    }

    sealed_zone tagging 2m {
        master_secret %%DIR%%/other;
        class opener 1 open quota=100;
        class verified 2 send budget=1000 quota=1000;
    }

    server {
        listen 127.0.0.1:%%PORT2%%;

        location = /.well-known/sealed-sender { sealed_discovery main; }
        location = /v1/certificates {
            sealed_issue tagging account=$server_port;
        }
    }

    server {
        listen 127.0.0.1:%%PORT3%%;

        location = /.well-known/sealed-sender { sealed_discovery main; }
        location = /v1/certificates {
            auth_basic           accounts;
            auth_basic_user_file %%DIR%%/accounts;
            sealed_issue main account=$remote_user;
        }
        location /v1/re {
            auth_basic           operators;
            auth_basic_user_file %%DIR%%/operators;
            sealed_reports     main;
            sealed_revocations main;
        }
    }

    server {
        listen 127.0.0.1:%%PORT4%%;
END
);

within_an_epoch();

my $nginx = Sealed::Nginx->gateway(%options);
my $dir = $nginx->dir;
my ($mail, $tagging, $issue) = map { 'http://127.0.0.1:' . $nginx->port($_) }
                                   1 .. 3;

my ($said, $failed);

# the exit status; what was said in $said and $failed

sub sealed {
    my ($home, @args) = @_;

    local $ENV{SEALED_HOME} = "$dir/$home.home";
    delete local $ENV{SEALED_GATEWAY};

    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        chdir $dir;
        open STDOUT, '>', "$dir/said";
        open STDERR, '>', "$dir/failed";
        exec { $sealed } $sealed, @args or POSIX::_exit(127);
    }

    waitpid $pid, 0;
    my $status = $? >> 8;

    ($said, $failed) = (slurp("$dir/said"), slurp("$dir/failed"));

    return $status;
}

sub done {
    my ($home, @args) = @_;

    my $status = sealed($home, @args);

    is($status, 0, "$home: @args[0 .. 1]") or diag($failed);
    return $said;
}

sub stock {
    my ($home) = @_;

    return @{ JSON::XS::decode_json(done($home, 'certificates', '--gateway',
                                         $mail, '--json'))->{batches} };
}

$nginx->file('alice.account', "alice:secret\n");
$nginx->file('bob.account', 'Authorization: Basic '
             . Sealed::Crypto::b64('bob:secret') . "\n");
$nginx->file('operator.account', "operator:hammer\n");

done('names', 'keygen', 'authority', 'names');
done($_, 'keygen', 'identity', $_, '--name', $_, '--authority', 'names')
    for qw(alice bob);
done('bob', 'keygen', 'mailbox', $_, '--identity', 'bob')
    for qw(box1 box2 box3);

# nothing in stock

is(sealed('alice', 'send', '--gateway', $mail, '--identity', 'alice', '--to',
          'box1.pub', '--message', 'x'), 2, 'nothing in stock');
like($failed, qr/sealed certificates/, 'and says what to do');

# draw

my @draw = ('certificates', '--gateway', $issue);

like(done('alice', @draw, '--account', 'alice.account', '--send', 'verified',
          '--open', 'opener', '--count', 4), qr/^16 certificates/,
     'this epoch and the next, two classes');
like(done('alice', @draw, '--account', 'alice.account', '--send', 'verified',
          '--open', 'opener', '--count', 4), qr/^0 certificates/,
     'once an epoch');
done('bob', @draw, '--account', 'bob.account', '--open', 'opener',
     '--count', 4);

is_deeply([ sort map { "$_->{use} $_->{class} $_->{fresh} $_->{taken}" }
                stock('alice') ],
          [ ('open opener 4 0') x 2, ('send verified 4 0') x 2 ],
          'in stock, for another host name too');

my @files = glob "$dir/alice.home/certificates/*.*.*";
is(scalar @files, 4, 'a file for each');
is((stat)[2] & 0777, 0600, 'for nobody else') for @files;

# one certificate for one conversation

is(sealed('bob', 'open', '--gateway', $mail, '--mailbox', 'box1.pub'), 2,
   'an address is no mailbox');
like($failed, qr/box1\.pub: .* the secret is in the file without "\.pub"/,
     'and it is said where that is');
done('bob', 'open', '--gateway', $mail, '--mailbox', $_) for qw(box1 box2);
is($nginx->zone_status->{mailboxes}, 2, 'two mailboxes');

sub send_to {
    my ($message, @to) = @_;

    return sealed('alice', 'send', '--gateway', $mail, '--identity', 'alice',
                  (map { ('--to', "$_.pub") } @to), '--message', $message);
}

sub taken {
    my ($batch) = grep { $_->{use} eq 'send'
                         && $_->{epoch} == int(time / 86400) } stock('alice');

    return $batch->{taken};
}

is(send_to('one', 'box1'), 0, 'a first message');
is(send_to('two', 'box1'), 0, 'a second one in the same conversation');
is(taken(), 1, 'one certificate');
is(send_to('three', 'box2'), 0, 'another conversation');
is(taken(), 2, 'another certificate');
is(send_to('four', 'box1', 'box2'), 0, 'with both');
is(send_to('five', 'box2', 'box1'), 0, 'with both, in another order');
is(taken(), 3, 'a third');

# read, with evidence

mkdir "$dir/evidence";

my @read = ('read', '--mailbox', 'box1', '--identity', 'bob',
            '--identity-authority', 'names.pub', '--json');
my @lines = map { JSON::XS::decode_json($_) } split /\n/,
    done('bob', @read, '--evidence', 'evidence');

is_deeply([ map { $_->{text} } @lines ], [ qw(one two four five) ],
          'all of it is there');

my @evidence = glob "$dir/evidence/*.report";
is(scalar @evidence, 4, 'evidence of each');
done('bob', @read, '--evidence', 'evidence');
is(scalar(() = glob "$dir/evidence/*.report"), 4, 'once');

# counters of nonces do not begin with a clock, and one that was lost goes on

{
    my @counters = glob "$dir/*.home/nonces/*";
    my %nonces = map { $_ => slurp($_) =~ s/\s+\z//r } @counters;

    cmp_ok(scalar @counters, '>', 4, 'counters');
    is(scalar(grep { !/^\d+\z/ || $_ >= 2 ** 48 + 1000 } values %nonces), 0,
       'that are no times');
    is(scalar(keys %{ { reverse %nonces } }), scalar @counters,
       'each from a number of its own');

    for my $lost ('1', '') {
        spew($_, "$lost\n", 0600) for @counters;
        done('bob', @read);
        is(send_to('four and a half', 'box1'), 0, 'a sender goes on too');
    }
}

# a report, and what it leads to

my ($offending) = grep {
    my $report = JSON::XS::decode_json(slurp($_));
    Sealed::Crypto::unb64u($report->{message}) =~ /one\z/;
} @evidence;

my @operator = ('--gateway', $issue, '--account', 'operator.account');

like(done('operator', 'report', @operator, $offending),
     qr/holds, class 2, epoch \d+/, 'a report holds');
is(send_to('six', 'box1'), 0, 'and changes nothing by itself');
like(done('operator', 'report', @operator, '--revoke', $offending),
     qr/revoked/, 'revoked');
is(send_to('seven', 'box1'), 4, 'the conversation is over');
is(send_to('eight', 'box2'), 0, 'another one is not');

(my $false = slurp($offending)) =~ s/"message": ?"./"message":"B/;
spew("$dir/false.report", $false);
is(sealed('operator', 'report', @operator, 'false.report'), 7,
   'a false report');
is(sealed('operator', 'report', '--gateway', $issue, $offending), 4,
   'without credentials');

# revoked by id, seen or not

done('operator', 'revoke', @operator, 'A' x 22);
is(sealed('operator', 'revoke', @operator, 'A' x 21), 1, 'no such id');

my $client = Sealed::Client->new(nginx => $nginx);

# quota, credentials, classes

like(done('bob', @draw, '--account', 'bob.account', '--send', 'few',
          '--count', 2), qr/^4 /, 'two of a small quota, twice');
unlink glob "$dir/bob.home/certificates/*.3";
is(sealed('bob', @draw, '--account', 'bob.account', '--send', 'few'), 4,
   'over the quota');
like($failed, qr/429/, 'which is said');
$nginx->file('wrong.account', "mallory:wrong\n");
is(sealed('alice', @draw, '--account', 'wrong.account', '--send', 'few'), 4,
   'wrong credentials');
is(sealed('alice', @draw, '--account', 'alice.account', '--send', 'none'), 5,
   'an unknown class');
is(sealed('alice', @draw, '--account', 'alice.account'), 1, 'no class');
chmod 0644, "$dir/alice.account";
is(sealed('alice', @draw, '--account', 'alice.account', '--send', 'few'), 2,
   'credentials that others can read');
chmod 0600, "$dir/alice.account";

# the issuer that tags

is(sealed('carol', 'certificates', '--gateway', $tagging, '--account',
          'alice.account', '--send', 'verified'), 5, 'a tagging issuer');
like($failed, qr/cannot prove/, 'is refused, and why');
is(scalar(() = glob "$dir/carol.home/certificates/*.*.*"), 0,
   'nothing of it is kept');

# pins: another issuer key, other classes, other epochs

my $exchange = $client->discover->{exchange_keys}[0];
my $issuer = $client->discover->{issuer_keys}[0];
my @status = ('status', '--gateway', $mail);

is(sealed('dave', @status, '--pin', "$exchange,$issuer"), 0,
   'both keys pinned');
is(sealed('erin', @status, '--pin', "$exchange," . b64u(random_bytes(32))),
   5, 'another issuer key than the one pinned');
is(sealed('erin', @status, '--pin', "$exchange,x"), 1, 'no key at all');

my ($pin) = grep { slurp($_) =~ /\Q$mail\E"/ } glob "$dir/dave.home/pins/*";
my $pinned = slurp($pin);

(my $changed = $pinned) =~ s/("issuer_key": ?")[^"]+/$1 . 'A' x 43/e;
spew($pin, $changed, 0600);
is(sealed('dave', @status), 5, 'the issuer key changed');
like($failed, qr/another issuer key/, 'which is said');

($changed = $pinned) =~ s/("verified": ?)2/${1}7/;
spew($pin, $changed, 0600);
is(sealed('dave', 'certificates', '--gateway', $mail, '--account',
          'alice.account', '--send', 'verified'), 5, 'a class changed');

($changed = $pinned) =~ s/("epoch_seconds": ?)\d+/${1}3600/;
spew($pin, $changed, 0600);
is(sealed('dave', 'certificates', '--gateway', $mail, '--account',
          'alice.account', '--send', 'verified'), 5, 'epochs changed');

# rotation: the newest line issues, and has to be accepted

done('operator', 'keygen', 'deployment', '--rotate', "$dir/master");
ok($nginx->reload(wait_old => 1), 'a new key line');
is(send_to('nine', 'box2'), 0, 'what was drawn before is good');
unlink glob "$dir/alice.home/certificates/*.2";
is(sealed('alice', @draw, '--account', 'alice.account', '--send',
          'verified'), 5, 'drawing under a key that is not known');
like($failed, qr/newer key/, 'which is said');

my $new = $client->discover;
is(sealed('alice', @draw, '--account', 'alice.account', '--send', 'verified',
          '--pin', "$new->{exchange_keys}[0],$new->{issuer_keys}[0]"), 0,
   'until it is accepted');

# away with it

done('bob', 'close', '--mailbox', $_) for qw(box1 box2);

$nginx->secret($_) for qw(alice carol operator);
$nginx->finish;
done_testing;
