package Sealed::Bench::Nchan;

# nchan, nginx's publish/subscribe module: one worker, messages in shared
# memory, no authentication.

use strict;
use warnings;

use HTTP::Tiny ();
use IO::Socket::INET ();
use MIME::Base64 qw(encode_base64url);

use Sealed::Bench::Load qw(load $connections);
use Sealed::Bench::Server ();

use constant CHANNELS => 100;           # a request; 255 is nchan's limit

my $serial = 0;


# top, ids (file), memory; all messages are kept

sub new {
    my ($class, %o) = @_;

    my $self = bless { name => 'nchan' . $serial++, %o }, $class;
    my $port = $self->{port} = Sealed::Bench::Server::free_port();

    my $conf = Sealed::Bench::Server::nginx_conf(
        name => $self->{name}, module => module(), workers => 1,
        http => <<"END");
    nchan_shared_memory_size $self->{memory};

    server {
        listen 127.0.0.1:$port reuseport;

        location = /publish {
            nchan_publisher;
            nchan_channel_id \$arg_to;
            nchan_channel_id_split_delimiter ",";
            nchan_max_channel_id_length 8192;
            nchan_message_timeout 1h;
            nchan_message_buffer_length 10000;
        }

        location = /status { nchan_stub_status; }
    }
END

    $self->{server} = Sealed::Bench::Server->new(
        name => $self->{name}, port => $port,
        command => [ 'nginx', '-p', "$Sealed::Bench::Server::dir/", '-c',
                     $conf, '-e', 'stderr' ]);

    return $self;
}

sub module {
    my ($path) = grep { -e } '/usr/lib/nginx/modules/ngx_nchan_module.so',
                             '/usr/share/nginx/modules/ngx_nchan_module.so';

    return $path // die "nchan's module is not installed\n";
}

sub server { return $_[0]{server} }
sub stop   { $_[0]{server}->stop }

# a message for every channel, so that all of them exist

sub create_channels {
    my ($self) = @_;

    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{port})
        or die "nchan: $!\n";
    my @names = names($self->{ids});

    while (my @some = splice @names, 0, 250) {
        my $to = join ',', @some;

        print $socket "POST /publish?to=$to HTTP/1.1\r\nHost: localhost\r\n"
                      . "Content-Type: application/octet-stream\r\n"
                      . "Content-Length: 1024\r\n\r\n" . 'x' x 1024;

        my $status = readline($socket) // 'it has gone';
        my $length = 0;

        while (($_ = readline($socket) // '') =~ /\S/) {
            $length = $1 if /^Content-Length: (\d+)/i;
        }

        die "nchan: $status\n" unless $status =~ m{^HTTP/1\.1 2};
        read($socket, my $answer, $length);
    }
}

sub names {
    my ($file) = @_;

    open my $fh, '<:raw', $file or die "$file: $!\n";
    my $ids = do { local $/; <$fh> };

    return map { encode_base64url($_) } unpack '(a16)*', $ids;
}

# { requests, deliveries, seconds, cpu }

sub round {
    my ($self, $seconds, $channels) = @_;

    my $before = $self->status('stored messages');
    my $result = load(server => $self->{server},
                      hook => "$self->{top}/t/bench/publish.lua",
                      args => [ $self->{ids}, $channels, 1024 ],
                      seconds => $seconds);
    my $stored = $self->status('stored messages') - $before;

    $result->{deliveries} = $result->{requests} * $channels;

    die "nchan: $result->{deliveries} deliveries answered, $stored stored\n"
        if $stored < $result->{deliveries};

    return $result;
}

sub status {
    my ($self, $name) = @_;

    my $answer = HTTP::Tiny->new->get(
        "http://127.0.0.1:$self->{port}/status");

    my ($value) = $answer->{content} =~ /^\Q$name\E: (\d+)/m
        or die "nchan: no \"$name\" in its status\n";

    return $value;
}

# octets in use, in shared memory and the worker's own

sub used {
    my ($self) = @_;

    return 1024 * $self->status('shared memory used')
           + $self->{server}->private_memory;
}

1;
