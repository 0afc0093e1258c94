#!/usr/bin/perl

# What "make install" puts into a folder, at work from there, and what "make
# uninstall" leaves of it; the manual page; the Debian packages.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use Cwd qw(abs_path);
use File::Find qw(find);
use File::Temp qw(tempdir);
use Test::More;

use Sealed::Command qw(run);
use Sealed::Wait qw(slurp spew);

plan skip_all => 'about the module for the machine\'s own nginx'
    unless $ENV{NGINX_MODULE};

my $top = abs_path("$Bin/..");
my $nginx = $ENV{NGINX_BIN} || '/usr/sbin/nginx';
my $stage = tempdir('sealed-test-XXXXXX', TMPDIR => 1, CLEANUP => 1);

# make of a test run is not the one that runs the tests

delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};

sub files {
    my ($dir) = @_;

    my @found;

    find({ no_chdir => 1, wanted => sub {
        push @found, substr($_, length $dir) if -f;
    } }, $dir);

    return sort @found;
}

# the quick start with what was installed

sub works {
    my ($name, $sealed, $module, $page) = @_;

    my $dir = tempdir('sealed-test-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $conf = slurp("$top/conf/quick-start.conf");

    mkdir "$dir/$_" for qw(keys logs);
    spew("$dir/keys/accounts", "guest:{PLAIN}guest\n");
    run(0, "$name: a master secret", $sealed, 'keygen', 'deployment',
        "$dir/keys/master.key");
    run(0, "$name: an authority", $sealed, 'keygen', 'authority',
        "$dir/keys/authority");

    $conf =~ s/^load_module .*/load_module $module;/m;
    $conf =~ s/root page;/root $page;/;
    spew("$dir/nginx.conf", $conf);

    like(run(0, "$name: nginx takes it", $nginx, '-t', '-p', "$dir/", '-e',
             "$dir/logs/error.log", '-c', 'nginx.conf'),
         qr/test is successful/, "$name: its configuration");
    ok(-s "$page/index.html", "$name: the page");
}

my @install = ('make', '-s', '-C', $top, "DESTDIR=$stage", 'PREFIX=/opt',
               'MODULES=/opt/modules');

run(0, 'make install', @install, 'install');

my %there = map { $_ => 1 } files($stage);

ok($there{$_}, $_) for map { "/opt/$_" }
    qw(bin/sealed modules/ngx_http_sealed_module.so share/man/man1/sealed.1),
    (map { "share/doc/sealed-sender/$_" }
         qw(README.md CHANGES LICENSE), map { s{.*/}{}r } <"$top/docs/*.md">),
    (map { 'share/sealed-sender' . $_ } files("$top/conf"));

like(run(0, 'sealed', "$stage/opt/bin/sealed", '--version'), qr/^sealed \d/,
     'its version');
works('installed', "$stage/opt/bin/sealed",
      "$stage/opt/modules/ngx_http_sealed_module.so",
      "$stage/opt/share/sealed-sender/page");

run(0, 'make uninstall', @install, 'uninstall');
is_deeply([ files($stage) ], [], 'nothing is left');

# the manual page names every command and nothing else

my $help = run(0, 'help', "$top/build/sealed", '--help');
my $page = slurp("$top/docs/sealed.1") =~ s/\\-/-/gr;
my @commands = $help =~ /^  (sealed(?: [a-z-]+)+)/mg;
my @described = $page =~ /^\.(?:B|BI "?)\s*(sealed(?: [a-z-]+)+)[ "]*.*\n.+/mg;

cmp_ok(@commands, '>', 20, 'commands');
is_deeply([ sort grep { !/--/ } @described ], [ sort @commands ],
          'the manual page has the commands');

# packages

SKIP: {
    my ($missing) = grep {
        my $tool = $_;
        !grep { -x "$_/$tool" } split /:/, $ENV{PATH};
    } qw(dpkg-buildpackage dh);

    skip "there is no $missing", 1 if $missing;

    my @packages = run(0, 'packages', "$top/tools/build-deb")
        =~ m{^(/.*/(?:libnginx|sealed-sender)[^/]*\.deb)$}mg;
    @packages = grep { !/dbgsym/ } @packages;

    is(scalar @packages, 2, 'two packages');
    run(0, "unpack $_", 'dpkg-deb', '-x', $_, "$stage/deb") for @packages;
    works('packaged', "$stage/deb/usr/bin/sealed",
          "$stage/deb/usr/lib/nginx/modules/ngx_http_sealed_module.so",
          "$stage/deb/usr/share/sealed-sender/page");
    is(slurp("$stage/deb/usr/share/nginx/modules-available/"
             . 'mod-http-sealed.conf'),
       "load_module modules/ngx_http_sealed_module.so;\n",
       'nginx loads the module');
}

done_testing;
