#!/usr/bin/perl

# What the documents say of the source, of each other and of answers: names of
# files, functions and sections, bounds, members of JSON, every refusal, and
# an example of a signature.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/lib";

use JSON::XS ();
use Test::More;

use Sealed::Wait qw(slurp);

my $top = "$Bin/..";
my @documents = ('README.md', map { s{.*/\.\./}{}r } <"$top/docs/*.md">);
my %text = map { $_ => slurp("$top/$_") } @documents;

cmp_ok(@documents, '>', 5, 'documents');

# files, and functions in them

for my $document (@documents) {
    my @files = $text{$document}
        =~ m{`((?:src|ngx_module|t|conf|docs|tools)/[\w./*-]+)`}g;

    for my $file (@files) {
        # programs go by their name without ".c"

        ok(scalar(grep { -e } glob("$top/$file"), "$top/$file.c"),
           "$document: $file");
    }

    # a table's "`file`: `function()`"

    while ($text{$document} =~ /`([\w.\/-]+\.c)`: `(\w+)\(\)`/g) {
        my ($file, $function) = ($1, $2);

        like(slurp("$top/$file"), qr/^\Q$function\E\(/m,
             "$document: $function() in $file");
    }
}

# links and the sections that they name

for my $document (@documents) {
    my ($folder) = $document =~ m{^(.*/)?};

    while ($text{$document} =~ /\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g) {
        my ($file, $section) = (($folder // '') . $1, $2);

        ok(-e "$top/$file", "$document: link to $file");
        next unless defined $section;

        my %there = map { lc =~ s/[^\w -]//gr =~ s/ /-/gr => 1 }
                    slurp("$top/$file") =~ /^#+ (.*)/mg;
        ok($there{$section}, "$document: section $section");
    }
}

# every refusal, with its status

my ($refusals) = $text{'docs/protocol.md'} =~ /^## Errors\n(.*?)^## /ms;
my %documented = reverse $refusals =~ /^\| (\d+) \| `([\w-]+)` \|/mg;
my %known = reverse slurp("$top/src/problem.c")
    =~ /= \{ (\d+), URN "([\w-]+)"/g;

cmp_ok(keys %known, '>', 30, 'problems');
is_deeply(\%documented, \%known, 'the refusals are those of the source');

my ($example) = $refusals =~ /```json\n(.*?)```/s;
my $problem = JSON::XS->new->decode($example);
my $source = slurp("$top/src/problem.c") =~ s/"\s+"//gr;

like($source, qr/\Q"$problem->{title}"\E,\s+\Q"$problem->{detail}"\E/,
     'and so is the example');

# messages of the error log

my $messages = join '', map { slurp($_) } <"$top/ngx_module/*.c">,
                                           <"$top/src/host/*.c">;
my ($log) = $text{'docs/operations.md'}
    =~ /^## What the error log says\n(.*?)^## /ms;
my @said = map { /`([^`]+)`/g } $log =~ /^\| \w+ \| (`.*?`) \| /mg;

$messages =~ s{"(?:\s+| PRIu64 )"}{}g;
cmp_ok(@said, '>', 15, 'messages');
like($messages, qr/\Q$_\E/, "message: $_") for @said;

# members of JSON, whatever their order

my $discovery = slurp("$top/ngx_module/ngx_http_sealed_discovery.c");

sub names { return $_[0] =~ /"((?!name")\w+)":/g }

sub written {
    my ($function) = @_;

    my ($code) = $discovery =~ /^\Q$function\E\((.*?)^\}/ms;

    return $code =~ /_(?:name|member)\(&?json, "(\w+)"/g;
}

my ($shown) = $text{'docs/protocol.md'}
    =~ /^## Discovery\n.*?```json\n(.*?)```/ms;
my %shown = %{ JSON::XS->new->decode($shown) };

is_deeply([ sort keys %shown ], [ sort +written('ngx_http_sealed_discovery') ],
          'members of discovery');

my ($status) = $text{'docs/directives.md'}
    =~ /^### sealed_status\n.*?```json\n(.*?)```/ms;
my %status = %{ JSON::XS->new->decode($status) };
my @status = (keys %status, keys %{ $status{zones}[0] });

is_deeply([ sort @status ],
          [ sort grep { !/^journal_/ }
                 +written('ngx_http_sealed_status_handler') ],
          'members of the status');

# bounds, in the words of the messages

my $directives = join '', map { slurp($_) } <"$top/ngx_module/*.c">;
my $bounds = 0;

while ($directives
       =~ /ngx_http_sealed_limit_t\s+ngx_http_sealed_(\w+)(.*?)^\};/msg)
{
    my ($name, $limits) = ($1, $2);
    $name =~ s/_limits$//;

    my ($entry) = $text{'docs/directives.md'}
        =~ /^### \Q$name\E\n(.*?)(?=^##|\z)/ms;

    for my $range ($limits =~ /(?<!sealed_)"([\w ]*\d[\w ]*)"/g) {
        my $words = join '\s+', map { quotemeta } split / /, $range;

        like($entry // '', qr/\b$words\b/, "$name: $range");
        $bounds++;
    }
}

cmp_ok($bounds, '>', 15, 'bounds');

# the example of a signature is one of the vectors

my ($signing) = $text{'docs/protocol.md'} =~ /^## Signing\n(.*?)^## /ms;
my $vector = JSON::XS->new->decode(slurp("$top/t/vectors/protocol.json"))
    ->{groups}{requests}{list}[0];
my @lines = map { s/^    //r } $signing =~ /^(    .*|)$/mg;
my $joined = join("\n", @lines) =~ s/;\n    /;/gr =~ s/\n    / /gr;

like($joined, qr/^\Q$_\E$/m, "signing: $_")
    for "POST $vector->{target} HTTP/1.1",
        (map { "$_: $vector->{headers}{$_}" } keys %{ $vector->{headers} }),
        "Signature-Input: $vector->{signature_input}",
        "Signature: $vector->{signature}";
like($joined, qr/^\Q$vector->{signature_base}\E$/m, 'what is signed');
like($signing, qr/`$vector->{request_key}`/, 'and its key');

done_testing;
