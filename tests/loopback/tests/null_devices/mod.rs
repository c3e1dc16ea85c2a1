//! A PulseAudio of one's own with null sinks, reached through ALSA, and the harness run upon it.

#[path = "../../../../src-tauri/crates/media/tests/pulse/mod.rs"]
mod pulse;

use std::process::{Command, Output};

use pulse::{RATE, Server, control, private};

/// What is played into the mouth is heard by the microphone, and what the speaker plays by the ear.
const ASOUND: &str = "\
</usr/share/alsa/alsa.conf>
pcm.mouth { type pulse device mouth hint { show on description \"Mouth\" } }
pcm.microphone { type pulse device mouth.monitor hint { show on description \"Microphone\" } }
pcm.speaker { type pulse device ear hint { show on description \"Speaker\" } }
pcm.ear { type pulse device ear.monitor hint { show on description \"Ear\" } }
pcm.!default { type pulse device ear hint { show on description \"Default\" } }
";

/// All that the harness has to be told of them but for the speaker, which is "Speaker".
pub(crate) const DEVICES: [&str; 8] = [
    "--realtime",
    "--devices",
    "--play-into",
    "Mouth",
    "--microphone",
    "alsa:microphone",
    "--record-from",
    "Ear",
];

/// The devices; gone with the value.
pub(crate) struct NullDevices(Server);

impl NullDevices {
    /// Starts them; a sentence when they cannot be had here.
    pub(crate) fn start(scenario: &str) -> Result<Self, String> {
        let server = Server::start(scenario, ASOUND, &["mouth", "ear"])?;
        match control(&server.folder, &["info"]) {
            true => Ok(Self(server)),
            false => Err(format!("no sound server at {RATE} Hz")),
        }
    }

    /// Runs the harness to its end.
    pub(crate) fn harness(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidetone-loopback"));
        private(&mut command, &self.0.folder);
        command
            // Would overrule the buffers that the phone asks for.
            .env_remove("PULSE_LATENCY_MSEC")
            .args(arguments)
            .output()
            .expect("the harness starts")
    }
}
