//! The last messages of the wire, kept for whoever has to explain a call afterwards.
//!
//! Credentials, nonces and keys are taken out before a message is kept; numbers that an agent may not see are
//! masked by whoever asks for the trace, because only the layers above know them.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::core::redacted;

/// Messages kept at most.
const MESSAGES: usize = 400;
/// Bytes of text kept at most.
const BYTES: usize = 1024 * 1024;

/// One message as it was sent or received, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedMessage {
    /// When.
    pub at: SystemTime,
    /// Sent by us; otherwise received.
    pub sent: bool,
    /// Transport as in Via: `UDP`, `TCP`, `TLS`, `WS` or `WSS`.
    pub transport: &'static str,
    /// Our address.
    pub local: SocketAddr,
    /// The far end's address.
    pub remote: SocketAddr,
    /// The message, redacted.
    pub text: String,
}

/// The last messages of an endpoint, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The messages.
    pub messages: Vec<TracedMessage>,
}

impl Trace {
    /// Rewrites every message, for example to mask the numbers of customers.
    #[must_use]
    pub fn map(mut self, mask: impl Fn(&str) -> String) -> Self {
        for message in &mut self.messages {
            message.text = mask(&message.text);
        }
        self
    }

    /// As text: one heading with time (UTC), direction and addresses before each message.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for message in &self.messages {
            let (arrow, way) = if message.sent {
                ("->", "sent")
            } else {
                ("<-", "received")
            };
            out.push_str(&format!(
                "--- {} {way} {} {} {arrow} {}\n{}\n",
                timestamp(message.at),
                message.transport,
                message.local,
                message.remote,
                message.text
            ));
        }
        out
    }

    /// As a pcap file for Wireshark or sngrep: each message in a UDP datagram between its two addresses, whatever
    /// transport carried it.
    #[must_use]
    pub fn to_pcap(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // Magic, version 2.4, time zone, accuracy, longest packet, LINKTYPE_RAW (an IP header comes first).
        out.extend(0xa1b2_c3d4_u32.to_le_bytes());
        out.extend([2, 0, 4, 0]);
        out.extend([0; 8]);
        out.extend(65_535_u32.to_le_bytes());
        out.extend(101_u32.to_le_bytes());
        for message in &self.messages {
            let packet = message.packet();
            let since = message.at.duration_since(UNIX_EPOCH).unwrap_or_default();
            let seconds = u32::try_from(since.as_secs()).unwrap_or(u32::MAX);
            let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
            for field in [seconds, since.subsec_micros(), length, length] {
                out.extend(field.to_le_bytes());
            }
            out.extend(packet);
        }
        out
    }
}

impl TracedMessage {
    fn packet(&self) -> Vec<u8> {
        let (from, to) = if self.sent {
            (self.local, self.remote)
        } else {
            (self.remote, self.local)
        };
        // What does not fit a datagram is cut: the header fields stand in front.
        let body = &self.text.as_bytes()[..self.text.len().min(65_000)];
        let length = |header: usize| u16::try_from(header + body.len()).unwrap_or(u16::MAX);
        let mut out = Vec::with_capacity(body.len() + 48);
        match (from.ip(), to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                out.extend([0x45, 0]);
                out.extend(length(28).to_be_bytes());
                out.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
                out.extend(from.octets());
                out.extend(to.octets());
                let sum = checksum(&out);
                out[10..12].copy_from_slice(&sum.to_be_bytes());
            }
            (from, to) => {
                let v6 = |ip: IpAddr| match ip {
                    IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                    IpAddr::V6(ip) => ip,
                };
                out.extend([0x60, 0, 0, 0]);
                out.extend(length(8).to_be_bytes());
                out.extend([17, 64]);
                out.extend(v6(from).octets());
                out.extend(v6(to).octets());
            }
        }
        out.extend(from.port().to_be_bytes());
        out.extend(to.port().to_be_bytes());
        out.extend(length(8).to_be_bytes());
        // No checksum.
        out.extend([0, 0]);
        out.extend(body);
        out
    }
}

/// The ring behind [`Trace`].
#[derive(Default)]
pub(crate) struct Ring {
    messages: VecDeque<TracedMessage>,
    bytes: usize,
}

/// Where a message was met.
#[derive(Clone, Copy)]
pub(crate) struct Wire {
    pub(crate) transport: &'static str,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
}

impl Ring {
    pub(crate) fn keep(&mut self, wire: Wire, sent: bool, bytes: &[u8]) {
        let message = TracedMessage {
            at: SystemTime::now(),
            sent,
            transport: wire.transport,
            local: wire.local,
            remote: wire.remote,
            text: redacted(bytes),
        };
        self.bytes += message.text.len();
        self.messages.push_back(message);
        while self.messages.len() > MESSAGES || self.bytes > BYTES {
            let Some(oldest) = self.messages.pop_front() else {
                return;
            };
            self.bytes -= oldest.text.len();
        }
    }

    pub(crate) fn read(&self) -> Trace {
        Trace {
            messages: self.messages.iter().cloned().collect(),
        }
    }
}

/// Ones' complement sum of an IPv4 header (RFC 791).
fn checksum(header: &[u8]) -> u16 {
    let mut sum: u32 = header
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)])))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

/// Time of day in UTC with milliseconds and the `Z` that says so; the day is known to whoever asks for the last minutes.
fn timestamp(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let day = since.as_secs() % 86_400;
    format!(
        "{:02}:{:02}:{:02}.{:03}Z",
        day / 3600,
        day / 60 % 60,
        day % 60,
        since.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(local: &str, remote: &str) -> Wire {
        Wire {
            transport: "WSS",
            local: local.parse().expect("an address"),
            remote: remote.parse().expect("an address"),
        }
    }

    #[test]
    fn keeps_the_last_messages_without_secrets() {
        let mut ring = Ring::default();
        let wire = wire("192.0.2.2:40000", "192.0.2.1:443");
        for number in 0..MESSAGES + 10 {
            let text = format!(
                "INVITE sip:{number}@x SIP/2.0\r\nAuthorization: Digest response=\"s3cret\"\r\n\r\n"
            );
            ring.keep(wire, number % 2 == 0, text.as_bytes());
        }
        let trace = ring.read();
        assert_eq!(trace.messages.len(), MESSAGES);
        assert!(trace.messages[0].text.starts_with("INVITE sip:10@x"));
        let text = trace.map(|m| m.replace("sip:", "***:")).to_text();
        assert!(!text.contains("s3cret") && !text.contains("sip:"), "{text}");
        assert!(text.contains("sent WSS 192.0.2.2:40000 -> 192.0.2.1:443"));
        let mut ring = Ring::default();
        for _ in 0..5 {
            ring.keep(wire, true, &vec![b'x'; BYTES / 3]);
        }
        assert_eq!(ring.read().messages.len(), 2);
    }

    #[test]
    fn the_text_says_of_which_zone_its_times_are() {
        let mut ring = Ring::default();
        ring.keep(wire("192.0.2.2:40000", "192.0.2.1:443"), true, b"A\r\n\r\n");
        let mut trace = ring.read();
        trace.messages[0].at = UNIX_EPOCH + Duration::from_millis(1_795_373_203_099);
        let text = trace.to_text();
        assert!(text.starts_with("--- 18:46:43.099Z sent WSS "), "{text}");
    }

    #[test]
    fn the_pcap_file_holds_whole_datagrams() {
        let mut ring = Ring::default();
        ring.keep(
            wire("192.0.2.2:40000", "192.0.2.1:5060"),
            true,
            b"A\r\n\r\n",
        );
        ring.keep(
            wire("[2001:db8::2]:4", "[2001:db8::1]:5"),
            false,
            b"BC\r\n\r\n",
        );
        let kept: Vec<usize> = ring.read().messages.iter().map(|m| m.text.len()).collect();
        let pcap = ring.read().to_pcap();
        assert_eq!(pcap[..4], 0xa1b2_c3d4_u32.to_le_bytes());
        let first = &pcap[24 + 16..];
        assert_eq!(checksum(&first[..20]), 0, "the header's own sum");
        assert_eq!(first[12..16], [192, 0, 2, 2]);
        assert_eq!(first[20..24], [0x9c, 0x40, 0x13, 0xc4]);
        let second = 24 + 16 + 28 + kept[0];
        assert_eq!(pcap[second + 16], 0x60);
        assert_eq!(pcap.len(), second + 16 + 48 + kept[1]);
        assert_eq!(pcap[second + 16 + 40 + 1], 5, "received: from the far end");
    }
}
