//! The last SIP messages as people outside of the phone may have them: on the screen and in files.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sidetone_sip::{Trace, TracedMessage};

use crate::api::EngineError;
use crate::{clock, private};

/// What a screen lists of the trace: the minutes before somebody asks are what counts.
const LISTED: usize = 100;

/// A SIP message by its first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct TraceLine {
    /// When, in milliseconds since 1970 by this machine's clock.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub at_ms: u64,
    /// Sent by us; otherwise received.
    pub sent: bool,
    /// The first line of the message.
    pub line: String,
    /// The method that a response answers (from its CSeq, RFC 3261 section 8.1.1.5); `null` for a request.
    pub answers: Option<String>,
}

/// In which form the trace is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum TraceForm {
    /// A capture for Wireshark or sngrep (pcap).
    Capture,
    /// Text.
    Text,
}

impl TraceForm {
    /// The form that a file's name asks for.
    pub(crate) fn of(path: &Path) -> Self {
        match path.extension() {
            Some(ending) if ending.eq_ignore_ascii_case("pcap") => Self::Capture,
            _ => Self::Text,
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Capture => "pcap",
            Self::Text => "txt",
        }
    }

    fn bytes(self, trace: &Trace) -> Vec<u8> {
        match self {
            Self::Capture => trace.to_pcap(),
            Self::Text => trace.to_text().into_bytes(),
        }
    }
}

/// The last messages by their first lines, the newest first.
pub(crate) fn lines(trace: &Trace) -> Vec<TraceLine> {
    let newest = trace.messages.iter().rev();
    newest.take(LISTED).map(line).collect()
}

/// Writes the trace over whatever the file holds.
pub(crate) fn write(trace: &Trace, path: &Path) -> Result<(), EngineError> {
    // Empty first, so that nobody else reads what follows.
    std::fs::write(path, [])
        .and_then(|()| private::file(path))
        .and_then(|()| std::fs::write(path, TraceForm::of(path).bytes(trace)))
        .map_err(|fault| unwritten(path, &fault))
}

/// Writes the trace into a new file of this folder, under a name with date and time; gives where.
pub(crate) fn keep(
    trace: &Trace,
    folder: &Path,
    form: TraceForm,
    unix_ms: u64,
) -> Result<PathBuf, EngineError> {
    let stem = format!("sidetone-sip-{}", clock::stamp(unix_ms));
    let (mut file, path) =
        new_file(folder, &stem, form.ending()).map_err(|fault| unwritten(folder, &fault))?;
    file.write_all(&form.bytes(trace)).map_err(|fault| {
        // A part of it would only mislead whoever reads it.
        let _ = std::fs::remove_file(&path);
        unwritten(&path, &fault)
    })?;
    Ok(path)
}

fn line(message: &TracedMessage) -> TraceLine {
    let mut fields = message.text.lines();
    let line = fields.next().unwrap_or_default().to_owned();
    let answers = if line.starts_with("SIP/") {
        fields
            .filter_map(|field| field.split_once(':'))
            .find(|(name, _)| name.trim_end().eq_ignore_ascii_case("CSeq"))
            .and_then(|(_, value)| value.split_whitespace().nth(1))
            .map(str::to_owned)
    } else {
        None
    };
    TraceLine {
        at_ms: unix_ms(message.at),
        sent: message.sent,
        line,
        answers,
    }
}

fn unix_ms(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH)
        .map(|since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
        .unwrap_or_default()
}

/// A file that was not there before; two traces of one second get two names.
fn new_file(folder: &Path, stem: &str, ending: &str) -> io::Result<(File, PathBuf)> {
    let mut number = 1_u32;
    loop {
        let path = folder.join(match number {
            1 => format!("{stem}.{ending}"),
            number => format!("{stem}_{number}.{ending}"),
        });
        match private::new_file(&path) {
            Ok(file) => return Ok((file, path)),
            Err(fault) if fault.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(fault) => return Err(fault),
        }
    }
}

fn unwritten(path: &Path, fault: &io::Error) -> EngineError {
    let why = match fault.kind() {
        ErrorKind::NotFound => "there is no such folder".to_owned(),
        ErrorKind::PermissionDenied => "nobody may write there".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "it can only be read".to_owned(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "there is no room left".to_owned(),
        _ => fault.to_string(),
    };
    EngineError::Trace {
        path: path.to_owned(),
        fault: why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(sent: bool, seconds: u64, text: &str) -> TracedMessage {
        TracedMessage {
            at: UNIX_EPOCH + std::time::Duration::from_secs(seconds),
            sent,
            transport: "WSS",
            local: "192.0.2.2:40000".parse().unwrap(),
            remote: "192.0.2.1:443".parse().unwrap(),
            text: text.to_owned(),
        }
    }

    fn trace() -> Trace {
        Trace {
            messages: vec![
                message(
                    true,
                    1,
                    "REGISTER sip:x SIP/2.0\r\nCSeq: 7 REGISTER\r\n\r\n",
                ),
                message(
                    false,
                    2,
                    "SIP/2.0 200 OK\r\nTo: x\r\ncseq :\t7 REGISTER\r\n\r\n",
                ),
            ],
        }
    }

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("sidetone-trace-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn the_newest_message_stands_first_and_an_answer_says_to_what() {
        let first = TraceLine {
            at_ms: 2_000,
            sent: false,
            line: "SIP/2.0 200 OK".to_owned(),
            answers: Some("REGISTER".to_owned()),
        };
        let second = TraceLine {
            at_ms: 1_000,
            sent: true,
            line: "REGISTER sip:x SIP/2.0".to_owned(),
            answers: None,
        };
        assert_eq!(lines(&trace()), [first, second]);
        let many = (0..300).map(|second| message(true, second, "x"));
        let lines = lines(&Trace {
            messages: many.collect(),
        });
        assert_eq!(lines.len(), LISTED);
        assert_eq!(lines[0].at_ms, 299_000);
    }

    #[test]
    fn a_kept_trace_overwrites_nothing() {
        let folder = folder("kept");
        let at = 1_795_373_203_999;
        let names = ["", "_2", "_3"].map(|n| format!("sidetone-sip-2026-11-22T18-46-43Z{n}.txt"));
        std::fs::write(folder.join(&names[0]), "mine").unwrap();
        for name in &names[1..] {
            let kept = keep(&trace(), &folder, TraceForm::Text, at).unwrap();
            assert_eq!(kept, folder.join(name));
            let text = std::fs::read_to_string(&kept).unwrap();
            assert!(text.contains("received WSS"), "{text}");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = std::fs::metadata(&kept).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o600);
            }
        }
        let mine = std::fs::read_to_string(folder.join(&names[0])).unwrap();
        assert_eq!(mine, "mine");
        let capture = keep(&trace(), &folder, TraceForm::Capture, at).unwrap();
        assert!(capture.extension().is_some_and(|ending| ending == "pcap"));
        assert_eq!(std::fs::read(&capture).unwrap(), trace().to_pcap());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let nowhere = folder("unkept").join("nowhere");
        let fault = keep(&trace(), &nowhere, TraceForm::Text, 0).unwrap_err();
        assert_eq!(
            fault.to_string(),
            format!(
                "the SIP trace cannot be written to {}: there is no such folder",
                nowhere.display()
            )
        );
    }
}
