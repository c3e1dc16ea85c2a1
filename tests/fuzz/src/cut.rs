//! Several datagrams in one input.

/// Pieces that stand behind their length in two bytes; what is shorter than its length ends with the input.
pub fn pieces(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length)).min(behind.len());
        let (piece, left) = behind.split_at(length);
        rest = left;
        Some(piece)
    })
}
