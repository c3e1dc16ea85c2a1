//! Messages out of a byte stream (RFC 3261 §18.3) and the keep-alives between them (RFC 5626 §3.5.1).

/// Longest message taken from a stream.
const LONGEST: usize = 256 * 1024;

/// Collects bytes and gives whole messages.
#[derive(Default)]
pub(crate) struct Framer {
    buffer: Vec<u8>,
}

/// What stands at the front of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Message(Vec<u8>),
    /// Double CRLF: to be answered with a single one.
    Ping,
    /// Single CRLF.
    Pong,
}

/// The stream is not SIP; there is no way to find the next message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotSip;

impl Framer {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub(crate) fn next(&mut self) -> Result<Option<Frame>, NotSip> {
        if self.buffer.starts_with(b"\r\n\r\n") {
            self.buffer.drain(..4);
            return Ok(Some(Frame::Ping));
        }
        if self.buffer.starts_with(b"\r\n") {
            // One more CRLF may be on its way; only what follows tells a pong from half a ping.
            if self.buffer.len() == 3 && self.buffer[2] == b'\r' {
                return Ok(None);
            }
            self.buffer.drain(..2);
            return Ok(Some(Frame::Pong));
        }
        let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") else {
            return if self.buffer.len() > LONGEST {
                Err(NotSip)
            } else {
                Ok(None)
            };
        };
        let length = content_length(&self.buffer[..end]).ok_or(NotSip)?;
        if length > LONGEST {
            return Err(NotSip);
        }
        let total = end + 4 + length;
        if self.buffer.len() < total {
            return Ok(None);
        }
        let message = self.buffer.drain(..total).collect();
        Ok(Some(Frame::Message(message)))
    }
}

/// Content-Length of a header section; 0 when there is none, `None` when it is no number.
fn content_length(head: &[u8]) -> Option<usize> {
    let head = String::from_utf8_lossy(head);
    for line in head.lines() {
        if let Some((name, value)) = line.split_once(':') {
            let name = name.trim();
            if name.eq_ignore_ascii_case("Content-Length") || name.eq_ignore_ascii_case("l") {
                return value.trim().parse().ok();
            }
        }
    }
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_messages_however_the_bytes_arrive() {
        let stream = b"\r\n\r\nA sip:x SIP/2.0\r\nContent-Length: 4\r\n\r\nbodyB sip:y SIP/2.0\r\nl:0\r\n\r\n\r\nC";
        for size in 1..stream.len() {
            let mut framer = Framer::default();
            let mut messages = Vec::new();
            for piece in stream.chunks(size) {
                framer.push(piece);
                while let Some(frame) = framer.next().expect("SIP") {
                    if let Frame::Message(bytes) = frame {
                        messages.push(bytes);
                    }
                }
            }
            assert_eq!(messages.len(), 2, "pieces of {size}");
            assert!(messages[0].ends_with(b"body") && messages[1].starts_with(b"B sip:y"));
        }
    }

    #[test]
    fn refuses_what_cannot_be_framed() {
        let mut framer = Framer::default();
        framer.push(b"A sip:x SIP/2.0\r\nContent-Length: -1\r\n\r\n");
        assert_eq!(framer.next(), Err(NotSip));
        let mut framer = Framer::default();
        framer.push(b"A sip:x SIP/2.0\r\nContent-Length: 18446744073709551615\r\n\r\n");
        assert_eq!(framer.next(), Err(NotSip));
        let mut framer = Framer::default();
        framer.push(&vec![b'x'; LONGEST + 1]);
        assert_eq!(framer.next(), Err(NotSip));
    }
}
