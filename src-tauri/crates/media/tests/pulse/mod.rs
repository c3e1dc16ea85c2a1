//! A PulseAudio of a test's own, reached through ALSA. The loopback harness's tests use it too.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Sample rate of its sinks, Hz.
pub(crate) const RATE: u32 = 48_000;

/// A sound server that ends with the test.
pub(crate) struct Server {
    process: Child,
    /// Where it and what talks to it keep their files.
    pub(crate) folder: PathBuf,
}

impl Server {
    /// Starts it with these null sinks, and what ALSA is to make of them; a sentence when it cannot be had here.
    pub(crate) fn start(scenario: &str, asound: &str, sinks: &[&str]) -> Result<Self, String> {
        for program in ["pulseaudio", "pactl", "parec", "pacat"] {
            let found = Command::new(program)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if found.is_err() {
                return Err(format!("{program} is not installed"));
            }
        }
        let folder =
            std::env::temp_dir().join(format!("sidetone-sound-{scenario}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
        std::fs::write(folder.join("asound.conf"), asound).map_err(|e| e.to_string())?;
        let mut command = Command::new("pulseaudio");
        command.args([
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--disable-shm=yes",
            "-n",
        ]);
        command.args([
            "-L",
            &format!(
                "module-native-protocol-unix socket={}",
                socket(&folder).display()
            ),
        ]);
        for sink in sinks {
            command.args(["-L", &null_sink(sink)]);
        }
        private(&mut command, &folder);
        let process = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| e.to_string())?;
        let server = Self { process, folder };
        let start = Instant::now();
        while !server.control(&["info"]) {
            if start.elapsed() > Duration::from_secs(20) {
                return Err("the sound server does not answer".to_owned());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    fn control(&self, words: &[&str]) -> bool {
        control(&self.folder, words)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn null_sink(name: &str) -> String {
    format!("module-null-sink sink_name={name} rate={RATE} channels=2")
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("native")
}

/// Points a program at this server and nothing else.
pub(crate) fn private(command: &mut Command, folder: &Path) {
    command
        .env("HOME", folder)
        .env("XDG_RUNTIME_DIR", folder)
        .env("PULSE_RUNTIME_PATH", folder)
        .env("PULSE_SERVER", format!("unix:{}", socket(folder).display()))
        // A null sink hands its monitor two seconds at once unless it is asked for less.
        .env("PULSE_LATENCY_MSEC", "40")
        .env("ALSA_CONFIG_PATH", folder.join("asound.conf"))
        .env_remove("DISPLAY")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
}

/// Tells the server something; `false` when it refuses.
pub(crate) fn control(folder: &Path, words: &[&str]) -> bool {
    let mut command = Command::new("pactl");
    private(&mut command, folder);
    command
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
