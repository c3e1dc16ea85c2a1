//! Curves and bars as SVG.

use std::fmt::Write as _;

/// Size of a chart, and of its margins for the scales, in SVG units.
const WIDTH: f32 = 760.0;
const HEIGHT: f32 = 170.0;
const LEFT: f32 = 44.0;
const BOTTOM: f32 = 22.0;
const TOP: f32 = 8.0;
/// Columns of a waveform.
const COLUMNS: usize = 720;

/// A curve.
#[derive(Clone, Debug)]
pub struct Curve<'a> {
    /// In the legend.
    pub name: &'a str,
    /// Class that gives its colour.
    pub class: &'a str,
    /// Seconds between two points.
    pub step_s: f32,
    /// Seconds of the first point.
    pub first_s: f32,
    /// The points; `None` makes a gap.
    pub points: Vec<Option<f32>>,
}

/// Curves over time, with one scale from zero.
#[must_use]
pub fn curves(title: &str, unit: &str, seconds: f32, curves: &[Curve<'_>]) -> String {
    let most = curves
        .iter()
        .flat_map(|curve| curve.points.iter().copied().flatten())
        .fold(0.0, f32::max);
    let scale = Scale::new(seconds, most);
    let mut svg = scale.open(title, unit);
    for curve in curves {
        let mut path = String::new();
        let mut pen_down = false;
        for (index, point) in curve.points.iter().enumerate() {
            let Some(value) = point else {
                pen_down = false;
                continue;
            };
            let x = scale.x(curve.first_s + index as f32 * curve.step_s);
            // Writing to a string does not fail.
            let _ = write!(
                path,
                "{}{x:.1} {:.1}",
                if pen_down { 'L' } else { 'M' },
                scale.y(*value)
            );
            // A point without neighbours is seen too: a line of no length with round ends.
            if !pen_down {
                let _ = write!(path, "h0");
            }
            pen_down = true;
        }
        let _ = write!(svg, "<path class=\"curve {}\" d=\"{path}\"/>", curve.class);
    }
    svg.push_str("</svg>");
    svg + &legend(curves.iter().map(|curve| (curve.name, curve.class)))
}

/// Two rows of bars a second, in percent.
#[must_use]
pub fn shares(title: &str, seconds: f32, rows: &[(&str, &str, &[f32])]) -> String {
    let most = rows
        .iter()
        .flat_map(|(_, _, values)| values.iter().copied())
        .fold(0.0, f32::max);
    // At least 5 %, so that nothing does not look like much.
    let scale = Scale::new(seconds, (most * 100.0).max(5.0));
    let mut svg = scale.open(title, "%");
    let width = (scale.x(1.0) - scale.x(0.0)) / (rows.len() as f32 + 0.5);
    for (row, (_, class, values)) in rows.iter().enumerate() {
        for (second, value) in values.iter().enumerate().filter(|(_, value)| **value > 0.0) {
            let x = scale.x(second as f32) + (row as f32 + 0.25) * width;
            let y = scale.y(value * 100.0);
            let _ = write!(
                svg,
                "<rect class=\"bar {class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\"><title>{:.1} %</title></rect>",
                scale.y(0.0) - y,
                value * 100.0
            );
        }
    }
    svg.push_str("</svg>");
    svg + &legend(rows.iter().map(|(name, class, _)| (*name, *class)))
}

/// The waveform of a sound.
#[must_use]
pub fn waveform(title: &str, sound: &[f32]) -> String {
    let (width, half) = (COLUMNS as f32, 36.0);
    let mut path = String::new();
    for column in 0..COLUMNS {
        let range = column * sound.len() / COLUMNS..(column + 1) * sound.len() / COLUMNS;
        let piece = sound.get(range).unwrap_or_default();
        let least = piece.iter().copied().fold(0.0, f32::min).max(-1.0);
        let most = piece.iter().copied().fold(0.0, f32::max).min(1.0);
        let _ = write!(
            path,
            "M{column} {:.1}V{:.1}",
            half - most * half,
            half - least * half + 0.3
        );
    }
    format!(
        "<svg class=\"wave\" viewBox=\"0 0 {width} {}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{title}\"><path d=\"{path}\"/></svg>",
        2.0 * half
    )
}

struct Scale {
    seconds: f32,
    most: f32,
    step: f32,
}

impl Scale {
    fn new(seconds: f32, most: f32) -> Self {
        // Steps of 1, 2 or 5 times a power of ten, about four of them.
        let raw = (most.max(1.0) / 4.0).max(f32::MIN_POSITIVE);
        let power = 10.0_f32.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= raw)
            .unwrap_or(10.0 * power);
        let most = (most.max(1.0) / step).ceil() * step;
        Self {
            seconds: seconds.max(1.0),
            most,
            step,
        }
    }

    fn x(&self, seconds: f32) -> f32 {
        LEFT + (WIDTH - LEFT) * (seconds / self.seconds).clamp(0.0, 1.0)
    }

    fn y(&self, value: f32) -> f32 {
        let share = (value / self.most).clamp(0.0, 1.0);
        TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share)
    }

    fn open(&self, title: &str, unit: &str) -> String {
        let mut svg = format!(
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">"
        );
        let mut value = 0.0;
        while value <= self.most + self.step / 2.0 {
            let y = self.y(value);
            let _ = write!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{WIDTH}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value} {unit}</text>",
                LEFT - 5.0,
                y + 4.0
            );
            value += self.step;
        }
        let every = match self.seconds {
            ..=15.0 => 1,
            ..=60.0 => 5,
            _ => 30,
        };
        for second in (0..=self.seconds as usize).step_by(every) {
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{second} s</text>",
                self.x(second as f32).clamp(LEFT, WIDTH - 12.0),
                HEIGHT - 6.0
            );
        }
        svg
    }
}

fn legend<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut html = String::from("<p class=\"legend\">");
    for (name, class) in entries {
        let _ = write!(html, "<span><i class=\"{class}\"></i>{name}</span>");
    }
    html + "</p>"
}
