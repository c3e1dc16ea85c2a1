//! A private desk: display, window manager, session bus, notification server and sound server.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Process, ProcessError};

/// A private desk; everything on it ends when it is dropped.
#[derive(Debug)]
pub struct Desk {
    display: String,
    bus: String,
    folder: tempfile::TempDir,
    _processes: Vec<Process>,
}

/// The null sink that the bar plays to.
pub const EAR: &str = "ear";
/// The null sink whose monitor is the bar's microphone.
pub const MOUTH: &str = "mouth";

impl Desk {
    /// Sets up a desk with a screen of 1280 x 800 pixels.
    ///
    /// # Errors
    /// [`ProcessError`] names what is missing or did not start.
    pub fn set_up() -> Result<Self, ProcessError> {
        let start = |fault| ProcessError::Start("the desk's folder".to_owned(), fault);
        let folder = tempfile::tempdir().map_err(start)?;
        let (home, run) = (folder.path().join("home"), folder.path().join("run"));
        for path in [&home, &run] {
            std::fs::create_dir_all(path).map_err(start)?;
        }
        std::fs::write(home.join(".asoundrc"), ASOUNDRC).map_err(start)?;
        std::fs::write(folder.path().join("pulse.pa"), pulse_script(&run)).map_err(start)?;
        private(&run).map_err(start)?;

        let mut processes = Vec::new();
        let (xvfb, number, _) = Process::start_and_read_line(
            "Xvfb",
            Command::new("Xvfb").args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1280x800x24",
                "-nolisten",
                "tcp",
            ]),
        )?;
        processes.push(xvfb);
        let (bus_process, bus, _) = Process::start_and_read_line(
            "dbus-daemon",
            Command::new("dbus-daemon").args(["--session", "--nofork", "--print-address"]),
        )?;
        processes.push(bus_process);
        let mut desk = Self {
            display: format!(":{number}"),
            bus,
            folder,
            _processes: Vec::new(),
        };
        processes.push(Process::start("openbox", &mut desk.command("openbox"))?);
        if Path::new(NOTIFYD).exists() {
            processes.push(Process::start("xfce4-notifyd", &mut desk.command(NOTIFYD))?);
        }
        processes.push(Process::start(
            "pulseaudio",
            desk.command("pulseaudio")
                .args([
                    "-n",
                    "--daemonize=no",
                    "--exit-idle-time=-1",
                    "--use-pid-file=no",
                    "-F",
                ])
                .arg(desk.folder.path().join("pulse.pa")),
        )?);
        desk._processes = processes;
        desk.wait_for_sound()?;
        Ok(desk)
    }

    /// A command that runs on this desk.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let home = self.folder.path().join("home");
        command
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("XDG_RUNTIME_DIR", self.folder.path().join("run"))
            .env(
                "PULSE_SERVER",
                format!("unix:{}", self.pulse_socket().display()),
            )
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("HOME", &home)
            .env("LANG", "C.UTF-8")
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env_remove("WAYLAND_DISPLAY");
        command
    }

    /// A folder that lives as long as the desk.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Takes a picture of the whole screen.
    ///
    /// # Errors
    /// [`ProcessError`] when ImageMagick is not there.
    pub fn photograph(&self, file: &Path) -> Result<(), ProcessError> {
        let failed = |fault| ProcessError::Start("import (ImageMagick)".to_owned(), fault);
        let status = self
            .command("import")
            .args(["-window", "root"])
            .arg(file)
            .status()
            .map_err(failed)?;
        if status.success() {
            Ok(())
        } else {
            Err(ProcessError::NotReady("import".to_owned()))
        }
    }

    fn pulse_socket(&self) -> PathBuf {
        self.folder.path().join("run").join("pulse.socket")
    }

    /// Waits until the sound server answers; it opens its socket some time after its start.
    fn wait_for_sound(&self) -> Result<(), ProcessError> {
        for _ in 0..200 {
            let asked = self.command("pactl").arg("info").output();
            if asked.is_ok_and(|asked| asked.status.success()) {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Err(ProcessError::NotReady("pulseaudio".to_owned()))
    }
}

const NOTIFYD: &str = "/usr/lib/x86_64-linux-gnu/xfce4/notifyd/xfce4-notifyd";

/// cpal speaks ALSA; this sends ALSA's default device to the private sound server.
const ASOUNDRC: &str = "pcm.!default { type pulse }\nctl.!default { type pulse }\n";

fn pulse_script(run: &Path) -> String {
    let socket = run.join("pulse.socket");
    format!(
        "load-module module-native-protocol-unix auth-anonymous=1 socket={}\n\
         load-module module-null-sink sink_name={EAR} rate=48000 channels=2\n\
         load-module module-null-sink sink_name={MOUTH} rate=48000 channels=1\n\
         set-default-sink {EAR}\n\
         set-default-source {MOUTH}.monitor\n",
        socket.display()
    )
}

#[cfg(unix)]
fn private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn private(_: &Path) -> std::io::Result<()> {
    Ok(())
}
