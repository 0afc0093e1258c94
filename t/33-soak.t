#!/usr/bin/perl

# t/soak with as many readers, reloads and deaths as a test has time for;
# "make soak" has more.

use strict;
use warnings;

use FindBin qw($Bin);

exec $^X, "$Bin/soak", 400, 20, 5 or die "$Bin/soak: $!\n";
