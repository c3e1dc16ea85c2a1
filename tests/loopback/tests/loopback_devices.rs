//! The harness through sound devices: a PulseAudio of the test's own with null sinks, reached through ALSA.
//!
//! Left out, with the reason printed, where PulseAudio is not installed.
#![cfg(target_os = "linux")]

#[path = "../../../src-tauri/crates/media/tests/pulse/mod.rs"]
mod pulse;

use std::process::{Command, Output};

use pulse::{RATE, Server, control, private};
use sidetone_loopback::result::Results;

/// What is played into the mouth is heard by the microphone, and what the speaker plays by the ear.
const ASOUND: &str = "\
</usr/share/alsa/alsa.conf>
pcm.mouth { type pulse device mouth hint { show on description \"Mouth\" } }
pcm.microphone { type pulse device mouth.monitor hint { show on description \"Microphone\" } }
pcm.speaker { type pulse device ear hint { show on description \"Speaker\" } }
pcm.ear { type pulse device ear.monitor hint { show on description \"Ear\" } }
pcm.!default { type pulse device ear hint { show on description \"Default\" } }
";

fn harness(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidetone-loopback"));
    private(&mut command, &server.folder);
    command
        // Would overrule the buffers that the phone asks for.
        .env_remove("PULSE_LATENCY_MSEC")
        .args(arguments)
        .output()
        .expect("the harness starts")
}

#[test]
fn the_delay_from_mouth_to_ear_is_measured_and_a_missing_device_is_named() {
    let server = match Server::start("loopback", ASOUND, &["mouth", "ear"]) {
        Ok(server) => server,
        Err(reason) => {
            println!("left out: {reason}");
            return;
        }
    };
    assert!(control(&server.folder, &["info"]), "a server at {RATE} Hz");
    let devices = [
        "--realtime",
        "--devices",
        "--play-into",
        "Mouth",
        "--microphone",
        "alsa:microphone",
        "--record-from",
        "Ear",
    ];
    let missing = harness(&server, &[&devices[..], &["--speaker", "Moon"]].concat());
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
        let output = harness(&server, &[&devices[..], &run].concat());
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
