//! `sidetone-loopback --against` a real Asterisk 22, as IT would run it at a site.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use sidetone_interop::asterisk::{Asterisk, isolated};
use sidetone_interop::namespace::ADDRESS;
use sidetone_interop::program::beside;
use sidetone_interop::{WorkDir, speech};

/// Where the harness is told to find the password.
const VARIABLE: &str = "ECHO_PASSWORD";

fn harness(url: &str, password: &str, ca: Option<&Path>, arguments: &[&str]) -> Output {
    let mut command = Command::new(beside("sidetone-loopback"));
    command
        .args([
            "--against",
            url,
            "--user",
            "201",
            "--password-env",
            VARIABLE,
        ])
        .args(["--seconds", "6", "--voice", "it-male"])
        .args(arguments)
        .env(VARIABLE, password);
    if let Some(ca) = ca {
        command.arg("--ca").arg(ca);
    }
    command.output().expect("the harness starts")
}

/// One sentence on standard error, and exit code 2.
fn refuses(what: &str, output: &Output, part: &str) {
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{what}: {words}");
    let fault = words.lines().last().unwrap_or_default();
    assert!(fault.starts_with("sidetone-loopback: "), "{what}: {words}");
    assert!(fault.contains(part), "{what}: {words}");
    assert!(output.stdout.is_empty(), "{what}");
}

#[test]
#[ignore = "needs root and Debian: cargo xtask test --only interop"]
fn the_harness_scores_a_real_servers_echo() {
    isolated("the_harness_scores_a_real_servers_echo", || {
        let folder = WorkDir::new("against").expect("a folder for the run");
        let said = speech::customer().expect("the customer's speech");
        let asterisk =
            Asterisk::start(folder.path(), &said).unwrap_or_else(|error| panic!("{error}"));
        let (url, ca) = (asterisk.wss_url(), asterisk.ca());
        let secret = asterisk.secret("201");
        let thresholds = folder.file("site.toml");
        // One loop of Opus scores about 4; a loaded machine must not fail the test.
        let rules = "[[rule]]\nprofile = \"server\"\nmin_visqol = 2.0\nmin_mos = 2.0\n";
        std::fs::write(&thresholds, rules).expect("the folder can be written");
        let report = folder.file("report");
        let good = harness(
            &url,
            secret,
            Some(&ca),
            &[
                "--number",
                "600",
                "--json",
                "--thresholds",
                thresholds.to_str().expect("UTF-8"),
                "--report",
                report.to_str().expect("UTF-8"),
            ],
        );
        let words = String::from_utf8_lossy(&good.stderr);
        assert_eq!(good.status.code(), Some(0), "{words}");
        let results: Value = serde_json::from_slice(&good.stdout).expect("JSON");
        let numbers = &results["runs"][0]["numbers"];
        println!("{numbers}");
        assert!(
            results["live"]
                .as_str()
                .is_some_and(|live| live.contains("both ways at once")),
            "{results}"
        );
        let delay = numbers["delay_ms"].as_f64().expect("it came back");
        assert!((20.0..900.0).contains(&delay), "{delay} ms");
        assert_ne!(results["runs"][0]["suite"], "none", "it was encrypted");
        let html = std::fs::read_to_string(report.join("report.html")).expect("a report");
        assert!(html.contains("server_opus_dtls") && !html.contains(secret));
        assert!(!words.contains(secret) && !results.to_string().contains(secret));

        let number = harness(&url, secret, Some(&ca), &["--number", "999"]);
        refuses("an unknown number", &number, "does not connect 999: 404");
        let password = harness(&url, "wrong", Some(&ca), &["--number", "600"]);
        refuses("a wrong password", &password, "does not take user 201");
        let stranger = harness(&url, secret, None, &["--number", "600"]);
        refuses("an unknown authority", &stranger, "is not trusted");
        let nowhere = format!("wss://{ADDRESS}:1/ws");
        let nobody = harness(&nowhere, secret, Some(&ca), &["--number", "600"]);
        refuses("a closed port", &nobody, "cannot be reached");
        let plain = harness("ws://198.51.100.1/ws", secret, None, &["--number", "600"]);
        refuses("no TLS", &plain, "this is not wss://");
    });
}
