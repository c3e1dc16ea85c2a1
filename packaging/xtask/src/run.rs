//! `cargo xtask run`.

use std::io::{BufRead, BufReader, PipeReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::failure::Failure;
use crate::needs::Purpose;
use crate::setup::{self, Consent};
use crate::steps::{Output, Steps};
use crate::test::build;
use crate::workspace::{built, cargo, debug_folder, npm, npm_is_current, released, root};

/// Takes one queue call without a window; the last line on standard output is the result in JSON.
pub(crate) fn headless(consent: Consent) -> Result<(), Failure> {
    setup::setup(Purpose::Headless, consent)?;
    let mut steps = Steps::new(2);
    build(
        &mut steps,
        "building the sandbox and the phone without a window",
        &["sidetone-sandbox", "sidetone-headless", "sidetone-interop"],
    )?;
    steps.run(
        "taking a queue call and comparing its sound",
        &mut Command::new(built("first-call")),
        Output::Shown,
        "The events above show how far it came; SIDETONE_KEEP=1 keeps the folder with the recordings and logs.",
    )
}

/// Opens the bar, signed in at a contact centre of its own where customers call.
pub(crate) fn bar(consent: Consent, release: bool) -> Result<(), Failure> {
    setup::setup(Purpose::Bar, consent)?;
    let fetch = !npm_is_current();
    let mut steps = Steps::new(5 + usize::from(fetch));
    if fetch {
        steps.run(
            "fetching the user interface's packages",
            &mut npm(["ci", "--no-audit", "--no-fund"]),
            Output::Kept,
            "Is the npm registry reachable?",
        )?;
    }
    steps.run(
        "building the user interface",
        &mut npm(["run", "build"]),
        Output::Kept,
        "Read what the build says above.",
    )?;
    build(
        &mut steps,
        "building the contact centre",
        &["sidetone-sandbox"],
    )?;
    let program = if release {
        steps.run(
            "building the bar with optimisations",
            &mut cargo(["build", "--locked", "--release", "-p", "sidetone"]),
            Output::Kept,
            "Read what the compiler says above.",
        )?;
        released("sidetone")
    } else {
        build(&mut steps, "building the bar", &["sidetone"])?;
        built("sidetone")
    };
    steps.note("opening the contact centre");
    let centre = Centre::open()?;
    eprintln!(
        "  server {}  admin page {}  agent {AGENT}",
        centre.server, centre.admin
    );
    let password = password_pipe(&centre.password)?;
    steps.run_with_input(
        "the bar is open; quit it from its tray icon, or press Ctrl-C here",
        Command::new(program)
            .args([
                "--server",
                &centre.server,
                "--name",
                AGENT,
                "--password-fd",
                "0",
                "--ca",
            ])
            .arg(&centre.ca),
        password,
        "Is there a display? `cargo xtask run --headless` needs none.",
    )
}

/// The agent that the bar is signed in as.
const AGENT: &str = "anna";

/// Standard input that holds the password: it stands on no command line and in no file.
fn password_pipe(password: &str) -> Result<PipeReader, Failure> {
    std::io::pipe()
        .and_then(|(reader, mut writer)| {
            // Far less than a pipe holds, so nobody needs to be reading yet.
            writeln!(writer, "{password}")?;
            Ok(reader)
        })
        .map_err(|error| {
            Failure::new(
                "handing over the demonstration's password",
                format!("no pipe: {error}"),
                "Close some programs and try again.",
            )
        })
}

/// The running sandbox; ends when dropped.
struct Centre {
    child: Child,
    server: String,
    admin: String,
    ca: PathBuf,
    password: String,
}

impl Centre {
    fn open() -> Result<Self, Failure> {
        let failed = |reason: String| {
            Failure::new(
                "opening the contact centre",
                reason,
                "Run sidetone-sandbox by hand and read what it says.",
            )
        };
        let ca = debug_folder().join("xtask-logs/sandbox-ca.pem");
        let mut child = Command::new(built("sidetone-sandbox"))
            .args(["--json", "--customers-every", "40", "--ca-out"])
            .arg(&ca)
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("it does not start: {error}")))?;
        let mut line = String::new();
        let output = child
            .stdout
            .take()
            .ok_or_else(|| failed("it has no output".to_owned()))?;
        let mut output = BufReader::new(output);
        let read = output.read_line(&mut line);
        let field = |name: &str| text_field(&line, name).unwrap_or_default();
        let centre = Self {
            server: field("server"),
            admin: field("admin"),
            password: field("password"),
            ca,
            child,
        };
        if read.is_err() || centre.server.is_empty() {
            return Err(failed(format!("its first line was {:?}", line.trim())));
        }
        // What it says later is not needed, but must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok(centre)
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a text field of a flat JSON object whose values need no escapes.
fn text_field(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{name}\""))?;
    let (_, rest) = rest.split_once('"')?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use super::text_field;

    #[test]
    fn the_ready_line_is_read() {
        let line = r#"{"event":"ready","server":"https://localhost:8443","ca":"C:\\tmp\\ca.pem"}"#;
        assert_eq!(
            text_field(line, "server").as_deref(),
            Some("https://localhost:8443")
        );
        assert_eq!(text_field(line, "ca").as_deref(), Some("C:\\tmp\\ca.pem"));
        assert_eq!(text_field(line, "admin"), None);
    }
}
