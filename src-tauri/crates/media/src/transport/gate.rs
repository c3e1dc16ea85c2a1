//! The flight gate before `rtc-dtls`.
//!
//! `rtc-dtls` 0.21.1 stops its retransmission timer on any handshake record, also on a repeat or on part of a flight,
//! and then never sends its own flight again: one lost datagram can end the handshake. The gate feeds it whole
//! flights only. It gathers the fragments of the far end's flight, holds them until the flight is complete, and writes
//! it anew as one datagram; repeats it drops. Records of epoch 0 are not authenticated, so the gate numbers them itself.
//!
//! A Finished is encrypted and is passed on as it came, but only whole: OpenSSL may cut it in two, and `rtc-dtls` does
//! not join parts of different sendings.

use std::collections::BTreeMap;

use bytes::BytesMut;

use crate::sdp::DtlsRole;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

const CLIENT_HELLO: u8 = 1;
const HELLO_VERIFY_REQUEST: u8 = 3;
const SERVER_HELLO_DONE: u8 = 14;
const CERTIFICATE_VERIFY: u8 = 15;

const RECORD_HEADER: usize = 13;
const MESSAGE_HEADER: usize = 12;
/// Length of the verify data in a Finished (RFC 5246 section 7.4.9).
const VERIFY_DATA: usize = 12;
/// Longest handshake message that is gathered, bytes: certificate chains stay far below.
const LONGEST_MESSAGE: usize = 64 * 1024;
/// Furthest message ahead of the awaited one that is gathered.
const FURTHEST_MESSAGE: u16 = 16;
/// Most encrypted records that are held while their Finished is not whole.
const MOST_RECORDS: usize = 32;

/// Lets whole flights of the far end through.
#[derive(Debug)]
pub(crate) struct FlightGate {
    role: DtlsRole,
    stage: Stage,
    /// Next handshake message that was not passed on.
    next_message: u16,
    messages: BTreeMap<u16, Message>,
    /// Encrypted handshake records by number.
    finished: BTreeMap<u64, Vec<u8>>,
    /// Number of our next record of epoch 0.
    next_record: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The first flights, in clear.
    Clear,
    /// As client: the server's last flight.
    Finished,
    /// The handshake is done.
    Complete,
}

impl FlightGate {
    pub(crate) fn new(role: DtlsRole) -> Self {
        Self {
            role,
            stage: Stage::Clear,
            next_message: 0,
            messages: BTreeMap::new(),
            finished: BTreeMap::new(),
            next_record: 0,
        }
    }

    /// The endpoint says that the handshake is done.
    pub(crate) fn complete(&mut self) {
        self.stage = Stage::Complete;
        self.messages.clear();
        self.finished.clear();
    }

    /// Takes a datagram; gives what the endpoint is to read. `overhead` is what encryption adds to a record, known once
    /// a cipher suite is agreed.
    pub(crate) fn push(&mut self, datagram: &[u8], overhead: Option<usize>) -> Option<BytesMut> {
        let mut out = BytesMut::new();
        for record in records(datagram) {
            match (record.kind, record.epoch) {
                (HANDSHAKE, 0) => self.gather(record.body, &mut out),
                (HANDSHAKE, 1) => self.encrypted(&record, &mut out),
                // Implied by the encrypted Finished; the gate writes its own.
                (CHANGE_CIPHER_SPEC, _) => {}
                (ALERT, 0) if self.stage != Stage::Complete => {
                    self.write(&mut out, ALERT, record.body);
                }
                (ALERT | APPLICATION_DATA, 1) => out.extend_from_slice(record.whole),
                _ => {}
            }
        }
        self.release(overhead, &mut out);
        (!out.is_empty()).then_some(out)
    }

    /// Takes a record of epoch 0: one or more fragments.
    fn gather(&mut self, mut body: &[u8], out: &mut BytesMut) {
        if self.stage != Stage::Clear {
            return;
        }
        while let Some(fragment) = Fragment::parse(body) {
            body = &body[MESSAGE_HEADER + fragment.body.len()..];
            let repeated_hello = self.role == DtlsRole::Server
                && self.next_message == 1
                && fragment.sequence == 0
                && fragment.kind == CLIENT_HELLO;
            if repeated_hello && fragment.body.len() == fragment.length {
                // Only a HelloVerifyRequest went out, which has no timer: the repeat must get another.
                let message = write_message(fragment.kind, 0, fragment.body);
                self.write(out, HANDSHAKE, &message);
                continue;
            }
            let ahead = fragment.sequence.wrapping_sub(self.next_message);
            if fragment.sequence < self.next_message
                || ahead > FURTHEST_MESSAGE
                || fragment.length > LONGEST_MESSAGE
            {
                continue;
            }
            self.messages
                .entry(fragment.sequence)
                .or_insert_with(|| Message::new(fragment.kind, fragment.length))
                .insert(&fragment);
        }
    }

    /// Takes an encrypted handshake record.
    fn encrypted(&mut self, record: &Record<'_>, out: &mut BytesMut) {
        match (self.stage, self.role) {
            // The client repeats its last flight because ours was lost: the endpoint answers with it.
            (Stage::Complete, DtlsRole::Server) => out.extend_from_slice(record.whole),
            (Stage::Complete, DtlsRole::Client) => {}
            _ => {
                if self.finished.len() >= MOST_RECORDS {
                    self.finished.pop_first();
                }
                self.finished.insert(record.number, record.whole.to_vec());
            }
        }
    }

    /// Passes on a flight that is whole.
    fn release(&mut self, overhead: Option<usize>, out: &mut BytesMut) {
        match (self.stage, self.role) {
            (Stage::Clear, DtlsRole::Client) => {
                let Some(end) = self.flight_end(&[HELLO_VERIFY_REQUEST, SERVER_HELLO_DONE]) else {
                    return;
                };
                let last = self.messages.get(&end).map(|message| message.kind);
                self.write_flight(end, out);
                if last == Some(SERVER_HELLO_DONE) {
                    self.stage = Stage::Finished;
                }
            }
            (Stage::Clear, DtlsRole::Server) => {
                if let Some(end) = self.flight_end(&[CLIENT_HELLO]) {
                    self.write_flight(end, out);
                    return;
                }
                let Some(end) = self.flight_end(&[CERTIFICATE_VERIFY]) else {
                    return;
                };
                let Some(finished) = self.whole_finished(overhead) else {
                    return;
                };
                self.write_flight(end, out);
                self.write(out, CHANGE_CIPHER_SPEC, &[1]);
                out.extend_from_slice(&finished);
            }
            (Stage::Finished, _) => {
                if let Some(finished) = self.whole_finished(overhead) {
                    self.write(out, CHANGE_CIPHER_SPEC, &[1]);
                    out.extend_from_slice(&finished);
                    self.finished.clear();
                }
            }
            (Stage::Complete, _) => {}
        }
    }

    /// The message that ends a flight, when it and all awaited before it are whole.
    fn flight_end(&self, ends: &[u8]) -> Option<u16> {
        let mut sequence = self.next_message;
        loop {
            let message = self.messages.get(&sequence)?;
            if !message.is_whole() {
                return None;
            }
            if ends.contains(&message.kind) {
                return Some(sequence);
            }
            sequence = sequence.checked_add(1)?;
        }
    }

    fn write_flight(&mut self, end: u16, out: &mut BytesMut) {
        while self.next_message <= end {
            if let Some(message) = self.messages.remove(&self.next_message) {
                let message = write_message(message.kind, self.next_message, &message.body);
                self.write(out, HANDSHAKE, &message);
            }
            self.next_message += 1;
        }
    }

    /// Consecutive records whose fragments add up to a Finished.
    fn whole_finished(&self, overhead: Option<usize>) -> Option<Vec<u8>> {
        let overhead = overhead?;
        for start in self.finished.keys() {
            let mut length = 0;
            let mut whole = Vec::new();
            for (expected, (number, record)) in (*start..).zip(self.finished.range(start..)) {
                let Some(body) = record
                    .len()
                    .checked_sub(RECORD_HEADER + MESSAGE_HEADER + overhead)
                else {
                    break;
                };
                if *number != expected {
                    break;
                }
                length += body;
                whole.extend_from_slice(record);
                if length == VERIFY_DATA {
                    return Some(whole);
                }
                if length > VERIFY_DATA {
                    break;
                }
            }
        }
        None
    }

    /// Writes a record of epoch 0 with a number of our own.
    fn write(&mut self, out: &mut BytesMut, kind: u8, body: &[u8]) {
        let Ok(length) = u16::try_from(body.len()) else {
            return;
        };
        out.extend_from_slice(&[kind, 0xfe, 0xfd]);
        // Epoch 0 in the upper 16 bits.
        out.extend_from_slice(&self.next_record.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(body);
        self.next_record += 1;
    }
}

/// A handshake message that is being put together.
#[derive(Debug)]
struct Message {
    kind: u8,
    body: Vec<u8>,
    /// Which bytes have come.
    have: Vec<bool>,
}

impl Message {
    fn new(kind: u8, length: usize) -> Self {
        Self {
            kind,
            body: vec![0; length],
            have: vec![false; length],
        }
    }

    fn insert(&mut self, fragment: &Fragment<'_>) {
        let end = fragment.offset + fragment.body.len();
        if fragment.kind != self.kind || fragment.length != self.body.len() || end > self.body.len()
        {
            return;
        }
        self.body[fragment.offset..end].copy_from_slice(fragment.body);
        self.have[fragment.offset..end].fill(true);
    }

    fn is_whole(&self) -> bool {
        self.have.iter().all(|have| *have)
    }
}

struct Record<'a> {
    kind: u8,
    epoch: u16,
    number: u64,
    body: &'a [u8],
    whole: &'a [u8],
}

/// The records of a datagram, up to the first that is malformed (RFC 6347 section 4.1).
fn records(mut datagram: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let header = datagram.first_chunk::<RECORD_HEADER>()?;
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let (whole, rest) = datagram.split_at_checked(RECORD_HEADER + length)?;
        datagram = rest;
        let mut number = [0; 8];
        number[2..].copy_from_slice(&header[5..11]);
        Some(Record {
            kind: header[0],
            epoch: u16::from_be_bytes([header[3], header[4]]),
            number: u64::from_be_bytes(number),
            body: &whole[RECORD_HEADER..],
            whole,
        })
    })
}

struct Fragment<'a> {
    kind: u8,
    length: usize,
    sequence: u16,
    offset: usize,
    body: &'a [u8],
}

impl<'a> Fragment<'a> {
    fn parse(record: &'a [u8]) -> Option<Self> {
        let (header, rest) = record.split_first_chunk::<MESSAGE_HEADER>()?;
        let uint24 = |at: usize| -> usize {
            usize::from(header[at]) << 16
                | usize::from(header[at + 1]) << 8
                | usize::from(header[at + 2])
        };
        Some(Self {
            kind: header[0],
            length: uint24(1),
            sequence: u16::from_be_bytes([header[4], header[5]]),
            offset: uint24(6),
            body: rest.get(..uint24(9))?,
        })
    }
}

fn write_message(kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
    // Gathered lengths come from 24-bit fields, so the upper byte is always zero.
    let [_, length @ ..] = (body.len() as u32).to_be_bytes();
    let mut message = Vec::with_capacity(MESSAGE_HEADER + body.len());
    message.push(kind);
    message.extend_from_slice(&length);
    message.extend_from_slice(&sequence.to_be_bytes());
    message.extend_from_slice(&[0; 3]);
    message.extend_from_slice(&length);
    message.extend_from_slice(body);
    message
}

#[cfg(test)]
mod tests;
