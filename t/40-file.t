#!/usr/bin/perl

# A zone in a file: what it survives, who may use it, and two binaries that
# serve the same zone.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Digest::SHA qw(sha256);
use JSON::XS ();
use POSIX qw(mkfifo);
use Test::More;

use Sealed::Client ();
use Sealed::Crypto qw(random_bytes);
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp spew);

my $seed = random_bytes(32);
my $master = random_bytes(32);

sub http {
    my ($file, $size) = @_;

    return Sealed::Nginx::gateway_conf(
        zone_size => $size,
        zone_parameters => defined $file ? "file=$file" : undef);
}

# leaks: a new binary that does not start leaves its first pool behind

my $nginx = Sealed::Nginx->gateway(
    workers => 2, daemon => 1, authority_seed => $seed, leaks => 0,
    master_secret => $master, http => http('%%DIR%%/main.zone', '16m'),
);
my $file = $nginx->dir . '/main.zone';
$nginx->{zone_file} = $file;

my @stat = stat $file;
is($stat[2] & 07777, 0600, 'a file for nobody else');
is($stat[7], 16 * 1024 * 1024, 'of the size of the zone');
cmp_ok($stat[12] * 512, '>=', $stat[7], 'all of which is there');

my $client = Sealed::Client->new(nginx => $nginx);
my $opener = $client->certified(class => 1);
my $sender = $client->certified(class => 2);
my $box = $client->mailbox;

is($client->open_mailbox($opener, $box)->status, 201, 'open');

my $sent = 0;

sub body { return sprintf('%08d', $_[0]) x 64 }

sub send_one {
    my ($name) = @_;

    is($client->send($sender, $box, body(++$sent))->status, 201,
       "$name: send");
}

sub all_there {
    my ($name) = @_;

    is_deeply([ map { $_->{body} } $client->read($box)->items ],
              [ map { body($_) } 1 .. $sent ], "$name: all of it, in order");
}

# nginx as it is after an end that it may not have seen coming

sub again {
    $client->disconnect;
    $nginx->start_again;
}

send_one('at first');
all_there('at first');


# ends

$client->disconnect;
ok($nginx->stop, 'stop');

# a look at it, from outside

my $command = "$Bin/../build/sealed";

sub look {
    my ($what, $path) = @_;

    my $said = qx($command zone $what --json \Q$path\E 2>&1);

    return ($? >> 8, $said);
}

my ($code, $seen) = look('check', $file);
is($code, 0, 'sound');
is(JSON::XS::decode_json($seen)->{envelopes}, 1, 'what is in it');
($code, $seen) = look('dump-stats', $file);
is(JSON::XS::decode_json($seen)->{mailboxes}, 1, 'in numbers');
($code, $seen) = look('check', $nginx->dir . '/nginx.conf');
is($code, 2, 'something else');
like($seen, qr/not a zone/, 'is no zone');

again();
all_there('stop and start');
send_one('stop and start');

$nginx->kill_all;
again();
all_there('all killed');
send_one('all killed');
like($nginx->error_log, qr/sealed zone "main" goes on with/, 'it is said');
unlike($nginx->error_log, qr/when the machine went down/, 'no more than that');

# workers alone

$nginx->allow(qr/exited on signal 9/);
my @workers = $nginx->workers;
kill 'KILL', @workers;
$client->disconnect;
ok((wait_until { my %old = map { $_ => 1 } @workers;
                 2 == grep { !$old{$_} } $nginx->workers }),
   'other workers');
all_there('workers killed');
send_one('workers killed');


# who else may use it

{
    my %before = map { $_ => 1 } $nginx->workers;
    my ($status, $said) = $nginx->command_signal('reload');

    is($status, 0, 'nginx -s reload') or diag($said);
    ok((wait_until { my @now = $nginx->workers;
                     2 == @now && !grep { $before{$_} } @now }),
       'nginx -s reload: has come');
    $client->disconnect;
    all_there('nginx -s reload');
}

my ($status, $said) = $nginx->config_test;
is($status, 0, 'a test beside it') or diag($said);

my $other = Sealed::Nginx->gateway(
    authority_seed => $seed, master_secret => $master, start => 0, leaks => 0,
    http => http($file, '16m'),
);

is(eval { $other->start; 1 }, undef, 'another nginx cannot start');
like($@, qr/another nginx uses it/, 'and says why');
all_there('another nginx');

$nginx->allow(qr/keeps its "file="/);
$nginx->write_conf(http => http('%%DIR%%/else.zone', '16m'));
ok(!$nginx->reload, 'a reload does not take another file');
$nginx->write_conf(http => http(undef, '16m'));
ok(!$nginx->reload, 'nor none');
ok(!-e $nginx->dir . '/else.zone', 'nor makes one');
all_there('refused reloads');

$nginx->write_conf(http => http('%%DIR%%/main.zone', '24m'));
ok($nginx->reload(wait_old => 1), 'a reload with another size');
$client->disconnect;
ok((wait_until { -s $file == 24 * 1024 * 1024 }), 'the file grows');
@stat = stat $file;
cmp_ok($stat[12] * 512, '>=', $stat[7], 'all of it is there');
all_there('grown');
send_one('grown');

$nginx->kill_all;
again();
all_there('grown and killed');

# killed when the file had grown already, and the zone had not

$client->disconnect;
$nginx->kill_all;
truncate $file, 28 << 20 or die "$file: $!\n";
again();
all_there('killed as it was to grow');
is((look('check', $file, '--json'))[0], 0, 'it is in order');

$client->disconnect;
$nginx->kill_all;
$nginx->write_conf(http => http('%%DIR%%/main.zone', '28m'));
again();
all_there('and it grows after all');
is($nginx->zone_status->{size}, 28 << 20, 'all of the memory is used');
@stat = stat $file;
cmp_ok($stat[12] * 512, '>=', 28 << 20, 'and it is there');


# a new binary, and back

sub upgrade {
    my ($old) = @_;

    $nginx->signal('USR2', $old);

    my $new;

    wait_until {
        $new = slurp($nginx->dir . '/nginx.pid') =~ /^(\d+)$/ ? $1 : 0;
        $new && $new != $old
            && (() = Sealed::Nginx::children($new)) >= 2;
    } or die "no new binary\n", $nginx->error_log;

    return $new;
}

my $identity = substr(sha256('sealed-sender journal v1main'), 0, 16);
my $at = index(slurp($file), $identity);
ok($at > 0 && $at < 1024, 'whose it is');

# another version may say something else of who used it last

sub used_by {
    open my $header, '+<:raw', $file or die "$file: $!\n";
    seek $header, $at + 16, 0 or die "$file: $!\n";

    return print $header @_ if @_;

    read $header, my $boot, 16;

    return $boot;
}

my $boot = used_by();
ok(used_by("\x01" x 16), 'an old binary');

my $old = $nginx->master;
my $new = upgrade($old);

is(used_by(), $boot, 'is followed by a new one');

# connections go to either; all of them see the same

for (1 .. 20) {
    $client->disconnect;
    send_one("both $_");
}

$client->disconnect;
all_there('both binaries');

kill 'QUIT', $new;
ok($nginx->alone($old), 'the new one leaves');
$client->disconnect;
send_one('back');
all_there('back');

# a new binary that is to have another file, or none, would not use it

$nginx->allow(qr/new binary process \d+ exited with code 1/);

for ([ 'another file', '%%DIR%%/else.zone' ], [ 'none', undef ]) {
    my ($name, $path) = @$_;
    my $before = () = $nginx->error_log =~ /keeps its "file="/g;

    $nginx->write_conf(http => http($path, '24m'));
    $nginx->signal('USR2', $old);
    ok((wait_until { $before < (() = $nginx->error_log
                                     =~ /keeps its "file="/g) }),
       "a new binary with $name: refused");
    ok($nginx->alone($old), "a new binary with $name: has gone");
}

ok(!-e $nginx->dir . '/else.zone', 'nor did it make one');
$nginx->write_conf(http => http('%%DIR%%/main.zone', '24m'));
send_one('no new binary');
all_there('no new binary');

# a reader at one is woken by a sender at the other

$new = upgrade($old);
kill 'WINCH', $old;
ok((wait_until { !grep { $_ != $new } Sealed::Nginx::children($old) }),
   'workers of the old one leave');
$client->disconnect;
send_one('new only');
all_there('new only');

kill 'QUIT', $old;
ok((wait_until { $nginx->reap }), 'the old one leaves');
$nginx->adopt($new);
$client->disconnect;
send_one('upgraded');
all_there('upgraded');

$other->forget;
is(eval { $other->start; 1 }, undef, 'still locked');
like($@, qr/another nginx uses it/, 'by the new one');

$client->disconnect;
ok($nginx->stop, 'stop the new one');
again();
all_there('after an upgrade');


# files that are not taken

$client->disconnect;
$nginx->stop;
$nginx->allow(qr/\[emerg\]/);

my $whole = slurp($file);

for ([ '%%DIR%%/no/main.zone', qr{cannot be made, .* directory ".*/no/"} ],
     [ '%%DIR%%/nginx.conf/main.zone', qr/Not a directory/ ],
     [ '%%DIR%%/new.zone' ])
{
    my ($path, $like) = @$_;

    ($status, $said) = $nginx->config_test(http => http($path, '16m'));
    is($status != 0, defined $like, "a test: $path") or diag($said);
    like($said, $like, "a test: $path: why") if $like;
}

ok(!-e $nginx->dir . "/$_", "no test has made \"$_\"") for qw(no new.zone);

chmod 0640, $file;
$nginx->refuses_to_start('readable by others', qr/mode 0600/);
chmod 0600, $file;

spew($file, 'something else' . substr($whole, 14), 0600);
$nginx->refuses_to_start('something else', qr/it is not a zone/);
($status, $said) = $nginx->config_test;
isnt($status, 0, 'a test refuses it as well');
like($said, qr/it is not a zone/, 'for the same reason');
is(slurp($file), 'something else' . substr($whole, 14), 'and leaves it');

spew($file, substr($whole, 0, 4 << 20), 0600);
$nginx->refuses_to_start('cut', qr/size is not what it says/);

unlink $file;
ok(mkfifo($file, 0600), 'a FIFO');
$nginx->refuses_to_start('a FIFO', qr/regular file/);
($status, $said) = $nginx->config_test;
isnt($status, 0, 'a test does not wait for a FIFO');
like($said, qr/it is not a regular file/, 'and says what it is');
unlink $file;

my $layout = $whole;
substr($layout, 8, 1) ^= "\x10";
spew($file, $layout, 0600);
$nginx->refuses_to_start('another version', qr/another layout/);

my $foreign = $whole;
substr($foreign, $at, 1) ^= "\x01";
spew($file, $foreign, 0600);
$nginx->refuses_to_start('another zone', qr/file of another zone/);


# after the machine went down

my $crashed = $whole;
substr($crashed, $at + 16, 1) ^= "\x01";                # the boot id
spew($file, $crashed, 0600);
again();
all_there('machine stopped in order');
unlike($nginx->error_log, qr/when the machine went down/, 'not checked');
$client->disconnect;
$nginx->kill_all;

$crashed = slurp($file);
substr($crashed, $at + 16, 1) ^= "\x01";
spew($file, $crashed, 0600);
again();
all_there('machine down');
like($nginx->error_log, qr/\[warn\].*when the machine went down/, 'checked');
$client->disconnect;
$nginx->kill_all;

# a copy that was made while nginx ran is not what the kernel kept, though the
# machine is the same

my $logged;

for ([ 'moved', sub { rename $file, "$file.old" } ],
     [ 'removed', sub { unlink $file } ])
{
    my ($name, $away) = @$_;
    my $copy = slurp($file);

    ok($away->(), "$name: the one that nginx had");
    spew($file, $copy, 0600);
    $logged = length $nginx->error_log;
    again();
    all_there("$name: a copy");
    like(substr($nginx->error_log, $logged),
         qr/\[warn\].*when it was copied: .* is checked/,
         "$name: a copy is checked");
    $client->disconnect;
    $nginx->kill_all;
}

$logged = length $nginx->error_log;
again();
all_there('not a copy any more');
unlike(substr($nginx->error_log, $logged), qr/is checked/,
       'what was killed here is not checked');
$client->disconnect;
$nginx->kill_all;

# pages that never came back

$crashed = slurp($file);
substr($crashed, $at + 16, 1) ^= "\x01";
my $record = index($crashed, substr(body(3), 0, 64));
ok($record > 0, 'an envelope');
substr($crashed, ($record & ~4095), 4096) = "\0" x 4096;
substr($crashed, 1 << 20, 1 << 20) = "\0" x (1 << 20);
spew($file, $crashed, 0600);
$nginx->refuses_to_start('damaged', qr/is damaged .*move it away/);
($code, $seen) = look('check', $file);
is($code, 2, 'damaged, from outside');
like($seen, qr/damaged: /, 'and how');

$crashed = $whole;
substr($crashed, 0, 4096) = "\0" x 4096;
spew($file, $crashed, 0600);
$nginx->refuses_to_start('no beginning', qr/is damaged .*move it away/);
ok(slurp($file) eq $crashed, 'what is left is left alone');

spew($file, $whole, 0600);
again();
all_there('as it was');
is($client->close_mailbox($box)->status, 204, 'close');
$client->disconnect;

$other->{finished} = 1;
$nginx->finish;


# from memory to a file, which is not made by a new binary

$nginx = Sealed::Nginx->gateway(
    authority_seed => $seed, master_secret => $master, daemon => 1,
    workers => 2, leaks => 0, http => http(undef, '16m'),
);
$nginx->allow(qr/keeps its "file="|new binary process \d+ exited with code 1/);

$old = $nginx->master;
$nginx->write_conf(http => http('%%DIR%%/main.zone', '16m'));
$nginx->signal('USR2', $old);
ok($nginx->logged(qr/keeps its "file="/), 'a file instead of memory');
ok($nginx->alone($old), 'a file instead of memory: has gone');
ok(!-e $nginx->dir . '/main.zone', 'a file instead of memory: none is made');

$nginx->write_conf(http => http(undef, '16m'));
$new = upgrade($old);
kill 'QUIT', $old;
ok((wait_until { $nginx->reap }), 'memory as before: taken over');
$nginx->adopt($new);
$nginx->finish;
done_testing;
