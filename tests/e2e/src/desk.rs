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
        for path in ["config", DOWNLOADS] {
            std::fs::create_dir_all(home.join(path)).map_err(start)?;
        }
        std::fs::write(home.join("config/user-dirs.dirs"), USER_DIRS).map_err(start)?;
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
        for (name, program) in [("xfce4-notifyd", NOTIFYD), ("tray host", TRAY_HOST)] {
            if Path::new(program).exists() {
                processes.push(Process::start(name, &mut desk.command(program))?);
            }
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

    /// Where the person at this desk finds what was downloaded.
    #[must_use]
    pub fn downloads(&self) -> PathBuf {
        self.folder.path().join("home").join(DOWNLOADS)
    }

    /// Takes a picture of what is on the screen, without the empty ground around it.
    ///
    /// # Errors
    /// [`ProcessError`] when ImageMagick is not there.
    pub fn photograph(&self, file: &Path) -> Result<(), ProcessError> {
        // The page has changed when a test looks for it, but its frame may not be on the screen yet. A picture is
        // for people to look at: nothing is asserted on it.
        std::thread::sleep(std::time::Duration::from_millis(400));
        let failed = |fault| ProcessError::Start("import (ImageMagick)".to_owned(), fault);
        // Trimmed in a second step: `import` itself would write a file a step.
        for arguments in [
            ["import", "-window", "root"],
            ["mogrify", "-trim", "+repage"],
        ] {
            let status = self
                .command(arguments[0])
                .args(&arguments[1..])
                .arg(file)
                .status()
                .map_err(failed)?;
            if !status.success() {
                return Err(ProcessError::NotReady(arguments[0].to_owned()));
            }
        }
        Ok(())
    }

    /// Records what the bar plays into a WAV file (48 kHz, mono) until the value is dropped.
    ///
    /// # Errors
    /// [`ProcessError`] when `parec` is not there.
    pub fn listen(&self, file: &Path) -> Result<Process, ProcessError> {
        Process::start(
            "parec",
            self.command("parec")
                .args([
                    "--rate=48000",
                    "--channels=1",
                    "--format=s16le",
                    "--file-format=wav",
                    "--latency-msec=20",
                ])
                .arg(format!("--device={EAR}.monitor"))
                .arg(file),
        )
    }

    /// Speaks a WAV file into the bar's microphone.
    ///
    /// # Errors
    /// [`ProcessError`] when `paplay` is not there.
    pub fn speak(&self, file: &Path) -> Result<Process, ProcessError> {
        Process::start(
            "paplay",
            self.command("paplay")
                .arg(format!("--device={MOUTH}"))
                .arg(file),
        )
    }

    /// Waits until a window of this size, in pixels, is on the screen (or is not).
    ///
    /// # Errors
    /// [`ProcessError::NotReady`] when it stays as it was.
    pub fn wait_for_window(&self, size: (u32, u32), shown: bool) -> Result<(), ProcessError> {
        let what = format!(
            "the {} of the window of {size:?} pixels",
            ["end", "sight"][usize::from(shown)]
        );
        self.wait_until(
            || {
                self.window_sizes()
                    .is_ok_and(|all| all.contains(&size) == shown)
            },
            &what,
        )
    }

    /// Waits until something is so.
    ///
    /// # Errors
    /// [`ProcessError::NotReady`] when it is not within half a minute.
    pub fn wait_until(&self, so: impl Fn() -> bool, what: &str) -> Result<(), ProcessError> {
        for _ in 0..600 {
            if so() {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Err(ProcessError::NotReady(format!("{what} never came;")))
    }

    /// How many web pages (WebKit processes) this process has open.
    #[must_use]
    pub fn pages(&self, process: u32) -> usize {
        let children = format!("/proc/{process}/task/{process}/children");
        let ids = std::fs::read_to_string(children).unwrap_or_default();
        ids.split_whitespace()
            .filter_map(|id| std::fs::read_to_string(format!("/proc/{id}/comm")).ok())
            .filter(|name| name.starts_with("WebKitWebProces"))
            .count()
    }

    /// Where pictures go: into the project when `SIDETONE_E2E_KEEP` is set, else where they vanish.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn pictures(&self) -> std::io::Result<PathBuf> {
        let pictures = if std::env::var_os("SIDETONE_E2E_KEEP").is_some() {
            sidetone_interop::workspace_root().join("tests/e2e/screenshots")
        } else {
            self.folder.path().join("screenshots")
        };
        std::fs::create_dir_all(&pictures)?;
        Ok(pictures)
    }

    /// Presses a key chord, such as `alt+F4`, in the window that has the focus.
    ///
    /// # Errors
    /// [`ProcessError`] when xdotool is not there.
    pub fn press_keys(&self, chord: &str) -> Result<(), ProcessError> {
        let failed = |fault| ProcessError::Start("xdotool".to_owned(), fault);
        let status = self
            .command("xdotool")
            .args(["key", chord])
            .status()
            .map_err(failed)?;
        if status.success() {
            Ok(())
        } else {
            Err(ProcessError::NotReady("xdotool".to_owned()))
        }
    }

    /// Gives the focus to the visible window of this height in pixels.
    ///
    /// # Errors
    /// [`ProcessError`] when there is none.
    pub fn focus_window(&self, height: u32) -> Result<(), ProcessError> {
        let failed = |fault| ProcessError::Start("xdotool".to_owned(), fault);
        let shell = format!(
            "for w in $(xdotool search --onlyvisible --name '.' 2>/dev/null); do \
             xdotool getwindowgeometry --shell $w | grep -qx HEIGHT={height} && \
             exec xdotool windowfocus --sync $w; done; exit 1"
        );
        let status = self
            .command("sh")
            .args(["-c", &shell])
            .status()
            .map_err(failed)?;
        if status.success() {
            Ok(())
        } else {
            Err(ProcessError::NotReady("the window".to_owned()))
        }
    }

    fn window_sizes(&self) -> Result<Vec<(u32, u32)>, ProcessError> {
        let failed = |fault| ProcessError::Start("xdotool".to_owned(), fault);
        let shell = "for w in $(xdotool search --onlyvisible --name '.' 2>/dev/null); do \
                     xdotool getwindowgeometry --shell $w 2>/dev/null; done";
        let output = self
            .command("sh")
            .args(["-c", shell])
            .output()
            .map_err(failed)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let numbers = |key: &str| -> Vec<u32> {
            text.lines()
                .filter_map(|line| line.strip_prefix(key))
                .filter_map(|number| number.trim().parse().ok())
                .collect()
        };
        Ok(numbers("WIDTH=")
            .into_iter()
            .zip(numbers("HEIGHT="))
            .collect())
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

/// Owns the name on the session bus that tray icons look for.
const TRAY_HOST: &str =
    "/usr/libexec/ayatana-indicator-application/ayatana-indicator-application-service";

/// As a German system calls it: no program may guess the name.
const DOWNLOADS: &str = "Heruntergeladenes";
const USER_DIRS: &str = "XDG_DOWNLOAD_DIR=\"$HOME/Heruntergeladenes\"\n";

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
