//! Says what is done while it is done: steps with their time, long output kept in a file.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::workspace;

/// Numbered steps; everything is said on standard error, so that standard output stays the programs' own.
#[derive(Debug)]
pub(crate) struct Steps {
    total: usize,
    done: usize,
    began: Instant,
    terminal: bool,
}

/// What becomes of a program's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Kept in a file; its end is shown when the step fails.
    Kept,
    /// Shown as it comes.
    Shown,
}

impl Steps {
    pub(crate) fn new(total: usize) -> Self {
        Self {
            total,
            done: 0,
            began: Instant::now(),
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Runs a program as the next step.
    pub(crate) fn run(
        &mut self,
        name: &str,
        command: &mut Command,
        output: Output,
        remedy: &str,
    ) -> Result<(), Failure> {
        self.done += 1;
        let log = log_file(self.done, name).map_err(|error| {
            Failure::new(
                name,
                format!("no log file: {error}"),
                "Is the target folder writable, with space left?",
            )
        })?;
        match output {
            Output::Kept => {
                let kept = File::create(&log)
                    .and_then(|file| Ok((file.try_clone()?, file)))
                    .map_err(|error| {
                        Failure::new(
                            name,
                            format!("{}: {error}", log.display()),
                            "Is the target folder writable, with space left?",
                        )
                    })?;
                command.stdin(Stdio::null()).stdout(kept.0).stderr(kept.1);
            }
            Output::Shown => eprintln!("{}", self.label(name)),
        }
        let began = Instant::now();
        let program = command.get_program().to_string_lossy().into_owned();
        let status = self
            .wait(name, command, output, &log, began)
            .map_err(|error| {
                Failure::missing(name, format!("{program} does not start: {error}"), remedy)
            })?;
        let time = seconds(began.elapsed());
        if status.success() {
            self.say(&format!("{} … {time}", self.label(name)), output);
            return Ok(());
        }
        self.say(
            &format!("{} … failed after {time}", self.label(name)),
            output,
        );
        let mut reason = format!("{program} ended with {status}");
        if output == Output::Kept {
            eprintln!("{}", tail(&log, 60));
            reason.push_str(&format!(
                "; the end of its output is above, all of it in {}",
                log.display()
            ));
        } else {
            reason.push_str("; its output is above");
        }
        Err(Failure::new(name, reason, remedy))
    }

    /// Runs a program that reads `input` as the next step, its output shown.
    pub(crate) fn run_with_input(
        &mut self,
        name: &str,
        command: &mut Command,
        input: impl Into<Stdio>,
        remedy: &str,
    ) -> Result<(), Failure> {
        command.stdin(input);
        self.run(name, command, Output::Shown, remedy)
    }

    /// Counts a step that this program does itself.
    pub(crate) fn note(&mut self, name: &str) {
        self.done += 1;
        eprintln!("{}", self.label(name));
    }

    /// Says that the last step is run again, under its own number.
    pub(crate) fn repeat(&mut self, why: &str) {
        self.done -= 1;
        eprintln!("{why}");
    }

    /// Time since the first step.
    pub(crate) fn elapsed(&self) -> String {
        seconds(self.began.elapsed())
    }

    fn label(&self, name: &str) -> String {
        format!("[{}/{}] {name}", self.done, self.total)
    }

    fn say(&self, line: &str, output: Output) {
        if self.terminal && output == Output::Kept {
            eprintln!("\r\x1b[K{line}");
        } else {
            eprintln!("{line}");
        }
    }

    fn wait(
        &self,
        name: &str,
        command: &mut Command,
        output: Output,
        log: &PathBuf,
        began: Instant,
    ) -> std::io::Result<ExitStatus> {
        let mut child = command.spawn()?;
        if output == Output::Shown {
            return child.wait();
        }
        let (every, mut next) = if self.terminal {
            (Duration::from_secs(1), Duration::ZERO)
        } else {
            (Duration::from_secs(60), Duration::from_secs(60))
        };
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if began.elapsed() >= next {
                next += every;
                let time = seconds(began.elapsed());
                let last: String = tail(log, 1).trim().chars().take(60).collect();
                if self.terminal {
                    eprint!("\r\x1b[K{} … {time}  {last}", self.label(name));
                    std::io::stderr().flush()?;
                } else {
                    eprintln!("{} … {time} so far: {last}", self.label(name));
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// `42 s` or `3 min 05 s`.
pub(crate) fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f32()),
        whole => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

fn log_file(number: usize, name: &str) -> std::io::Result<PathBuf> {
    let folder = workspace::debug_folder().join("xtask-logs");
    std::fs::create_dir_all(&folder)?;
    let name: String = name
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    Ok(folder.join(format!("{number:02}-{name}.log")))
}

fn tail(log: &PathBuf, lines: usize) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
