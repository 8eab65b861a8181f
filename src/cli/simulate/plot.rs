//! Three plots, one below the other: the candidate's share, how often each version fails, and the evidence.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::domain::rollout::Counts;
use crate::domain::simulate::{Played, Point};
use crate::domain::speech::rollout::{ended, thousands};
use crate::domain::speech::simulate::unfinished;

const SIZE: (u32, u32) = (1_000, 860);
/// More points than this cannot be told apart.
const POINTS: usize = 600;
/// What lies outside is drawn at the edge.
const EVIDENCE: std::ops::Range<f64> = 0.01..1e6;

const INK: RGBColor = RGBColor(31, 35, 40);
const PALE: RGBColor = RGBColor(225, 230, 235);
const STABLE: RGBColor = RGBColor(9, 105, 218);
const CANDIDATE: RGBColor = RGBColor(191, 90, 0);
const LIMIT: RGBColor = RGBColor(207, 34, 46);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Line = Vec<(f64, f64)>;

/// As the text of an SVG file.
///
/// # Errors
/// What the library says.
pub fn plot(played: &Played) -> anyhow::Result<String> {
    let mut svg = String::new();
    draw(&mut svg, played)?;
    Ok(svg)
}

fn draw(svg: &mut String, played: &Played) -> anyhow::Result<()> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let verdict = if played.rollout.over() { ended(&played.rollout) } else { unfinished(&played.rollout) };
    let verdict: String = verdict.chars().take(130).collect();
    root.draw_text(&verdict, &("sans-serif", 17).into_text_style(&root).color(&INK), (16, 16))?;
    let (_, below) = root.split_vertically(40);
    let points = thinned(&played.points);
    let end = points.last().map_or(1.0, seconds).max(1.0) * 1.02;
    let panels = below.split_evenly((3, 1));
    for (panel, what) in panels.iter().zip([share(&points), rates(&points), evidence(&points)]) {
        what.draw(panel, end)?;
    }
    root.present()?;
    Ok(())
}

/// One of the plots.
struct Panel {
    title: &'static str,
    /// In the order in which they are drawn.
    lines: Vec<(&'static str, RGBColor, Line)>,
    from: f64,
    to: f64,
    logarithmic: bool,
    label: fn(&f64) -> String,
}

impl Panel {
    fn draw(&self, area: &Area<'_>, end: f64) -> anyhow::Result<()> {
        let mut builder = ChartBuilder::on(area);
        let font = ("sans-serif", 15).into_text_style(area).color(&INK);
        builder.caption(self.title, font).margin(12).margin_right(24).x_label_area_size(28).y_label_area_size(64);
        // The two kinds of scale are two types.
        if self.logarithmic {
            let mut chart = builder.build_cartesian_2d(0.0..end, (self.from..self.to).log_scale())?;
            self.fill(&mut chart)
        } else {
            let mut chart = builder.build_cartesian_2d(0.0..end, self.from..self.to)?;
            self.fill(&mut chart)
        }
    }

    fn fill<'a, 'b: 'a, Y>(&self, chart: &mut Chart<'a, 'b, Y>) -> anyhow::Result<()>
    where
        Y: plotters::coord::ranged1d::Ranged<ValueType = f64> + plotters::coord::ranged1d::ValueFormatter<f64>,
    {
        let font = ("sans-serif", 12).into_font().color(&INK);
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(PALE)
            .axis_style(INK.mix(0.4))
            .label_style(font.clone())
            .x_labels(12)
            .y_labels(6)
            .x_label_formatter(&|x| format!("{x:.0} s"))
            .y_label_formatter(&self.label)
            .draw()?;
        for (name, color, line) in &self.lines {
            let color = *color;
            let drawn = chart.draw_series(LineSeries::new(line.iter().copied(), color.stroke_width(2)))?;
            if !name.is_empty() {
                drawn.label(*name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
            }
        }
        if self.lines.len() > 1 {
            let labels = &mut chart.configure_series_labels();
            labels.position(SeriesLabelPosition::UpperLeft).label_font(font).margin(8);
            labels.background_style(WHITE.mix(0.85)).border_style(PALE).draw()?;
        }
        Ok(())
    }
}

type Chart<'a, 'b, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<plotters::coord::types::RangedCoordf64, Y>>;

fn share(points: &[Point]) -> Panel {
    let mut line: Line = Vec::new();
    for point in points {
        // A share changes at once.
        line.extend(line.last().map(|(_, before)| (seconds(point), *before)));
        line.push((seconds(point), point.weight.share() * 100.0));
    }
    let lines = vec![("", CANDIDATE, line)];
    let label = |y: &f64| format!("{y:.0} %");
    Panel { title: "The candidate's share of the traffic", lines, from: 0.0, to: 105.0, logarithmic: false, label }
}

fn rates(points: &[Point]) -> Panel {
    let line = |counts: fn(&Point) -> Counts| -> Line {
        points.iter().enumerate().filter_map(|(i, point)| Some((seconds(point), lately(points, i, counts)?))).collect()
    };
    let lines = vec![("stable", STABLE, line(|p| p.stable)), ("candidate", CANDIDATE, line(|p| p.candidate))];
    let most = lines.iter().flat_map(|(_, _, line)| line).map(|(_, rate)| *rate).fold(1.0, f64::max);
    let label = |y: &f64| format!("{y:.1} %");
    Panel {
        title: "Failed requests, of the last 30 s",
        lines,
        from: 0.0,
        to: (most * 1.1).min(105.0),
        logarithmic: false,
        label,
    }
}

/// The part that failed, in per cent, of the requests of the half minute before a point; `None` when there were none.
fn lately(points: &[Point], at: usize, counts: fn(&Point) -> Counts) -> Option<f64> {
    let now = points.get(at)?;
    let before = points[..at].iter().rfind(|point| point.at_ms + 30_000 <= now.at_ms);
    let counts = counts(now).since(before.map(counts).unwrap_or_default());
    (counts.requests > 0).then(|| 100.0 * counts.bad as f64 / counts.requests as f64)
}

fn evidence(points: &[Point]) -> Panel {
    let line = |value: fn(&Point) -> f64| -> Line {
        points.iter().map(|point| (seconds(point), value(point).clamp(EVIDENCE.start, EVIDENCE.end))).collect()
    };
    let lines = vec![("limit", LIMIT, line(|p| p.limit)), ("evidence", CANDIDATE, line(|p| p.evidence))];
    let label = |y: &f64| if *y < 1.0 { format!("{y}x") } else { format!("{}x", thousands(*y as u64)) };
    Panel {
        title: "Evidence that the candidate is worse",
        lines,
        from: EVIDENCE.start,
        to: EVIDENCE.end,
        logarithmic: true,
        label,
    }
}

fn seconds(point: &Point) -> f64 {
    point.at_ms as f64 / 1_000.0
}

/// Every so many of them, each change of the share, and the last.
fn thinned(points: &[Point]) -> Vec<Point> {
    let every = points.len().div_ceil(POINTS).max(1);
    let keeps = |i: usize| {
        i.is_multiple_of(every)
            || i + 1 == points.len()
            || points[i].weight != points[i.saturating_sub(1)].weight
            || points.get(i + 1).is_some_and(|next| next.weight != points[i].weight)
    };
    (0..points.len()).filter(|i| keeps(*i)).map(|i| points[i]).collect()
}
