package Sealed::Bench::Report;

# What came out: lines "name value unit", the same as JSON, and pictures of
# how cost grows.

use strict;
use warnings;

use JSON::PP ();

sub new {
    my ($class, %o) = @_;

    return bless { folder => $o{folder}, name => $o{name} // 'bench',
                   values => {}, rounds => {}, curves => {}, setup => [],
                   order => [] }, $class;
}

sub setup {
    my ($self, @lines) = @_;

    push @{ $self->{setup} }, @lines;
    print map { "# $_\n" } @lines;
}

sub value {
    my ($self, $name, $value, $unit) = @_;

    $value = abs $value >= 100 ? sprintf '%.0f', $value
                               : sprintf '%.3g', $value;

    $self->{values}{$name} = { value => 0 + $value, unit => $unit };
    print "$name $value $unit\n";
}

# one figure a round; the median is what counts

sub add {
    my ($self, $name, $figure) = @_;

    push @{ $self->{rounds}{$name} }, $figure;
}

sub median {
    my ($self, $name) = @_;

    my @sorted = sort { $a <=> $b } @{ $self->{rounds}{$name} };

    return @sorted % 2 ? $sorted[$#sorted / 2]
                       : ($sorted[@sorted / 2 - 1]
                          + $sorted[@sorted / 2]) / 2;
}

sub point {
    my ($self, $curve, $x, $name, $y) = @_;

    push @{ $self->{curves}{$curve}{$name} }, [ 0 + $x, 0 + $y ];
}

sub write_json {
    my ($self) = @_;

    my $file = "$self->{folder}/$self->{name}.json";

    open my $fh, '>', $file or die "$file: $!\n";
    print $fh JSON::PP->new->canonical->pretty->encode(
        { map { $_ => $self->{$_} } qw(setup values rounds curves) });
    close $fh or die "$file: $!\n";
}

# panels: [ curve, title, label of x, label of y, divisor,
#           [ name, title ] ... ]; all of them in one file

sub draw {
    my ($self, $name, @panels) = @_;

    my $file = "$self->{folder}/$name.png";
    my $rows = int((@panels + 1) / 2);
    my $height = 440 * $rows;
    my $script = <<"END";
set terminal pngcairo size 1280,$height enhanced font 'Sans,11' linewidth 1.4
set output '$file'
set multiplot layout $rows,2 margins 0.08,0.98,0.08,0.94 spacing 0.1,0.14
set border 3 lc rgb '#666666'
set tics nomirror out
set grid ytics lc rgb '#dddddd' lt 1
set key top left reverse Left samplen 1.5
set logscale x
set yrange [0:*]
set offsets graph 0, 0, graph 0.2, 0
set format y '%g'
END

    my @colors = ('#1b6ca8', '#d1495b', '#3c8d5a');

    for (@panels) {
        my ($curve, $title, $xlabel, $ylabel, $divisor, @lines) = @$_;
        my ($blocks, @plots, %x) = ('');
        my $n = 0;

        for (@lines) {
            my ($line, $label) = @$_;
            my $points = $self->{curves}{$curve}{$line} // next;
            my $block = "\$${curve}_" . ++$n;

            $x{ $_->[0] } = 1 for @$points;
            $blocks .= "$block << EOD\n"
                     . join('', map { "$_->[0] " . $_->[1] / $divisor . "\n" }
                                @$points) . "EOD\n";
            push @plots, "$block using 1:2 with linespoints pt 7 ps 0.9 "
                         . "lc rgb '$colors[$n - 1]' title '$label'";
        }

        next unless @plots;

        my @x = sort { $a <=> $b } keys %x;
        my $tics = join ', ', map { "'" . short($_) . "' $_" } @x;

        # room on both sides of the first and the last point
        my ($low, $high) = ($x[0] / 1.2, $x[-1] * 1.2);

        $script .= "set title '$title'\nset xlabel '$xlabel'\n"
                 . "set ylabel '$ylabel'\nset xtics ($tics)\n"
                 . "set xrange [$low:$high]\n$blocks"
                 . "plot " . join(', ', @plots) . "\n";
    }

    $script .= "unset multiplot\n";

    open my $pipe, '|-', 'gnuplot' or die "gnuplot: $!\n";
    print $pipe $script;
    close $pipe or die "gnuplot failed\n";
    -s $file or die "gnuplot drew nothing\n";
}

sub short {
    my ($x) = @_;

    return $x >= 1e6 ? $x / 1e6 . ' M'
         : $x % 1024 == 0 && $x < 1e5 ? $x / 1024 . ' Ki'
         : $x >= 1e4 && $x % 1000 == 0 ? $x / 1e3 . ' k'
         : $x;
}

1;
