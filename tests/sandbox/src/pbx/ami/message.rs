//! Messages: lines of `Key: Value`, ended by an empty line.

use std::fmt::Write as _;

/// A message that grows beyond this is not one of Asterisk's.
const LONGEST: usize = 64 * 1024;

/// One message from Asterisk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    fields: Vec<(String, String)>,
}

/// One request to Asterisk.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    text: String,
}

/// Cuts what arrives into messages.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    buffer: Vec<u8>,
    greeted: bool,
}

/// What arrives is not the manager interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what answers there does not speak Asterisk's manager protocol")]
pub(crate) struct NotAmi;

impl Message {
    /// The first value of a field, whatever its case; empty when it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.fields
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }

    fn read(block: &str) -> Self {
        let fields = block
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        Self { fields }
    }
}

impl Action {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            text: String::new(),
        }
        .with("Action", name)
    }

    /// Adds a field; a line end in a value would begin another field, so it becomes a blank.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let value = value.replace(['\r', '\n'], " ");
        // Writing to a String does not fail.
        let _ = write!(self.text, "{name}: {value}\r\n");
        self
    }

    pub(crate) fn bytes(&self, id: u64) -> Vec<u8> {
        format!("{}ActionID: {id}\r\n\r\n", self.text).into_bytes()
    }
}

impl Parser {
    /// Takes what arrived and gives the messages that are whole.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Message>, NotAmi> {
        self.buffer.extend_from_slice(bytes);
        if !self.greeted {
            let Some(end) = self.buffer.iter().position(|b| *b == b'\n') else {
                return if self.buffer.len() > 256 {
                    Err(NotAmi)
                } else {
                    Ok(Vec::new())
                };
            };
            if !self.buffer.starts_with(b"Asterisk Call Manager/") {
                return Err(NotAmi);
            }
            self.buffer.drain(..=end);
            self.greeted = true;
        }
        let mut messages = Vec::new();
        while let Some((length, skip)) = end_of_message(&self.buffer) {
            let message = Message::read(&String::from_utf8_lossy(&self.buffer[..length]));
            self.buffer.drain(..length + skip);
            if !message.fields.is_empty() {
                messages.push(message);
            }
        }
        if self.buffer.len() > LONGEST {
            return Err(NotAmi);
        }
        Ok(messages)
    }
}

/// Length of the first message, and of the line ends after it.
fn end_of_message(buffer: &[u8]) -> Option<(usize, usize)> {
    let crlf = buffer
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .map(|at| (at, 4));
    let lf = buffer
        .windows(2)
        .position(|w| w == b"\n\n")
        .map(|at| (at, 2));
    match (crlf, lf) {
        (Some(a), Some(b)) => Some(if a.0 <= b.0 { a } else { b }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETING: &[u8] = b"Asterisk Call Manager/9.0.0\r\n";

    fn parse(parts: &[&[u8]]) -> Result<Vec<Message>, NotAmi> {
        let mut parser = Parser::default();
        let mut messages = parser.push(GREETING)?;
        for part in parts {
            messages.extend(parser.push(part)?);
        }
        Ok(messages)
    }

    #[test]
    fn messages_are_read_however_they_arrive() {
        let whole = b"Event: QueueMemberPause\r\nQueue: support\r\nPausedReason: Lunch: long\r\n\r\nResponse: Success\r\n\r\n";
        let expected = parse(&[whole]).expect("messages");
        assert_eq!(expected.len(), 2);
        assert_eq!(expected[0].get("event"), "QueueMemberPause");
        assert_eq!(expected[0].get("PausedReason"), "Lunch: long");
        assert_eq!(expected[0].get("Nothing"), "");
        for cut in 0..whole.len() {
            assert_eq!(
                parse(&[&whole[..cut], &whole[cut..]]).expect("messages"),
                expected,
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn what_is_odd_does_no_harm() {
        for (bytes, count) in [
            (&b"no colon here\r\n\r\n"[..], 0),
            (b"\r\n\r\n\r\n\r\n", 0),
            (b": \r\n\r\n", 1),
            (b"Event: \xff\xfe\r\n\r\n", 1),
            (b"Response: Success\n\n", 1),
            (b"Event: cut off", 0),
        ] {
            assert_eq!(parse(&[bytes]).expect("no fault").len(), count, "{bytes:?}");
        }
        assert_eq!(parse(&[&[b'a'; LONGEST + 1]]), Err(NotAmi));
        assert_eq!(
            Parser::default().push(b"HTTP/1.1 400 Bad Request\r\n"),
            Err(NotAmi)
        );
        assert_eq!(Parser::default().push(&[0; 300]), Err(NotAmi));
    }

    #[test]
    fn random_bytes_never_panic() {
        let mut state = 1_u32;
        for _ in 0..200 {
            let bytes: Vec<u8> = (0..300)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    b"ab:\r\n \xff0"[(state >> 24) as usize % 8]
                })
                .collect();
            let _ = parse(&[&bytes]);
        }
    }

    #[test]
    fn a_value_cannot_begin_another_field() {
        let bytes = Action::new("QueuePause")
            .with("Reason", "Lunch\r\nAction: Originate")
            .bytes(7);
        let text = String::from_utf8(bytes).expect("text");
        assert_eq!(
            text,
            "Action: QueuePause\r\nReason: Lunch  Action: Originate\r\nActionID: 7\r\n\r\n"
        );
    }
}
