//! What an authenticator app would show (RFC 6238: HMAC-SHA-1, 30 s, six digits).

use std::time::SystemTime;

use ring::hmac;

/// The code of this moment.
pub fn now(secret_base32: &str) -> String {
    let time = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a clock after 1970");
    let code = at(&base32(secret_base32), time.as_secs());
    format!("{code:06}")
}

fn at(key: &[u8], unix_s: u64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &(unix_s / 30).to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 0x0f);
    let four: [u8; 4] = tag[offset..offset + 4].try_into().expect("four bytes");
    (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
}

fn base32(text: &str) -> Vec<u8> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in text.chars() {
        let value = LETTERS.find(letter).expect("a letter of base32");
        bits = (bits << 5) | u32::try_from(value).expect("five bits");
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    bytes
}

#[test]
fn the_codes_of_rfc_6238_appendix_b() {
    let key = base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    assert_eq!(key, b"12345678901234567890");
    assert_eq!(at(&key, 59), 287_082);
    assert_eq!(at(&key, 1_111_111_109), 81_804);
}
