#!/usr/bin/perl

# The journal: what it costs when it cannot be written, what is on disk and
# how long, who may use it, and what damage does.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::XS ();
use Test::More;

use Sealed::Client ();
use Sealed::Crypto qw(random_bytes);
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp spew);

my $seed = random_bytes(32);
my $master = random_bytes(32);

sub http {
    my ($parameters, %o) = @_;

    my $http = Sealed::Nginx::gateway_conf(
        zone_size => $o{size}, zone_parameters => $parameters,
        zone_conf => 'max_recipients 20;' . ($o{zone_conf} // ''));

    $http =~ s/envelope_sizes .*?;/envelope_sizes 512 1k;/;
    $http =~ s/(class opener 1 open)/$1 mailboxes=10/;
    $http =~ s/(class verified 2 send) budget=1000/$1 budget=1000000/;

    return $http;
}

my $nginx = Sealed::Nginx->gateway(
    authority_seed => $seed, master_secret => $master,
    http => http('journal=%%DIR%%/journal sync=always segment=64k'),
);
my $journal = $nginx->dir . '/journal';

$nginx->allow(qr/exited on signal 9/);

my $client = Sealed::Client->new(nginx => $nginx);
my $opener = $client->certified(class => 1);
my $sender = $client->certified(class => 2);
my $box = $client->mailbox;
my $other = $client->mailbox;

sub segments { return sort glob "$journal/*.journal $journal/*.snapshot" }

sub bodies { return map { $_->{body} } $client->read($_[0])->items }

sub again {
    $client->disconnect;
    $nginx->start_again;
}

sub rewritings { return scalar(() = $nginx->error_log =~ /rewritten: /g) }

sub rewritten { return wait_until { grep { /snapshot/ } segments() } }


# what is on disk

my @stat = stat $journal;
is($stat[2] & 07777, 0700, 'a directory for nobody else');

is($client->open_mailbox($opener, $box)->status, 201, 'open');
is($client->open_mailbox($opener, $other)->status, 201, 'open another');
is($client->send($sender, $box, 'a' x 512)->status, 201, 'send');
is($client->send_fanout($sender, [ $box, $other ], [ 'x' x 40, 'y' x 40 ],
                        'b' x 1024)->status, 200, 'fan-out');

for my $segment (segments()) {
    my $content = slurp($segment);

    is((stat $segment)[2] & 07777, 0600, 'a segment for nobody else');
    unlike($content, qr/a{16}|b{16}|x{16}/, 'nothing to be read in it');

    ok(index($content, $_) < 0, 'nor who is who')
        for map { ($_->{id}, $_->{key}) } $box, $other;
}

$nginx->kill_all;
again();
is_deeply([ bodies($box) ], [ 'a' x 512, 'b' x 1024 ], 'killed: all of it');
is_deeply([ bodies($other) ], [ 'b' x 1024 ], 'the other mailbox too');
is(($client->read($other)->items)[0]{header}, 'y' x 40, 'with its header');
is($client->open_mailbox($opener, $box)->status, 200, 'still open');

# acknowledged mail leaves with the next rewriting

ok(rewritten(), 'rewritten after a start');
is($client->acknowledge($box, 1)->status, 204, 'acknowledge');
$client->disconnect;
$nginx->kill_all;
again();
is_deeply([ bodies($box) ], [ 'b' x 1024 ], 'acknowledged: gone for good');
ok($nginx->logged(qr/rewritten: 2 mailboxes and 2 envelopes/),
   'and from the disk');

# closed, and opened again after a while it is another

is($client->close_mailbox($other)->status, 204, 'close');
$client->disconnect;
$nginx->kill_all;
again();
is($client->send($sender, $other, 'c' x 512)->status, 404,
   'closed: stays so');
is($client->open_mailbox($client->certified(class => 1), $other)->status,
   410, 'for a while');


# who may use it

{
    my %before = map { $_ => 1 } $nginx->workers;
    my ($status, $said) = $nginx->command_signal('reload');

    is($status, 0, 'nginx -s reload') or diag($said);
    ok((wait_until { my @now = $nginx->workers;
                     @now && !grep { $before{$_} } @now }),
       'nginx -s reload: has come');
    ok((wait_until { !$nginx->leaving }), 'nginx -s reload: is over');
    $client->disconnect;
}

my ($status, $said) = $nginx->config_test;
is($status, 0, 'a test beside it') or diag($said);

my $second = Sealed::Nginx->gateway(
    authority_seed => $seed, master_secret => $master, start => 0, leaks => 0,
    http => http("journal=$journal"),
);

is(eval { $second->start; 1 }, undef, 'another nginx cannot start');
like($@, qr/another nginx uses it/, 'and says why');

for ([ 'journal=%%DIR%%/else', qr/keeps its "journal="/ ],
     [ '', qr/keeps its "journal="/ ])
{
    my ($parameters, $like) = @$_;
    my $seen = length $nginx->error_log;

    $nginx->allow($like);
    $nginx->write_conf(http => http($parameters));
    ok(!$nginx->reload, 'a reload cannot change that');
    like(substr($nginx->error_log, $seen), $like, 'it is said');
}

$nginx->write_conf(http => http('journal=%%DIR%%/journal sync=50ms'));
ok($nginx->reload(wait_old => 1), 'but how it is synced');
$client->disconnect;

sub written { return join '', map { slurp($_) } segments() }

my $written = written();
is($client->send($sender, $box, 'd' x 512)->status, 201, 'send');
ok((wait_until { written() ne $written }), 'timed: it is written');
$client->disconnect;
$nginx->kill_all;
again();
is_deeply([ bodies($box) ], [ 'b' x 1024, 'd' x 512 ], 'timed: all of it');

$nginx->write_conf(http => http('journal=%%DIR%%/journal sync=off'));
ok($nginx->reload(wait_old => 1), 'not at all');
$client->disconnect;
is($client->send($sender, $box, 'e' x 512)->status, 201, 'send');
$client->disconnect;
ok($nginx->stop, 'stop');
again();
is_deeply([ bodies($box) ], [ 'b' x 1024, 'd' x 512, 'e' x 512 ],
          'off: a stop loses nothing');

for ([ 'journal=%%DIR%%/j sync=5ms', qr/invalid parameter "sync=5ms"/ ],
     [ 'journal=%%DIR%%/j sync=never', qr/invalid parameter/ ],
     [ 'journal=%%DIR%%/j segment=1k', qr/invalid parameter/ ],
     [ 'journal=%%DIR%%/j segment=2g', qr/invalid parameter/ ],
     [ 'journal=', qr/invalid parameter/ ],
     [ 'journal=%%DIR%%/no/j', qr{cannot be made, .* directory ".*/no/"} ],
     [ 'journal=%%DIR%%/no/j//', qr{cannot be made, .* directory ".*/no/"} ],
     [ 'journal=%%DIR%%/nginx.conf/j', qr/Not a directory/ ])
{
    my ($parameters, $like) = @$_;

    ($status, $said) = $nginx->config_test(http => http($parameters));
    isnt($status, 0, "$parameters: refused");
    like($said, $like, "$parameters: why");
}

($status, $said) = $nginx->config_test(
    http => http('journal=%%DIR%%/j segment=64k',
                 zone_conf => 'threads off;'));
like($said, qr/written by threads/, 'it needs threads');
($status, $said) = $nginx->config_test(http => http('journal=%%DIR%%/j/'));
is($status, 0, 'one that nginx will make') or diag($said);
ok(!-e $nginx->dir . '/j', 'no test has made a directory');
ok(!-e $nginx->dir . '/no', 'nor the one that it would be in');


# a disk that takes no more: no further file can be opened

$nginx->write_conf(
    http => http('journal=%%DIR%%/journal sync=always segment=64k'));
ok($nginx->reload(wait_old => 1), 'always again');
$client->disconnect;
is($client->send($sender, $box, 'f' x 512)->status, 201, 'send');

my ($worker) = $nginx->workers;

$nginx->allow(qr/accept4\(\) failed/);

sub limit {
    my ($files) = @_;

    return system('prlimit', "--pid=$worker", "--nofile=$files") == 0;
}

my $open = () = glob "/proc/$worker/fd/*";
my $all = slurp("/proc/$worker/limits") =~ /^Max open files\s+(\d+)/m
          ? $1 : 1024;

my $times = rewritings() - 1;

SKIP: {
    skip 'prlimit', 11 unless limit("1:$all");

    my ($accepted, $refused) = (0, 0);

    for (1 .. 400) {
        my $answer = $client->send($sender, $box, 'g' x 1024)->status;

        $answer == 201 ? $accepted++ : $refused++;
        last if $answer != 201;
    }

    ok($refused, 'senders get 503');
    is($client->send($sender, $box, 'h' x 512)->status, 503, 'each of them');
    is(scalar(bodies($box)) > 3, 1, 'readers go on');
    my $first = $client->status($box)->json->{first};
    is($client->acknowledge($box, $first)->status, 204,
       'acknowledgements too');
    is((() = $nginx->error_log =~ /cannot be written, senders get 503/g), 1,
       'one line in the log');
    is($client->shared->request({ method => 'GET', target => '/status' })
           ->json->{zones}[0]{journal_ready}, 0, 'and in the status');

    ok(limit("$all:$all"), 'room again');
    ok((wait_until {
        $client->send($sender, $box, 'i' x 512)->status == 201;
    }), 'senders are served again');
    like($nginx->error_log, qr/can be written again/, 'it is said');
    $client->disconnect;

    my @before = bodies($box);
    $client->disconnect;
    $nginx->kill_all;
    $times = rewritings();
    again();
    my @after = bodies($box);
    is(scalar @after, scalar @before, 'nothing of it is lost');
}

ok((wait_until { rewritings() > $times }), 'rewritten');


# segments that somebody removes: mail that is in none of them is not accepted

is($client->send($sender, $box, 'j' x 512)->status, 201, 'send');
unlink glob $nginx->dir . "/journal/*.$_" for qw(journal snapshot);
is($client->send($sender, $box, 'k' x 512)->status, 503,
   'segments that were removed: 503');
ok((wait_until {
    $client->send($sender, $box, 'l' x 512)->status == 201;
}), 'segments that were removed: new ones');

{
    my @before = bodies($box);

    $client->disconnect;
    $nginx->kill_all;

    $times = rewritings();
    again();
    is_deeply([ bodies($box) ], \@before, 'and all that lives is in them');
    ok((wait_until { rewritings() > $times }), 'rewritten');
}


# damage to what no rewriting has copied

$client->acknowledge($box, $client->status($box)->json->{next} - 1);
is($client->send($sender, $box, chr(65 + $_) x 512)->status, 201, 'send')
    for 0 .. 4;
$client->disconnect;
$nginx->kill_all;

my $newest = (sort { (stat $a)[9] <=> (stat $b)[9] }
              grep { /\.journal\z/ } segments())[-1];
my $content = slurp($newest);
my $end = length($content =~ s/\0+\z//r);

# the third of the last five records
my $damaged = $content;
substr($damaged, $end - 2 * 640 - 300, 1) ^= "\x01";
spew($newest, $damaged, 0600);
$nginx->allow(qr/is damaged in 1 places/);
again();

my @left = bodies($box);
is(scalar @left, 4, 'one record is lost') or diag(map { substr $_, 0, 1 }
                                                  @left);
like($nginx->error_log, qr/\[error\].*is damaged in 1 places from offset \d+/,
     'and said');
$client->disconnect;
$nginx->kill_all;


# a zone that is too small, a key line that left, another version

$nginx->allow(qr/\[emerg\]/);
my %keep = map { $_ => slurp($_) } segments();
my $key = slurp($nginx->dir . '/master');

spew($nginx->dir . '/master', 'new ' . 'ab' x 32 . "\n", 0600);
$nginx->refuses_to_start('another key', qr/the key line it was written under/);
spew($nginx->dir . '/master', $key, 0600);

my ($first) = grep { /snapshot/ } segments();
my $version = slurp($first);
substr($version, $_ + 11, 1) = "\x09" for 0, 2048;
spew($first, $version, 0600);
$nginx->refuses_to_start('another version', qr/another version's/);
spew($first, $keep{$first}, 0600);

is_deeply({ map { $_ => slurp($_) } segments() }, \%keep,
          'nothing was changed by that');

again();
is(scalar(bodies($box)), 4, 'as it was');
is($client->close_mailbox($box)->status, 204, 'close');
$client->disconnect;
$nginx->ends_empty;

$second->{finished} = 1;
$nginx->finish;
done_testing;
