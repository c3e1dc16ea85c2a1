//! The harness through sound devices: a PulseAudio of the test's own with null sinks, reached through ALSA.
//!
//! Left out, with the reason printed, where PulseAudio is not installed.
#![cfg(target_os = "linux")]

mod null_devices;

use null_devices::{DEVICES, NullDevices};
use sidetone_loopback::result::Results;

#[test]
fn the_delay_from_mouth_to_ear_is_measured_and_a_missing_device_is_named() {
    let devices = match NullDevices::start("loopback") {
        Ok(devices) => devices,
        Err(reason) => {
            println!("left out: {reason}");
            return;
        }
    };
    let missing = devices.harness(&[&DEVICES[..], &["--speaker", "Moon"]].concat());
    let words = String::from_utf8_lossy(&missing.stderr);
    assert_eq!(missing.status.code(), Some(2), "{words}");
    assert!(
        words.contains("--speaker: there is no output Moon; there are: "),
        "{words}"
    );
    assert!(words.contains("Speaker (alsa:speaker)"), "{words}");

    let run = [
        "--speaker",
        "Speaker",
        "--seconds",
        "6",
        "--voice",
        "it-male",
        "--no-visqol",
        "--profile",
        "pristine",
        "--json",
    ];
    // A machine under load may starve the devices until nothing can be told; one call of these must be well.
    let measured = (0..4).any(|_| {
        let output = devices.harness(&[&DEVICES[..], &run].concat());
        let words = String::from_utf8_lossy(&output.stderr);
        println!("exit code {:?}: {words}", output.status.code());
        output.status.success() && is_measured(&output.stdout)
    });
    assert!(measured, "no call gave its delay; what it said is above");
}

fn is_measured(json: &[u8]) -> bool {
    let results: Results = serde_json::from_slice(json).expect("JSON");
    let numbers = results.runs[0].numbers;
    println!("{numbers:?}");
    assert!(
        results
            .live
            .is_some_and(|live| live.contains("microphone Microphone")),
        "says what was measured"
    );
    assert!(numbers.device_ms > Some(0.0), "{numbers:?}");
    // Ten of them are the network's.
    assert!(numbers.network_ms >= Some(10.0), "{numbers:?}");
    numbers
        .delay_ms
        .is_some_and(|delay| (30.0..500.0).contains(&delay))
}
