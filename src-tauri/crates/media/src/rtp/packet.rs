//! The RTP header (RFC 3550 section 5.1).

const FIXED: usize = 12;

/// A packet as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    /// Without header extension and padding.
    pub(crate) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` when it is malformed.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.first_chunk::<FIXED>()?;
        if header[0] >> 6 != 2 {
            return None;
        }
        let sources = usize::from(header[0] & 0x0f);
        let mut payload = bytes.get(FIXED + 4 * sources..)?;
        if header[0] & 0x10 != 0 {
            let (extension, rest) = payload.split_first_chunk::<4>()?;
            let words = usize::from(u16::from_be_bytes([extension[2], extension[3]]));
            payload = rest.get(4 * words..)?;
        }
        if header[0] & 0x20 != 0 {
            let padding = usize::from(*payload.last()?);
            payload = payload.get(..payload.len().checked_sub(padding.max(1))?)?;
        }
        Some(Self {
            marker: header[1] & 0x80 != 0,
            payload_type: header[1] & 0x7f,
            sequence: u16::from_be_bytes([header[2], header[3]]),
            timestamp: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            ssrc: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
            payload,
        })
    }

    /// Writes it to the end of `out`.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(0x80);
        out.push(u8::from(self.marker) << 7 | self.payload_type & 0x7f);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(self.payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let packet = Packet {
            marker: true,
            payload_type: 111,
            sequence: 65_535,
            timestamp: 0xdead_beef,
            ssrc: 7,
            payload: b"speech",
        };
        let mut bytes = Vec::new();
        packet.write(&mut bytes);
        assert_eq!(Packet::parse(&bytes), Some(packet));
    }

    #[test]
    fn sources_extension_and_padding_are_not_payload() {
        let mut bytes = vec![0xb2, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&[0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
        bytes.extend_from_slice(b"abc");
        bytes.extend_from_slice(&[0, 0, 3]);
        let packet = Packet::parse(&bytes).expect("a packet");
        assert_eq!(packet.payload, b"abc");
        assert_eq!((packet.payload_type, packet.ssrc), (8, 3));
    }

    #[test]
    fn malformed_packets_are_refused() {
        for bytes in [
            &[][..],
            &[0x80; 11],
            &[0x40; 12],
            // More sources than bytes.
            &[0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            // An extension longer than the packet.
            &[0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255],
            // More padding than payload.
            &[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
        ] {
            assert_eq!(Packet::parse(bytes), None, "{bytes:?}");
        }
    }
}
