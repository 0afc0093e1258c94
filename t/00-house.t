#!/usr/bin/perl

# The order of the house: what no compiler looks at.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Basename qw(basename);
use Test::More;

use Sealed::Wait qw(slurp);

chdir "$FindBin::Bin/.." or die "chdir: $!\n";

# what is in the repository, or will be; without git: what is there
my @files = split /\n/, qx(git ls-files -co --exclude-standard 2>/dev/null);

@files = map { s{^\./}{}r } split /\n/,
         qx(find . -path ./build -prune -o -path ./.git -prune -o -type f -print)
    unless @files;

@files = grep { -f } @files;


# config names every source file of the module, once

my $config = slurp('config');

# units that only the command uses, and tests
my %client = map { $_ => 1 } qw(sealed_envelope identity);

for ([ deps => 'h' ], [ srcs => 'c' ]) {
    my ($list, $ending) = @$_;

    my ($text) = $config =~ /^sealed_$list="(.*?)"/ms;
    my @named = $text =~ m{\$ngx_addon_dir/(\S+)}g;

    my @there = grep { !$client{basename($_) =~ s/\.\w+\z//r} }
                     glob("src/*.$ending"), glob("src/host/*.$ending"),
                    glob("ngx_module/*.$ending");

    is_deeply([ sort @named ], [ sort @there ], "config: $list");
}


# none of them breaks the rule; the rule is code that names what is wrong

sub all_hold {
    my ($name, $files, $rule) = @_;

    my @wrong;

    for my $file (sort @$files) {
        my @what = $rule->($file, slurp($file));

        push @wrong, "$file: " . join ', ', @what if @what;
    }

    ok(@$files && !@wrong, $name) or diag(join "\n", @wrong);
}


all_hold('headers are guarded and hide their symbols',
         [ glob('src/*.h'), glob('src/host/*.h') ],
    sub {
        my ($file, $text) = @_;

        my $guard = uc(basename($file) =~ s/\./_/r);
        my @wrong;

        push @wrong, 'guard'
            if $text !~ /^#ifndef ((?:SEALED_)?$guard)\n#define \g1\n/m;
        push @wrong, 'visibility'
            if $text !~ /^#pragma GCC visibility push\(hidden\)\n/m
               || $text !~ /^#pragma GCC visibility pop\n/m;

        return @wrong;
    });


all_hold('the core knows neither nginx nor the world', [ glob 'src/*.[ch]' ],
    sub {
        my ($file, $text) = @_;

        $text =~ s{/\*.*?\*/}{}gs;

        return $text =~ /(#\s*include\s*[<"](?:ngx_|unistd|fcntl|sys\/)\S*)/g,
               $text =~ /\b((?:malloc|calloc|realloc|free|printf|fprintf|time
                             |abort|assert)\s*\()/gx;
    });


# the module gives nginx what it looks up and nothing else

SKIP: {
    my $module = $ENV{NGINX_MODULE} // 'build/module/'
                                       . 'ngx_http_sealed_module.so';

    skip 'the module is built in', 1 if $module eq '';

    my @symbols = sort map { (split)[-1] } split /\n/,
                  qx(nm -D --defined-only \Q$module\E);

    is_deeply(\@symbols, [ qw(ngx_http_sealed_module
                              ngx_http_sealed_zone_module ngx_module_names
                              ngx_module_order ngx_modules) ],
              'symbols of the module');
}


# every file

my @texts = grep { !m{^t/fuzz/corpus/} && slurp($_) !~ /\0/ } @files;
my $registry = join '.', 'registry', '(?:npmjs|yarnpkg)';

for ([ 'no paths of one machine',
       sub { $_[1] =~ m{(?<![\w.\$\}/-])(/(?:work|root|home)/\w+)}g } ],
     [ 'no host names of package registries',
       sub { $_[1] =~ /($registry)/g } ],
     [ 'lines end',
       sub { length $_[1] && $_[1] !~ /\n\z/ ? 'the last does not' : () } ],
     [ 'no blanks at the end of a line',
       sub { $_[1] =~ /(\S*)[ \t]\n/g } ],
     [ 'no tabs',
       sub { $_[0] !~ m{(?:^|/)(?:Makefile|rules)\z} ? $_[1] =~ /(\S*)\t/g
                                                     : () } ],
     [ 'scripts are executable',
       sub { $_[1] =~ /^#!/ && $_[0] !~ /\.t\z/ && !-x $_[0]
             ? 'is not' : () } ])
{
    my ($name, $rule) = @$_;

    all_hold($name, \@texts, $rule);
}

done_testing;
