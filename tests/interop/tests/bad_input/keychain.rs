//! The password in a real Secret Service: a gnome-keyring on a session bus of its own.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sidetone_interop::WorkDir;

use crate::centre::Centre;
use crate::desk::Desk;

/// An unlocked keychain that nobody else sees; gone when dropped.
struct Keychain {
    bus: Child,
    daemon: Child,
    environment: Vec<(&'static str, OsString)>,
    /// Its home.
    _home: WorkDir,
}

impl Keychain {
    /// `None` when its programs are not installed.
    fn open() -> Option<Self> {
        let home = WorkDir::new("keychain").expect("a folder for the test");
        let mut bus =
            start(Command::new("dbus-daemon").args(["--session", "--nofork", "--print-address"]))?;
        let mut address = String::new();
        let said = bus.stdout.take().expect("its standard output");
        BufReader::new(said)
            .read_line(&mut address)
            .expect("the address of the bus");
        let folder = |name: &str| {
            let path = home.file(name);
            std::fs::create_dir_all(&path).expect("a folder");
            path.into_os_string()
        };
        let environment = vec![
            ("DBUS_SESSION_BUS_ADDRESS", OsString::from(address.trim())),
            ("HOME", home.path().as_os_str().to_owned()),
            ("XDG_DATA_HOME", folder("data")),
            ("XDG_RUNTIME_DIR", private(home.path())),
        ];
        let daemon = start(
            Command::new("gnome-keyring-daemon")
                .args(["--foreground", "--unlock", "--components=secrets"])
                .envs(environment.iter().map(|(name, value)| (name, value))),
        );
        let Some(mut daemon) = daemon else {
            end(&mut bus);
            return None;
        };
        let mut input = daemon.stdin.take().expect("its standard input");
        input
            .write_all(b"of the keychain")
            .expect("it reads its password");
        drop(input);
        // It says how to reach it once it can be reached.
        let mut line = String::new();
        let said = daemon.stdout.as_mut().expect("its standard output");
        BufReader::new(said)
            .read_line(&mut line)
            .expect("its first word");
        Some(Self {
            bus,
            daemon,
            environment,
            _home: home,
        })
    }

    /// A phone that finds this keychain.
    fn desk(&self, centre: &Centre, secret: Option<&str>, more: &[&str]) -> Desk {
        self.desk_with(centre, secret, more, &[])
    }

    /// The same, with some of the environment replaced.
    fn desk_with(
        &self,
        centre: &Centre,
        secret: Option<&str>,
        more: &[&str],
        replaced: &[(&str, &OsStr)],
    ) -> Desk {
        let arguments: [&[&str]; 3] = [
            &[
                "--server",
                centre.server(),
                "--user",
                "anna",
                "--audio",
                "null",
            ],
            &["--ca", centre.ca()],
            more,
        ];
        let environment: Vec<_> = self
            .environment
            .iter()
            .map(|(name, value)| (*name, value.as_os_str()))
            .chain(replaced.iter().copied())
            .collect();
        Desk::start_with(centre.folder(), secret, &arguments.concat(), &environment)
    }
}

impl Drop for Keychain {
    fn drop(&mut self) {
        end(&mut self.daemon);
        end(&mut self.bus);
    }
}

fn start(command: &mut Command) -> Option<Child> {
    let started = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(child) => Some(child),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("{:?}: {error}", command.get_program()),
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// A folder for sockets, which only its owner may enter.
fn private(home: &Path) -> OsString {
    use std::os::unix::fs::DirBuilderExt;
    let path = home.join("run");
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&path)
        .expect("a folder");
    path.into_os_string()
}

#[test]
fn a_password_is_kept_used_and_forgotten() {
    let Some(keychain) = Keychain::open() else {
        eprintln!("left out: dbus-daemon and gnome-keyring are not both installed");
        return;
    };
    let centre = Centre::open(&[]);
    let first = ["--password-fd", "0", "--save-password"];
    let mut desk = keychain.desk(&centre, Some(centre.password()), &first);
    desk.green();
    desk.quit();

    let mut desk = keychain.desk(&centre, None, &[]);
    desk.green();
    // The end of the process is not the end of the shift: the password stays.
    desk.quit();

    let elsewhere = [("DBUS_SESSION_BUS_ADDRESS", OsStr::new("unix:path=/nowhere"))];
    let words = keychain.desk_with(&centre, None, &[], &elsewhere).ends(1);
    assert!(words.contains("no keychain"), "{words}");

    keychain.desk(&centre, None, &["--forget-password"]).ends(0);
    let words = keychain.desk(&centre, None, &[]).ends(1);
    assert!(
        words.contains("keychain holds no password of anna@"),
        "{words}"
    );
}
