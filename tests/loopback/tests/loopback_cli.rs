//! The harness as a tester runs it: the program, its files, its exit codes. All calls are in virtual time.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sidetone_loopback::result::{Results, RunResult};

fn harness(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sidetone-loopback"))
        .args(arguments)
        .output()
        .expect("the harness starts")
}

/// Runs without ViSQOL, which a debug build is slow at.
fn results(arguments: &[&str]) -> Results {
    let output = harness(&[&["--json", "--no-visqol"], arguments].concat());
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn one<'a>(results: &'a Results, profile: &str) -> &'a RunResult {
    results
        .runs
        .iter()
        .find(|run| run.profile == profile)
        .expect("the run")
}

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("loopback")
        .join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("removed");
    }
    std::fs::create_dir_all(&folder).expect("made");
    folder
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn the_same_seed_gives_the_same_and_another_seed_something_else() {
    let run = |seed: &str| {
        let arguments = [
            "--json",
            "--no-visqol",
            "--seconds",
            "5",
            "--profile",
            "lte,loss-10,narrow",
        ];
        harness(&[&arguments[..], &["--seed", seed]].concat()).stdout
    };
    let first = run("42");
    assert!(first.len() > 1_000);
    assert!(first == run("42"), "the same seed gave something else");
    assert!(first != run("43"), "another seed gave the same");
}

#[test]
fn every_codec_and_keying_carries_speech_through_a_pristine_network_without_concealment() {
    let codecs = results(&["--seconds", "5", "--profile", "pristine", "--codec", "all"]);
    let keyings = results(&["--seconds", "5", "--profile", "pristine", "--keying", "all"]);
    assert_eq!((codecs.runs.len(), keyings.runs.len()), (5, 6));
    for run in codecs.runs.iter().chain(&keyings.runs) {
        let numbers = run.numbers;
        println!("{}: {numbers:?}", run.name);
        assert_eq!(numbers.concealed, Some(0.0), "{}", run.name);
        assert_eq!((numbers.lost, numbers.late), (Some(0.0), Some(0.0)));
        // 40 ms, and the fraction that changing the sample rate takes.
        assert!(numbers.buffer_ms.expect("known") <= 40.5, "{}", run.name);
        // Found by the sound: it was heard, and soon.
        let delay = numbers.delay_ms.expect("what was said is heard");
        assert!((20.0..120.0).contains(&delay), "{}: {delay} ms", run.name);
        assert_eq!(run.suite == "none", run.keying == "plain");
    }
    let suites: std::collections::BTreeSet<_> = keyings.runs.iter().map(|r| &r.suite).collect();
    // DTLS agrees on one of those that SDES offers too.
    assert!(suites.len() >= 5, "{suites:?}");
}

#[test]
fn a_narrow_way_is_flooded_no_longer_than_until_the_far_end_says_so() {
    let all = results(&["--seconds", "40", "--profile", "narrow"]);
    let series = &one(&all, "narrow").series;
    let first: f32 = series.lost[2..4].iter().sum::<f32>() / 2.0;
    assert!(first > 0.2, "the way is narrow: {:?}", series.lost);
    // Reports come every 2.5 to 7.5 seconds; after three of them nothing is lost any more but where more is tried.
    let later = &series.lost[20..40];
    let mean = later.iter().sum::<f32>() / later.len() as f32;
    assert!(mean < 0.03, "{:?}", series.lost);
    // And nothing waits on the way: 30 ms, a packet, and the buffer.
    let network: Vec<f32> = series.network_ms[20..40]
        .iter()
        .flatten()
        .copied()
        .collect();
    let waited = network.iter().filter(|ms| **ms > 200.0).count();
    assert!(waited <= 8, "{network:?}");
}

#[test]
fn what_the_network_does_is_seen_in_the_numbers() {
    let all = results(&[
        "--seconds",
        "12",
        "--profile",
        "pristine,loss-1,loss-20,stall,drift-fast,drift-slow,duplicate,reorder",
    ]);
    let [little, much] = ["loss-1", "loss-20"].map(|name| one(&all, name).numbers);
    assert!(
        much.lost > Some(0.1) && little.lost < Some(0.05),
        "{much:?}"
    );
    assert!(much.concealed > little.concealed, "{much:?}");
    assert!(much.mos < little.mos.map(|mos| mos - 0.5), "{much:?}");

    let stall = one(&all, "stall").numbers;
    assert!(
        stall.concealed > Some(0.0),
        "the stall was there: {stall:?}"
    );
    assert!(stall.recovery_ms <= Some(2_000.0), "{stall:?}");
    assert!(stall.recovery_ms.is_some());

    let pristine = one(&all, "pristine").numbers;
    for name in ["drift-fast", "drift-slow", "duplicate"] {
        let numbers = one(&all, name).numbers;
        assert_eq!(numbers.concealed, Some(0.0), "{name}");
        let (is, was) = (
            numbers.delay_ms.expect("heard"),
            pristine.delay_ms.expect("heard"),
        );
        assert!(is < was + 60.0, "{name}: {is} ms, {was} ms without");
    }
    assert_eq!(one(&all, "reorder").numbers.lost, Some(0.0));
}

#[test]
fn a_threshold_that_is_not_met_is_said_and_gives_exit_code_1() {
    let folder = folder("thresholds");
    let file = folder.join("site.toml");
    let check = |rules: &str| {
        std::fs::write(&file, rules).expect("written");
        let output = harness(&[
            "--no-visqol",
            "--seconds",
            "3",
            "--profile",
            "pristine",
            "--thresholds",
            path(&file),
        ]);
        let words = String::from_utf8(output.stderr).expect("UTF-8");
        (output.status.code(), words)
    };
    let met = check("[[rule]]\nprofile = \"pristine\"\nmax_concealed = 0.0\nmin_mos = 3.0\n");
    assert_eq!(met.0, Some(0), "{}", met.1);
    let missed = check("[[rule]]\nmin_mos = 4.6\n");
    assert_eq!(missed.0, Some(1), "{}", missed.1);
    assert!(
        missed.1.contains("pristine_opus_dtls: MOS is"),
        "{}",
        missed.1
    );
    let unknown = check("[[rule]]\nmin_visqol = 1.0\n");
    assert_eq!(unknown.0, Some(1), "{}", unknown.1);
    let other = check("[[rule]]\nprofile = \"lte\"\nmin_mos = 1.0\n");
    assert_eq!(other.0, Some(1), "{}", other.1);
    assert!(other.1.contains("no rule for any"), "{}", other.1);
}

#[test]
fn mistakes_are_said_in_words_before_anything_runs() {
    let folder = folder("mistakes");
    let file = folder.join("bad.toml");
    std::fs::write(&file, "[[rule]]\nprofile = \"moon\"\nmin_mos = 1\n").expect("written");
    let here = path(&file).to_owned();
    let gone = path(&folder.join("gone.toml")).to_owned();
    for (arguments, part) in [
        (vec!["--profile", "moon"], "moon"),
        (vec!["--codec", "g729"], "g729"),
        (vec!["--seconds", "0"], "--seconds"),
        (
            vec!["--thresholds", &here],
            "rule 1: there is no profile \"moon\"",
        ),
        (vec!["--thresholds", &gone], "gone.toml"),
        (vec!["--compare", &here, &here], "no file of results"),
        (vec!["--compare", &here], "--compare"),
    ] {
        let output = harness(&arguments);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {words}");
        assert!(words.contains(part), "{arguments:?}: {words}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_report_needs_nothing_else_and_has_every_run_with_its_score() {
    let folder = folder("report");
    let output = harness(&[
        "--seconds",
        "5",
        "--voice",
        "it-male",
        "--profile",
        "pristine,loss-20",
        "--report",
        path(&folder),
    ]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}");
    let html = std::fs::read_to_string(folder.join("report.html")).expect("a report");
    let text = std::fs::read_to_string(folder.join("results.json")).expect("results");
    let results: Results = serde_json::from_str(&text).expect("JSON");
    for run in &results.runs {
        let section = format!("<section id=\"{}\">", run.name);
        assert!(html.contains(&section), "{section}");
        let (link, wav) = (
            format!("href=\"{}.wav\"", run.name),
            format!("{}.wav", run.name),
        );
        assert!(html.contains(&link), "{link}");
        let heard = hound::WavReader::open(folder.join(wav)).expect("a WAV file");
        assert_eq!(heard.duration() / heard.spec().sample_rate, 6);
    }
    assert!(folder.join("said.wav").is_file());
    for outside in ["http:", "https:", "<script", "<link", "@import", "url("] {
        assert!(!html.contains(outside), "{outside} in the report");
    }
    // ViSQOL hears the difference too.
    let [good, bad] = ["pristine", "loss-20"].map(|name| one(&results, name).numbers.visqol);
    println!("ViSQOL: {good:?} against {bad:?}");
    assert!(good > Some(3.5) && bad < good.map(|good| good - 0.1));
    let table = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        table.contains("loss-20_opus_dtls") && table.contains("Seed 1."),
        "{table}"
    );

    let file = path(&folder.join("results.json")).to_owned();
    let same = harness(&["--compare", &file, &file]);
    assert_eq!(
        String::from_utf8_lossy(&same.stdout),
        "No number changed.\n"
    );
    let mut worse = results.clone();
    worse.runs[0].numbers.mos = Some(1.5);
    worse.runs.remove(1);
    let changed = folder.join("worse.json");
    std::fs::write(&changed, serde_json::to_string(&worse).expect("JSON")).expect("written");
    let said = harness(&["--compare", &file, path(&changed)]).stdout;
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("loss-20_opus_dtls is gone"), "{said}");
    assert!(said.contains("1.50  worse"), "{said}");
}
