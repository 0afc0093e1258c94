#!/usr/bin/perl

# Tickets: what they open, once, and what they do not.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use IO::Select ();
use Test::More;

use Sealed::Client ();
use Sealed::Crypto qw(b64u unb64u);
use Sealed::HTTP ();
use Sealed::Nginx ();

my $nginx = Sealed::Nginx->gateway(workers => 2);
my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);

my ($box, $other) = map { $client->opened_mailbox } 1, 2;

sub ticket {
    my $response = $client->ticket($_[0]);

    is($response->status, 200, 'a ticket');
    return $response->json->{ticket};
}

# with nothing but a ticket

sub opens {
    my ($to, $ticket, $headers, %o) = @_;

    my ($http, $head) = $client->live($to, $headers, ticket => $ticket, %o);

    return ($head->status, $http);
}

my @stream = ([ 'Accept', 'text/event-stream' ]);
my @socket = Sealed::HTTP->websocket_headers;

my $response = $client->ticket($box);
is($response->header('cache-control'), 'no-store', 'not to be stored');
is_deeply([ sort keys %{ $response->json } ], [ qw(expires_in ticket) ],
          'what there is');
is($response->json->{expires_in}, 60, 'a minute');
isnt($response->json->{ticket}, ticket($box), 'each is another');

is($client->ticket($client->mailbox)->status, 401, 'of no mailbox');
is($client->call($sender, 'POST', $client->path($box, '/tickets'))->status,
   401, 'not for a sender');
is($client->call($box, 'GET', $client->path($box, '/tickets'))->status, 405,
   'only POST');
is($client->call($box, 'POST', $client->path($box, '/tickets?x=1'))->status,
   400, 'no query');
is($client->call($box, 'POST', $client->path($box, '/tickets'),
                 body => 'x')->status, 413, 'no body');

is($client->send($sender, $box, 'a' x 512)->status, 201, 'send');

for my $transport (\@stream, \@socket) {
    my $name = $transport == \@stream ? 'event stream' : 'WebSocket';
    my $ticket = ticket($box);

    my ($status, $http) = opens($box, $ticket, $transport, after => 0);
    is($status, $transport == \@stream ? 200 : 101, "$name opens");
    $http->close;
    is((opens($box, $ticket, $transport))[0], 401, "$name: not twice");
    is((opens($box, $ticket, \@stream))[0], 401, "$name: nor elsewhere")
        for 1 .. 5;
}

# void at first sight, whatever becomes of the request

my $ticket = ticket($box);
is((opens($box, $ticket, \@stream, after => 9))[0], 400, 'a bad request');
is((opens($box, $ticket, \@stream))[0], 401, 'and the ticket is void');

# but what is no valid ticket yet can still become one

$ticket = ticket($box);
is((opens($other, $ticket, \@stream))[0], 401, 'another mailbox');
is((opens($client->mailbox, $ticket, \@stream))[0], 401, 'no mailbox');
is((opens($box, $ticket, []))[0], 401, 'not on the plain transport');
is((opens($box, $ticket, \@stream, query => "?ticket=$ticket&limit=1"))[0],
   401, 'not with more than there may be');
is((opens($box, substr($ticket, 0, -1), \@stream))[0], 401, 'cut short');
is((opens($box, "${ticket}A", \@stream))[0], 401, 'too long');
is((opens($box, '', \@stream))[0], 401, 'none');
is((opens($box, 'x' x 75, \@stream))[0], 401, 'nonsense');

{
    my $octets = unb64u($ticket);

    substr($octets, $_, 1) ^= "\1" for 7;
    is((opens($box, b64u($octets), \@stream))[0], 401, 'a longer life');
}

is($client->call($box, 'GET', $client->path($box, "/envelopes?ticket=$ticket"),
                 headers => [ @stream ])->status, 401,
   'not beside a signature');
is($client->call($box, 'DELETE',
                 $client->path($box, "/envelopes?ticket=$ticket"))->status,
   400, 'not for anything else');
is((opens($box, $ticket, \@stream))[0], 200, 'still good');

# all at the same time, in both workers

for my $round (1 .. 20) {
    $ticket = $client->ticket($box)->json->{ticket};
    my @http = map { $client->connection } 1 .. 8;
    my $bytes = $http[0]->format({
        method => 'GET', headers => [ @stream ],
        target => $client->path($box, "/envelopes?ticket=$ticket") });

    $_->write(substr $bytes, 0, -1) for @http;
    $_->write(substr $bytes, -1) for @http;
    my @status = map { $_->head->status } @http;
    my $opened = grep { $_ == 200 } @status;
    my $refused = grep { $_ == 401 } @status;

    # a mailbox may use sixteen in a minute
    if ($round == 1) {
        is("$opened $refused", '1 7', 'one of eight');

    } elsif (grep { $_ == 503 } @status) {
        cmp_ok($opened, '<=', 1, "room for no more ($round)");
        cmp_ok($round, '>', 5, 'but for many');
        last;

    } else {
        cmp_ok($opened, '<=', 1, "at most one of eight ($round)");
    }

    $_->close for @http;
}

$client->disconnect;
ok($nginx->reload(wait_old => 1), 'reload');
my $kept = ticket($other);
is((opens($other, $kept, \@stream))[0], 200, 'a ticket after a reload');
ok($nginx->reload, 'reload');
$client->disconnect;
is((opens($other, $kept, \@stream))[0], 401, 'is still void after another');

is($client->close_mailbox($_)->status, 204, 'close') for $box, $other;

$nginx->finish;
done_testing;
