//! What changed between two results.

use crate::result::{METRICS, Results, RunResult};
use crate::table::aligned;

/// Says what changed from `before` to `after`, in words and a table.
#[must_use]
pub fn compare(before: &Results, after: &Results) -> String {
    let mut text = String::new();
    for (what, old, new) in [
        ("seed", before.seed.to_string(), after.seed.to_string()),
        (
            "length",
            format!("{} s", before.seconds),
            format!("{} s", after.seconds),
        ),
        (
            "speakers",
            before.voices.join(", "),
            after.voices.join(", "),
        ),
    ] {
        if old != new {
            text.push_str(&format!(
                "Mind: the {what} was {old} and is {new}; chance alone changes numbers.\n"
            ));
        }
    }
    for (run, what) in missing(before, after, "is gone")
        .into_iter()
        .chain(missing(after, before, "is new"))
    {
        text.push_str(&format!("{run} {what}\n"));
    }
    let mut rows = vec![
        ["run", "number", "before", "after", ""]
            .map(str::to_owned)
            .to_vec(),
    ];
    for old in &before.runs {
        if let Some(new) = after.runs.iter().find(|run| run.name == old.name) {
            rows.extend(changes(old, new));
        }
    }
    if rows.len() > 1 {
        text.push_str(&aligned(&rows));
    } else {
        text.push_str("No number changed.\n");
    }
    text
}

fn missing(from: &Results, to: &Results, what: &'static str) -> Vec<(String, &'static str)> {
    from.runs
        .iter()
        .filter(|run| to.runs.iter().all(|other| other.name != run.name))
        .map(|run| (run.name.clone(), what))
        .collect()
}

fn changes(old: &RunResult, new: &RunResult) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    if old.failed != new.failed {
        let say = |run: &RunResult| run.failed.clone().unwrap_or_else(|| "went well".to_owned());
        rows.push(vec![
            old.name.clone(),
            "call".to_owned(),
            say(old),
            say(new),
            if new.failed.is_some() {
                "worse"
            } else {
                "better"
            }
            .to_owned(),
        ]);
    }
    for metric in METRICS {
        let (was, is) = ((metric.read)(&old.numbers), (metric.read)(&new.numbers));
        let verdict = match (was, is) {
            (Some(was), Some(is)) if (is - was).abs() < metric.grain => continue,
            (Some(was), Some(is)) if (is > was) == metric.more_is_better => "better",
            (Some(_), Some(_)) => "worse",
            (None, None) => continue,
            _ => "",
        };
        rows.push(vec![
            old.name.clone(),
            metric.title.to_owned(),
            metric.unit.show(was),
            metric.unit.show(is),
            verdict.to_owned(),
        ]);
    }
    rows
}
