//! Results for a terminal.

use std::fmt::Write as _;

use crate::result::{METRICS, Results};

/// The numbers of the table, in its order.
const COLUMNS: [&str; 12] = [
    "mos",
    "visqol",
    "delay_ms",
    "delay_min_ms",
    "delay_max_ms",
    "device_ms",
    "buffer_ms",
    "buffer_max_ms",
    "target_ms",
    "concealed",
    "lost",
    "late",
];

/// Those of them that the clock on the wall makes worth a look.
const LIVE_COLUMNS: [&str; 3] = ["delay_min_ms", "delay_max_ms", "device_ms"];

/// One line a run.
#[must_use]
pub fn table(results: &Results) -> String {
    let metrics: Vec<_> = COLUMNS
        .iter()
        .filter_map(|key| METRICS.iter().find(|metric| metric.key == *key))
        .filter(|metric| results.live.is_some() || !LIVE_COLUMNS.contains(&metric.key))
        .collect();
    let mut rows = vec![
        std::iter::once("run".to_owned())
            .chain(metrics.iter().map(|metric| metric.title.to_owned()))
            .collect::<Vec<_>>(),
    ];
    for run in &results.runs {
        let mut row = vec![run.name.clone()];
        match &run.failed {
            Some(fault) => row.push(format!("failed: {fault}")),
            None => row.extend(
                metrics
                    .iter()
                    .map(|metric| metric.unit.show((metric.read)(&run.numbers))),
            ),
        }
        rows.push(row);
    }
    aligned(&rows)
}

/// Columns under each other, the first to the left, the others to the right.
#[must_use]
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            // What is no number of its own column, a failure, must not widen it.
            .filter(|row| row.len() == columns || column == 0)
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let gap = widths[column].saturating_sub(cell.chars().count());
            // Writing to a string does not fail.
            let _ = match column {
                0 => write!(line, "{cell}{}", " ".repeat(gap)),
                _ => write!(line, "  {}{cell}", " ".repeat(gap)),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
