#!/usr/bin/perl

# A journal that a zone in a file gets later: a file that cannot be trusted any
# more is then all that there is, so it is checked and not made anew.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp spew);

sub http {
    my ($journal) = @_;

    return Sealed::Nginx::gateway_conf(
        zone_parameters => "file=%%DIR%%/main.zone$journal");
}

my $nginx = Sealed::Nginx->gateway(http => http(''));
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my $box = $client->opened_mailbox;
my $file = $nginx->{zone_file} = $nginx->dir . '/main.zone';

sub letters {
    return join '', map { substr $_->{body}, 0, 1 }
                    $client->read($box)->items;
}

is($client->send($sender, $box, $_ x 512)->status, 201, "send $_")
    for 'a' .. 'c';

# what the kernel kept of it is another file

sub copied {
    $client->disconnect;
    $nginx->kill_all;

    my $copy = slurp($file);

    unlink $file or die "$file: $!\n";
    spew($file, $copy, 0600);
}

copied();
$nginx->write_conf(http => http(' journal=%%DIR%%/journal'));
$nginx->start_again;
is(letters(), 'abc', 'the file has it');
like($nginx->error_log, qr/\[warn\].*when it was copied: .* is checked/,
     'checked');

# mail is taken as soon as the journal has all of it

ok((wait_until { $client->send($sender, $box, 'd' x 512)->status == 201 }),
   'send d');
copied();
$nginx->start_again;
is(letters(), 'abcd', 'now the journal has it');
like($nginx->error_log, qr/\[warn\].*it is made anew from the journal/,
     'made anew');

is($client->close_mailbox($box)->status, 204, 'close');
$client->disconnect;
$nginx->ends_empty;
$nginx->finish;
done_testing;
