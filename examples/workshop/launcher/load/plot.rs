//! A plot as an SVG file, which a browser, an editor and a page of GitHub show as it is.

use std::fmt::Write as _;

/// Lines over one axis.
#[derive(Debug)]
pub(super) struct Plot {
    /// The file's name, without its ending.
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) across: &'static str,
    /// Name, and points from left to right.
    pub(super) lines: Vec<(String, Vec<(f64, f64)>)>,
    /// A bound, drawn across.
    pub(super) bound: Option<f64>,
}

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 160.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 36.0;
const COLOURS: [&str; 10] = [
    "#2471a3", "#ca6f1e", "#b03a2e", "#1e8449", "#7d3c98", "#117a65", "#b7950b", "#2c3e50", "#a04000",
    "#5d6d7e",
];

/// Which numbers the axes begin and end with.
struct Axes {
    from: f64,
    to: f64,
    top: f64,
}

impl Plot {
    /// The file.
    pub(super) fn svg(&self) -> String {
        let axes = self.axes();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"18\" font-size=\"13\">{}</text>\n",
            escaped(&self.title)
        );
        axes.draw(&mut svg, self.across);
        if let Some(bound) = self.bound {
            let (y, right) = (axes.y(bound), WIDTH - RIGHT);
            _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{right:.1}\" stroke=\"#b03a2e\" stroke-dasharray=\"6 4\"/>"
            );
        }
        for (number, (name, points)) in self.lines.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            axes.draw_line(&mut svg, colour, points);
            let (x, y) = (WIDTH - RIGHT + 10.0, TOP + 14.0 * number as f64 + 8.0);
            _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{}</text>", escaped(name));
        }
        svg + "</svg>\n"
    }

    fn axes(&self) -> Axes {
        let points = || self.lines.iter().flat_map(|(_, points)| points).filter(is_finite);
        let from = points().map(|(x, _)| *x).reduce(f64::min).unwrap_or_default();
        let to = points().map(|(x, _)| *x).reduce(f64::max).unwrap_or_default().max(from + 1e-9);
        let highest = points().map(|(_, y)| *y).chain(self.bound).fold(0.0, f64::max);
        Axes { from, to, top: round(highest) }
    }
}

impl Axes {
    fn x(&self, at: f64) -> f64 {
        LEFT + (at - self.from) / (self.to - self.from) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)
    }

    /// Five lines across with their numbers, and where the plot begins and ends.
    fn draw(&self, svg: &mut String, across: &str) {
        let right = WIDTH - RIGHT;
        for part in 0..=4 {
            let value = self.top * f64::from(part) / 4.0;
            let (y, left, number) = (self.y(value), LEFT - 6.0, short(value));
            _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{right:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{left:.1}\" y=\"{:.1}\" text-anchor=\"end\">{number}</text>",
                y + 4.0
            );
        }
        let (numbers, name) = (HEIGHT - BOTTOM + 16.0, HEIGHT - 6.0);
        for (x, y, anchor, text) in [
            (LEFT, numbers, "start", short(self.from)),
            (right, numbers, "end", short(self.to)),
            ((LEFT + right) / 2.0, name, "middle", escaped(across)),
        ] {
            _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
        }
    }

    fn draw_line(&self, svg: &mut String, colour: &str, points: &[(f64, f64)]) {
        let points: Vec<(f64, f64)> =
            points.iter().filter(is_finite).map(|(at, value)| (self.x(*at), self.y(*value))).collect();
        // One point is no line.
        if let [(x, y)] = *points {
            _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>");
        }
        let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let line = line.join(" ");
        _ = writeln!(
            svg,
            "<polyline points=\"{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
        );
    }
}

fn is_finite((x, y): &&(f64, f64)) -> bool {
    x.is_finite() && y.is_finite()
}

/// The next of 1, 2, 4, 6, 8, 10, 20 … that is not below: a quarter of it is a short number.
fn round(highest: f64) -> f64 {
    if highest <= 0.0 || !highest.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(highest.log10().floor());
    [1.0, 2.0, 4.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= highest * 0.999)
        .unwrap_or(highest)
}

fn short(value: f64) -> String {
    let text = if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(lines: Vec<(String, Vec<(f64, f64)>)>, bound: Option<f64>) -> String {
        Plot { name: "p", title: "latency <ms>".to_owned(), across: "seconds", lines, bound }.svg()
    }

    #[test]
    fn a_line_goes_from_edge_to_edge_and_a_bound_stays_in_sight() {
        let svg = plot(vec![("p95 & more".to_owned(), vec![(0.0, 0.0), (10.0, 50.0)])], Some(200.0));
        assert!(svg.contains("points=\"60.0,224.0 640.0,175.5\""), "{svg}");
        assert!(svg.contains("M60 30.0H640.0"), "the bound is at the top: {svg}");
        assert!(svg.contains("latency &lt;ms&gt;") && svg.contains("p95 &amp; more"), "{svg}");
    }

    #[test]
    fn nothing_one_point_and_no_numbers_are_drawn_as_well() {
        for lines in [vec![], vec![(1.0, 1.0)], vec![(f64::NAN, 1.0), (1.0, f64::INFINITY)]] {
            let svg = plot(vec![("x".to_owned(), lines)], None);
            assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn axes_end_at_round_numbers() {
        for (highest, top) in [(0.0, 1.0), (0.03, 0.04), (1.0, 1.0), (7.0, 8.0), (201.0, 400.0)] {
            assert!((round(highest) - top).abs() < 1e-9, "{highest}: {}", round(highest));
        }
        assert_eq!([0.0, 2.5, 100.0, 1_000.0].map(short), ["0", "2.5", "100", "1000"]);
    }
}
