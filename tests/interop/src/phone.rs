//! `sidetone-headless`, driven as a tester would drive it.

use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{Program, beside};

/// Patience for anything that happens in well under a second on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running phone.
#[derive(Debug)]
pub struct Phone {
    program: Program,
    heard: PathBuf,
}

/// Whom the phone belongs to.
#[derive(Clone, Debug)]
pub enum Identity<'a> {
    /// An agent of a contact-centre server.
    Agent {
        /// Address of the server.
        server: &'a str,
        /// Sign-in name.
        name: &'a str,
        /// Password.
        password: &'a str,
    },
    /// An account of a SIP server, with settings of the agent object besides.
    Account {
        /// User and extension.
        user: &'a str,
        /// SIP secret.
        secret: &'a str,
        /// Host of the SIP addresses.
        domain: &'a str,
        /// SIP over WebSocket.
        wss: &'a str,
        /// Fields of the agent object (`allow`, `phoneBarAutoAnswer`, …).
        settings: Value,
    },
    /// A whole profile file; its SIP secret is read from descriptor 0.
    Profile {
        /// SIP secret.
        secret: &'a str,
        /// What stands in the file.
        profile: Value,
    },
}

impl Phone {
    /// Starts it in `folder`: it says `said` (WAV) and what it hears is kept.
    ///
    /// # Errors
    /// When it is not built, or a file cannot be written.
    pub fn start(
        identity: &Identity<'_>,
        folder: &Path,
        ca: &Path,
        said: &Path,
    ) -> io::Result<Self> {
        let program = Command::new(beside("sidetone-headless"));
        Self::start_command(program, identity, folder, ca, said)
    }

    /// The same by a command of one's own.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_command(
        mut command: Command,
        identity: &Identity<'_>,
        folder: &Path,
        ca: &Path,
        said: &Path,
    ) -> io::Result<Self> {
        let heard = folder.join("agent-heard.wav");
        let mut sound = std::ffi::OsString::from("file:");
        sound.push(said);
        sound.push(",");
        sound.push(&heard);
        command
            .arg("--json")
            .arg("--ca")
            .arg(ca)
            .arg("--audio")
            .arg(sound);
        let secret = match identity {
            Identity::Agent {
                server,
                name,
                password,
            } => {
                command.args(["--server", server, "--user", name, "--password-fd", "0"]);
                password
            }
            Identity::Account {
                user,
                secret,
                domain,
                wss,
                settings,
            } => {
                let mut profile = settings.clone();
                profile["sip"] =
                    json!({ "user": user, "secret": { "fd": 0 }, "domain": domain, "wssUrl": wss });
                let file = folder.join("profile.json");
                std::fs::write(&file, profile.to_string())?;
                command.arg("--sip-profile").arg(file);
                secret
            }
            Identity::Profile { secret, profile } => {
                let file = folder.join("profile.json");
                std::fs::write(&file, profile.to_string())?;
                command.arg("--sip-profile").arg(file);
                secret
            }
        };
        let mut program = Program::start(&mut command, &folder.join("headless.log"))?;
        program.tell(secret)?;
        Ok(Self { program, heard })
    }

    /// Gives a command: `dial 600`, `hangup`, …
    ///
    /// # Errors
    /// When the phone has ended.
    pub fn tell(&mut self, command: &str) -> io::Result<()> {
        self.program.tell(command)
    }

    /// Waits for the green light.
    ///
    /// # Errors
    /// What the phone said instead.
    pub fn green(&mut self) -> Result<Value, String> {
        self.program.wait_for("the green light", PATIENCE, |event| {
            event["event"] == "state" && event["light"] == "green"
        })
    }

    /// Waits until a call is in this state (`dialling`, `ringing`, `up`, `ended`, …).
    ///
    /// # Errors
    /// What the phone said instead.
    pub fn call(&mut self, state: &str) -> Result<Value, String> {
        self.program
            .wait_for(&format!("a call that is {state}"), PATIENCE, |event| {
                event["event"] == "call" && event["state"] == state
            })
    }

    /// Lets a call go on until its statistics have come `count` times, once a second, with sound in them.
    ///
    /// # Errors
    /// What the phone said instead.
    pub fn listen(&mut self, count: usize) -> Result<Value, String> {
        let mut last = Value::Null;
        for _ in 0..count {
            last = self
                .program
                .wait_for("media statistics", PATIENCE, |event| {
                    event["event"] == "media" && event["packets_received"].as_u64() > Some(0)
                })?;
        }
        Ok(last)
    }

    /// Waits until it has sent some of its own sound in a call: the path stands, heard or not.
    ///
    /// # Errors
    /// What the phone said instead.
    pub fn speaks(&mut self) -> Result<Value, String> {
        self.program
            .wait_for("sound on its way", PATIENCE, |event| {
                event["event"] == "media" && event["packets_sent"].as_u64() > Some(0)
            })
    }

    /// Waits until sound comes in again: `seconds` in a row, each with half of its packets at least.
    ///
    /// # Errors
    /// What the phone said instead.
    pub fn hears_again(&mut self, seconds: usize) -> Result<Value, String> {
        let (last, row) = (Cell::new(None), Cell::new(0));
        self.program
            .wait_for("sound that comes again", 2 * PATIENCE, |event| {
                let Some(now) = event["packets_received"].as_u64() else {
                    return false;
                };
                let before: Option<u64> = last.replace(Some(now));
                let came = before.is_some_and(|before| now >= before + 25);
                row.set(if came { row.get() + 1 } else { 0 });
                row.get() >= seconds
            })
    }

    /// Whether a call comes within `time`.
    pub fn is_rung(&mut self, time: Duration) -> bool {
        self.program.comes(time, |event| {
            event["event"] == "call" && event["direction"] == "incoming"
        })
    }

    /// Ends it and returns how it ended.
    ///
    /// # Errors
    /// When it does not end.
    pub fn quit(&mut self) -> io::Result<ExitStatus> {
        self.tell("quit")?;
        self.program.wait(PATIENCE)
    }

    /// What it hears (WAV).
    #[must_use]
    pub fn heard(&self) -> &Path {
        &self.heard
    }

    /// The process, for what a phone does not say itself.
    pub fn program(&mut self) -> &mut Program {
        &mut self.program
    }
}
