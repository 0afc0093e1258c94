#!/usr/bin/perl

# Every directive of the module is documented, and nothing else is.

use strict;
use warnings;

use FindBin qw($Bin);
use Test::More;

sub slurp {
    open my $fh, '<', "$Bin/../$_[0]" or die "$_[0]: $!";
    local $/;
    return <$fh>;
}

my %in_code;

for my $file (qw(ngx_http_sealed_module ngx_http_sealed_zone_conf)) {
    my ($table) = slurp("ngx_module/$file.c")
        =~ /static ngx_command_t\s.*?\{(.*?)ngx_null_command/s;

    $in_code{$1} = 1 while $table =~ /\{ ngx_string\("(\w+)"\)/g;
}

my $text = slurp('docs/directives.md');
my ($directives) = split /^## Variables/m, $text;
my %in_docs;

while ($directives =~ /^### (\w+)\n(.*?)(?=^##|\z)/msg) {
    my ($name, $entry) = ($1, $2);

    $in_docs{$name} = 1;
    like($entry, qr/^- $_: \S/m, "$name: $_") for qw(Syntax Default Context);
    like($entry, qr/^```nginx\n.*\b$name\b/ms, "$name: example");
}

cmp_ok(keys %in_code, '>', 15, 'directives in the code');
is_deeply([ sort keys %in_docs ], [ sort keys %in_code ],
          'documented directives are those of the code');

my @variables = slurp('ngx_module/ngx_http_sealed_variables.c')
    =~ /\{ ngx_string\("(sealed_certificate_\w+)"\)/g;

like($text, qr/^- `\$$_`/m, "\$$_") for @variables;

done_testing;
