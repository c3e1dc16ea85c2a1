use super::framing::Framer;

/// Frames a byte stream (RFC 3261 section 18.3) that arrives in pieces of `size` bytes, at least one.
pub fn stream(bytes: &[u8], size: usize) {
    let mut framer = Framer::default();
    for piece in bytes.chunks(size.max(1)) {
        framer.push(piece);
        loop {
            match framer.next() {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}
