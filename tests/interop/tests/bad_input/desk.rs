//! A phone, driven and listened to.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sidetone_interop::phone::PATIENCE;
use sidetone_interop::program::{Program, beside};

/// Sound that is quieter than this is silence.
const SILENCE_DBOV: f64 = -50.0;
/// Of the 50 packets of a second: half of them must have come.
const PACKETS_A_SECOND: u64 = 25;

/// A running `sidetone-headless`.
pub(crate) struct Desk(Program);

impl Desk {
    /// Starts it with these arguments, and gives it the secret on its standard input.
    pub(crate) fn start(folder: &Path, secret: &str, arguments: &[&str]) -> Self {
        Self::start_with(folder, Some(secret), arguments, &[])
    }

    /// The same with variables of the environment.
    pub(crate) fn start_with(
        folder: &Path,
        secret: Option<&str>,
        arguments: &[&str],
        environment: &[(&str, &OsStr)],
    ) -> Self {
        let mut command = Command::new(beside("sidetone-headless"));
        command.arg("--json").args(arguments);
        command.envs(environment.iter().copied());
        let mut program = Program::start(&mut command, &folder.join("headless.log"))
            .unwrap_or_else(|error| panic!("{error}"));
        if let Some(secret) = secret {
            program.tell(secret).expect("it reads its password");
        }
        Self(program)
    }

    pub(crate) fn tell(&mut self, line: &str) {
        self.0.tell(line).expect("it reads commands");
    }

    /// The next line that is wanted.
    pub(crate) fn wait(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.0
            .wait_for(what, PATIENCE, wanted)
            .unwrap_or_else(|said| panic!("{said}"))
    }

    pub(crate) fn green(&mut self) {
        self.wait("the green light", is_green);
    }

    /// A call comes into this state.
    pub(crate) fn call(&mut self, state: &str) -> Value {
        self.wait(&format!("a call that is {state}"), |event| {
            event["event"] == "call" && event["state"] == state
        })
    }

    /// It says this notice, in words for a person; gives the words.
    pub(crate) fn says(&mut self, code: &str) -> String {
        let event = self.wait(&format!("the notice {code}"), |event| {
            event["notice"]["code"] == code || event["end"]["code"] == code
        });
        sentence(&event)
    }

    /// Sound comes in: for two seconds from now, each with its packets and its level.
    pub(crate) fn hears(&mut self) {
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
    pub(crate) fn hang_up(&mut self) {
        self.tell("hangup");
        self.call("ended");
    }

    /// It ends by itself with this exit code and a sentence; gives the sentence.
    pub(crate) fn ends(&mut self, code: i32) -> String {
        let event = self.wait("its end", |event| event["event"] == "end");
        assert_eq!(event["code"], code, "{event}");
        let status = self.0.wait(PATIENCE).expect("it ends");
        assert_eq!(status.code(), Some(code));
        sentence(&event)
    }

    /// Signs out.
    pub(crate) fn quit(&mut self) {
        self.tell("quit");
        self.ends(0);
    }

    /// Everything it said so far.
    pub(crate) fn said(&self) -> &[Value] {
        self.0.said()
    }
}

pub(crate) fn is_green(event: &Value) -> bool {
    event["event"] == "state" && event["light"] == "green"
}

fn sentence(event: &Value) -> String {
    let words = event["words"].as_str().unwrap_or_default();
    assert!(
        words.contains(' ') && words.ends_with('.') && !words.contains(['{', '}']),
        "no sentence: {event}"
    );
    words.to_owned()
}
