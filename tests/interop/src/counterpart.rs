//! What every counterpart needs: a secret, and the end of its log for whoever reads why it failed.

use std::path::Path;

pub(crate) fn secret() -> String {
    format!("{:016x}", rand::random::<u64>())
}

pub(crate) fn tail(file: &Path, lines: usize) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
