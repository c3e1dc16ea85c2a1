use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sidetone_profile::Secret;

/// Memory in KiB and passes: what OWASP asks of Argon2id, about 50 ms here.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const MARK: &str = "argon2id";
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// Tells whether a password is the one of then, without holding it: a salted slow hash (Argon2id, RFC 9106).
pub(super) struct PasswordCheck {
    salt: [u8; SALT_BYTES],
    hash: [u8; HASH_BYTES],
}

impl PasswordCheck {
    /// Takes a while on purpose.
    pub(super) fn of(password: &Secret) -> Self {
        let salt = rand::random();
        Self {
            salt,
            hash: hash(password, &salt),
        }
    }

    /// Takes a while on purpose.
    pub(super) fn fits(&self, password: &Secret) -> bool {
        let other = hash(password, &self.salt);
        let difference = self.hash.iter().zip(other);
        difference.fold(0, |all, (a, b)| all | (a ^ b)) == 0
    }

    /// For the keychain.
    pub(super) fn write(&self) -> Secret {
        let (salt, hash) = (
            STANDARD_NO_PAD.encode(self.salt),
            STANDARD_NO_PAD.encode(self.hash),
        );
        Secret::new(format!("{MARK}${salt}${hash}"))
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let (mark, rest) = text.split_once('$')?;
        let (salt, hash) = rest.split_once('$')?;
        let salt = STANDARD_NO_PAD.decode(salt).ok()?;
        let hash = STANDARD_NO_PAD.decode(hash).ok()?;
        (mark == MARK).then_some(Self {
            salt: salt.try_into().ok()?,
            hash: hash.try_into().ok()?,
        })
    }
}

fn hash(password: &Secret, salt: &[u8]) -> [u8; HASH_BYTES] {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(HASH_BYTES))
        .expect("the constants are within the algorithm's limits");
    let mut hash = [0; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.reveal().as_bytes(), salt, &mut hash)
        .expect("a password and a salt of 16 bytes are within the algorithm's limits");
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_fits_and_the_check_does_not_hold_it() {
        let check = PasswordCheck::of(&Secret::new("correct horse"));
        let written = check.write();
        assert!(!written.reveal().contains("horse"));
        let read = PasswordCheck::read(written.reveal()).unwrap();
        assert!(read.fits(&Secret::new("correct horse")));
        assert!(!read.fits(&Secret::new("correct horses")));
        let again = PasswordCheck::of(&Secret::new("correct horse")).write();
        assert_ne!(again.reveal(), written.reveal(), "salted");
        for broken in ["", "argon2id", "argon2id$x$y", "md5$AAAA$AAAA"] {
            assert!(PasswordCheck::read(broken).is_none(), "{broken}");
        }
    }
}
