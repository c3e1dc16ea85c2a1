//! `sidetone-headless`: its commands on standard input and its options. A program has no library, so its files are
//! taken by their path.
#![no_main]
#![allow(dead_code, reason = "only what reads is used")]

use clap::Parser as _;

#[path = "../../../src-tauri/crates/headless/src/command.rs"]
mod command;
#[path = "../../../src-tauri/crates/headless/src/options.rs"]
mod options;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for line in text.lines() {
        let _ = command::parse(line);
    }
    let words = std::iter::once("sidetone-headless").chain(text.split_whitespace());
    let _ = options::Options::try_parse_from(words).map(|options| format!("{options:?}"));
});
