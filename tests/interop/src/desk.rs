//! A phone, driven and listened to.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::phone::PATIENCE;
use crate::program::{Program, beside};
use serde_json::Value;

/// Sound that is quieter than this is silence.
const SILENCE_DBOV: f64 = -50.0;
/// Of the 50 packets of a second: half of them must have come.
const PACKETS_A_SECOND: u64 = 25;

/// A running `sidetone-headless`.
pub struct Desk(Program);

impl Desk {
    /// Starts it with these arguments, and gives it the secret on its standard input.
    pub fn start(folder: &Path, secret: &str, arguments: &[&str]) -> Self {
        Self::start_with(folder, Some(secret), arguments, &[])
    }

    /// The same with variables of the environment.
    pub fn start_with(
        folder: &Path,
        secret: Option<&str>,
        arguments: &[&str],
        environment: &[(&str, &OsStr)],
    ) -> Self {
        let mut command = Command::new(beside("sidetone-headless"));
        command.arg("--json").args(arguments);
        command.envs(environment.iter().copied());
        Self::start_command(folder, secret, &mut command)
    }

    /// The same by a command of one's own.
    ///
    /// # Panics
    /// When it does not start, or does not read its password.
    pub fn start_command(folder: &Path, secret: Option<&str>, command: &mut Command) -> Self {
        let mut program =
            Program::start(command, &log_in(folder)).unwrap_or_else(|error| panic!("{error}"));
        if let Some(secret) = secret {
            program.tell(secret).expect("it reads its password");
        }
        Self(program)
    }

    /// Gives a command.
    pub fn tell(&mut self, line: &str) {
        self.0.tell(line).expect("it reads commands");
    }

    /// The next line that is wanted.
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.0
            .wait_for(what, PATIENCE, wanted)
            .unwrap_or_else(|said| panic!("{said}"))
    }

    /// Waits for the green light.
    pub fn green(&mut self) {
        self.wait("the green light", is_green);
    }

    /// Whether a line that is wanted has been said so far.
    pub fn has_said(&self, wanted: impl Fn(&Value) -> bool) -> bool {
        self.said().iter().any(wanted)
    }

    /// A call comes in, and rings.
    pub fn rings(&mut self) -> Value {
        self.wait("a call that rings", |event| {
            event["event"] == "call" && event["state"] == "ringing"
        })
    }

    /// Waits for the state in which `field` is `value`.
    pub fn state(&mut self, field: &str, value: &str) -> Value {
        self.wait(&format!("{field} {value}"), |event| {
            event["event"] == "state" && event[field] == value
        })
    }

    /// A call comes into this state.
    pub fn call(&mut self, state: &str) -> Value {
        self.wait(&format!("a call that is {state}"), |event| {
            event["event"] == "call" && event["state"] == state
        })
    }

    /// It says this notice, in words for a person; gives the words.
    pub fn says(&mut self, code: &str) -> String {
        let event = self.wait(&format!("the notice {code}"), |event| {
            event["notice"]["code"] == code || event["end"]["code"] == code
        });
        sentence(&event)
    }

    /// Sound comes in: for two seconds from now, each with its packets and its level.
    pub fn hears(&mut self) {
        let is_media = |event: &Value| event["event"] == "media";
        let received = |event: &Value| event["packets_received"].as_u64().unwrap_or_default();
        let mut before = received(&self.wait("media statistics", is_media));
        for _ in 0..2 {
            let now = self.wait("media statistics", is_media);
            assert!(
                received(&now) >= before + PACKETS_A_SECOND
                    && now["level_in_dbov"].as_f64() > Some(SILENCE_DBOV),
                "the sound stopped after {before} packets: {now}"
            );
            before = received(&now);
        }
    }

    /// Hangs up, and sees the call end.
    pub fn hang_up(&mut self) {
        self.tell("hangup");
        self.call("ended");
    }

    /// It ends by itself with this exit code and a sentence; gives the sentence.
    pub fn ends(&mut self, code: i32) -> String {
        let event = self.wait("its end", |event| event["event"] == "end");
        assert_eq!(event["code"], code, "{event}");
        let status = self.0.wait(PATIENCE).expect("it ends");
        assert_eq!(status.code(), Some(code));
        sentence(&event)
    }

    /// Signs out.
    pub fn quit(&mut self) {
        self.tell("quit");
        self.ends(0);
    }

    /// Everything it said so far.
    pub fn said(&self) -> &[Value] {
        self.0.said()
    }
}

/// The light went green.
pub fn is_green(event: &Value) -> bool {
    event["event"] == "state" && event["light"] == "green"
}

/// The log of the next phone in this folder.
fn log_in(folder: &Path) -> PathBuf {
    let names = (1..).map(|n| match n {
        1 => "headless.log".to_owned(),
        n => format!("headless-{n}.log"),
    });
    names
        .map(|name| folder.join(name))
        .find(|path| !path.exists())
        .unwrap_or_else(|| folder.join("headless.log"))
}

fn sentence(event: &Value) -> String {
    let words = event["words"].as_str().unwrap_or_default();
    assert!(
        words.contains(' ') && words.ends_with('.') && !words.contains(['{', '}']),
        "no sentence: {event}"
    );
    words.to_owned()
}
