#!/usr/bin/perl

# Where a configuration puts the module: what was checked for one location
# does not hold in another, and nothing that nginx does with requests
# (rewrites, redirects, subrequests, conditions) gets around the check.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Test::More;

use Sealed::Client ();
use Sealed::Crypto qw(b64 b64u random_bytes);
use Sealed::HTTP ();
use Sealed::Nginx ();
use Sealed::Wait qw(wait_until slurp spew);

my $nginx = Sealed::Nginx->gateway(
    files => { key2 => "other " . unpack('H*', random_bytes(32)) . "\n" },
    dirs  => [ 'files' ],
    zone_conf => 'class other 3 send budget=100;'
                 . 'first_uses address=1 worker=1000;',
    server_conf => <<'END',
    }

    sealed_zone second 2m {
        master_secret %%DIR%%/key2;
        authority %%DIR%%/authority;
        class opener 1 open;
        class verified 2 send budget=100;
    }

    # a check for all of a server, which a variable asks for early

    server {
        listen 127.0.0.1:%%PORT2%%;
        root %%DIR%%/files;
        sealed_access main opener verified other;
        set $early $sealed_certificate_status;

        location /all/ {
            add_header Early $early;
            try_files /none =204;
        }

        location /narrow/ {
            sealed_access main verified;
            try_files /none =204;
        }

        location /v1/ {
            sealed_send main;
            sealed_mailbox main;

            location /v1/inside/ {
                try_files /none =204;

                location /v1/inside/open/ {
                    sealed_access off;
                    try_files /none =204;
                }
            }
        }

        location /issue/ {
            sealed_issue main account=$http_x_account;
            location /issue/inside/ { try_files /none =204; }
        }

        location /reports/ {
            sealed_reports main;
            location /reports/inside/ { try_files /none =204; }
        }

        location /checked/ {
            sealed_access main;
            try_files /none @named;
        }

        location @named { sealed_send main; sealed_mailbox main; }

        location /limited/ {
            client_max_body_size 1000;
            if ($http_x_if) { set $nothing x; }
            try_files /none =204;

            location /limited/inside/ { try_files /none =204; }
            location /limited/more/ {
                client_max_body_size 2000;
                try_files /none =204;
            }
            location /limited/open/ {
                sealed_access off;
                try_files /none =204;
            }
            location /limited/any/ {
                satisfy any;
                allow 127.0.0.1;
                deny all;
                error_log %%DIR%%/logs/any.log crit;
                try_files /none =204;
            }
        }

        location /large/ {
            client_max_body_size 2000;
            try_files /none @large;
        }

        location @large {
            client_max_body_size 1000;
            sealed_access main;
            try_files /none =204;
        }

        location /any/ {
            satisfy any;
            allow 127.0.0.1;
            deny all;
            try_files /none =204;
        }
    }

    # the gateway behind a check of its own

    server {
        listen 127.0.0.1:%%PORT3%%;
        root %%DIR%%/files;

        location / {
            sealed_access main opener verified;
            try_files /none @gateway;
        }

        location @gateway { sealed_send main; sealed_mailbox main; }
    }

    # what the log says

    log_format outcome "$request_method $status [$sealed_certificate_status]";

    # conditions and exceptions

    server {
        listen 127.0.0.1:%%PORT4%%;
        client_body_in_file_only clean;
        error_page 401 404 405 =200 /error;

        location /v1/ {
            if ($http_x_if) { set $nothing x; }
            limit_except GET PUT POST { allow all; }
            sealed_send main;
            sealed_mailbox main;
        }

        location = /.well-known/sealed-sender {
            if ($http_x_if) { set $nothing x; }
            limit_except GET { allow all; }
            sealed_discovery main;
        }

        location = /status {
            if ($http_x_if) { set $nothing x; }
            limit_except PUT { allow all; }
            sealed_status;
        }

        location = /error { return 200 "an error page"; }
    }

    # subrequests

    server {
        listen 127.0.0.1:%%PORT5%%;
        root %%DIR%%/files;
        ssi on;
        ssi_types *;

        location /inner/ {
            rewrite ^/inner(/.*)$ $1 break;
            sealed_send main;
            sealed_mailbox main;
        }

        location = /status { sealed_status; }
        location = /discovery { sealed_discovery main; }
    }

    # addresses, as a proxy in front of it tells them

    server {
        listen 127.0.0.1:%%PORT6%%;
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Address;
        access_log %%DIR%%/logs/outcome.log outcome;

        location /v1/ { sealed_send main; sealed_mailbox main; }
END
);

my $client = Sealed::Client->new(nginx => $nginx);
my $sender = $client->certified(class => 2);
my $opener = $client->certified(class => 1);
my $other = $client->certified(class => 3);
my $box = $client->mailbox;

sub at {
    my ($port, $actor, $method, $target, %o) = @_;

    my $http = Sealed::HTTP->new(port => $nginx->port($port));
    my $request = $actor
        ? $client->request($actor, $method, $target, %o)
        : { method => $method, target => $target, body => $o{body} // '',
            headers => $o{headers} || [] };

    push @{ $request->{headers} }, @{ $o{more} || [] };

    my $response = $http->request($request);

    $http->close;
    return $response;
}

is($client->open_mailbox($opener, $box)->status, 201, 'open');
is($client->send($sender, $box, 'x' x 512)->status, 201, 'send');

my $path = $client->path($box, '/envelopes');
my @key = ([ 'Sealed-Mailbox-Key', ':' . b64($box->{public}) . ':' ]);

# one check, several locations

my $response = at(2, $opener, 'GET', '/all/x');
is($response->status, 204, 'a class of the whole server');
is($response->header('Early'), 'ok', 'which a variable knew early');
is(at(2, $opener, 'GET', '/narrow/x')->status, 401,
   'but not where only others pass');
is(at(2, $sender, 'GET', '/narrow/x')->status, 204, 'who do');
is(at(2, undef, 'GET', '/all/x')->status, 401, 'nobody without a signature');

for my $around ('/v1', '/issue', '/reports') {
    is(at(2, undef, 'GET', "$around/inside/x")->status, 401,
       "nor in a location inside $around, which checks by itself");
    is(at(2, $opener, 'GET', "$around/inside/x")->status, 204,
       'a class of the whole server');
}

is(at(2, undef, 'GET', '/v1/inside/open/x')->status, 204,
   'unless it is switched off there');

is(at(2, $opener, 'POST', $path, body => 'x' x 512)->status, 401,
   'a class that opens does not send');
is(at(2, $sender, 'GET', $path)->status, 401, 'a sender does not read');
is(at(2, $sender, 'DELETE', "$path?through=1")->status, 401,
   'nor acknowledge');
is(at(2, $sender, 'DELETE', $client->path($box))->status, 401, 'nor close');
is(at(2, $box, 'GET', $path)->status, 200, 'the owner does');
is(at(2, $sender, 'POST', $path, body => 'x' x 512)->status, 201,
   'and a sender sends');

is(at(3, $sender, 'GET', $path)->status, 401,
   'a sender that was let in does not read');
is(at(3, $sender, 'POST', $path, body => 'x' x 512)->status, 409,
   'and has no nonce left to send with');
is(at(3, $box, 'GET', $path)->status, 401,
   'an owner is none of the classes');
is($client->status($box)->json->{envelopes}, 2, 'nothing was read away');

is(at(2, $sender, 'GET', '/any/x')->status, 204, 'satisfy any: both');
is(at(2, undef, 'GET', '/any/x')->status, 204, 'satisfy any: the address');

# bodies that are too large, without a word about who sent them

my $long = 'x' x 1001;
my $log = $nginx->error_log;

# within "if" nginx does not look at try_files
for my $where ([ 204, '/limited/x' ], [ 204, '/limited/inside/x' ],
               [ 404, '/limited/x', 'X-If', 1 ],
               [ 204, '/limited/x', 'Expect', '100-continue' ])
{
    my ($status, $target, @header) = @$where;
    my @more = @header ? [ @header ] : ();

    for my $actor ($sender, undef) {
        my $name = join ' ', $actor ? 'a sender' : 'nobody', $target, @header;

        $response = at(2, $actor, 'POST', $target, body => $long,
                       more => \@more);
        is($response->status, 413, "$name: too large");
        is($response->header('content-type'), 'application/problem+json',
           "$name: a problem");
    }

    is(at(2, $sender, 'POST', $target, body => 'x' x 1000, more => \@more)
       ->status, $status, "$target @header: not too large");
}

is(at(2, $sender, 'POST', '/limited/more/x', body => $long)->status, 204,
   'a larger limit');
is(at(2, $sender, 'POST', '/large/x', body => $long)->status, 204,
   'that of a named location counts for nobody');
is(at(2, undef, 'POST', '/limited/any/x', body => $long)->status, 413,
   'satisfy any');
unlike(substr($nginx->error_log, length $log), qr/too large/,
       'the error log has not a word of it');
is(slurp($nginx->dir . '/logs/any.log'), '', 'nor that of satisfy any');

is(at(2, undef, 'POST', '/limited/open/x', body => $long)->status, 413,
   'without a check');
ok($nginx->logged(qr/too large body.*client: 127\.0\.0\.1/),
   'nginx says who it was');

# "if" and "limit_except", files, error pages, conditions

my @if = ([ 'X-If', '1' ]);

is(at(4, $box, 'GET', $path, more => \@if)->status, 200,
   'read within "if"');
is(at(4, $sender, 'POST', $path, body => 'y' x 512, more => \@if)->status,
   201, 'send within "if"');
is(at(4, $box, 'DELETE', "$path?through=3")->status, 204,
   'acknowledge within "limit_except"');
is(at(4, $box, 'DELETE', "$path?through=3", more => \@if)->status, 204,
   'and in both');

for my $page ('/.well-known/sealed-sender', '/status') {
    for my $method (qw(GET HEAD)) {
        is(at(4, undef, $method, $page, more => \@if)->status, 200,
           "$method $page within both");
        is(at(4, undef, $method, $page)->status, 200,
           "$method $page within \"limit_except\"");
    }

    $response = at(4, undef, 'POST', $page);
    is($response->status, 405, "POST $page");
    is($response->header('Allow'), 'GET, HEAD, OPTIONS', 'allowed');
}

is(at(4, $sender, 'POST', $path, body => 'z' x 512)->status, 201,
   'bodies stay in memory');
is(at(4, undef, 'GET', $path)->json->{status}, 401,
   'error pages are not for the protocol');
is(at(4, undef, 'GET', '/v1/x')->json->{status}, 404, 'in no case');

for (qw(If-None-Match If-Match)) {
    is(at(4, $box, 'GET', $path, more => [ [ $_, $_ eq 'If-Match'
                                                 ? '"x"' : '*' ] ])
       ->status, 200, "$_: not looked at");
}

is(at(4, $sender, 'POST', $path, body => 'z' x 512,
      more => [ [ 'If-Match', '"x"' ] ])->status, 201,
   'nor when something was done');

$response = at(4, $box, 'HEAD', $path);
is($response->status, 405, 'HEAD');
is(length $response->body, 0, 'without a body');

$response = at(4, $box, 'GET', $path,
               more => [ [ 'Range', 'bytes=0-9' ] ]);
is($response->status, 200, 'no ranges');

# subrequests

spew($nginx->dir . '/files/page',
     "<!--#include virtual=\"/inner$path\" -->"
     . '<!--#include virtual="/status" -->'
     . '<!--#include virtual="/discovery" -->|', 0644);

$response = at(5, $box, 'GET', '/page');
is($response->status, 200, 'a page with includes');
like($response->body, qr/"zones":.*"version":1.*\|\z/s,
     'status and discovery are in it');
like($nginx->error_log, qr/a subrequest cannot be served/,
     'mail is not, and the log says why');
is($client->status($box)->json->{envelopes}, 2, 'nothing happened');

# first uses: an address of IPv6 is its network

sub first_use {
    my ($address) = @_;

    return at(6, $client->certified(class => 2), 'POST', $path,
              body => 'x' x 511 . 'y',
              more => [ [ 'X-Address', $address ] ])->status;
}

my %status;
$status{ first_use("2001:db8:0:1::$_") }++ for 1 .. 14;
ok($status{503}, 'first uses from one IPv6 network are counted together');
is(first_use('2001:db8:0:2::1'), 201, 'another network has its own');

%status = ();
$status{ first_use("192.0.2.$_") }++ for 1 .. 14;
is_deeply(\%status, { 201 => 14 }, 'each IPv4 address has');

# the log tells what became of a request, not only of its signature

my $spent = $client->certified(class => 2);
my $again = $client->request($spent, 'POST', $path, body => 'x' x 512);

for ([ 'ok', 201, $again ], [ 'nonce', 409, $again ],
     [ 'unauthorized', 401, { method => 'GET', target => $path } ],
     [ 'no-mailbox', 404, $client->request($spent, 'POST',
           $client->path($client->mailbox, '/envelopes'),
           body => 'x' x 512) ],
     [ 'ok', 200, $client->request($box, 'GET', $path) ],
     [ '-', 204, { method => 'OPTIONS', target => $path } ])
{
    my ($word, $status, $request) = @$_;
    my $http = Sealed::HTTP->new(port => $nginx->port(6));

    $request->{headers} = [ @{ $request->{headers} || [] },
                            [ 'X-Address', '203.0.113.9' ] ];
    is($http->request($request)->status, $status, "$status: $word");
    $http->close;
    my $line = "$request->{method} $status [$word]";
    ok(wait_until(sub { slurp($nginx->dir . '/logs/outcome.log')
                        =~ /^\Q$line\E$/m }), "logged: $line");
}

is($client->close_mailbox($box)->status, 204, 'close');

$nginx->finish;
done_testing;
