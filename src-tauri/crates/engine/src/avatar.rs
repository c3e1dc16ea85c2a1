use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sidetone_profile::{AVATAR_LIMIT, AvatarError, AvatarKind};

/// The picture of who is signed in: PNG or JPEG by its content, at most 8 MB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Avatar {
    kind: AvatarKind,
    bytes: Vec<u8>,
}

impl Avatar {
    /// So many bytes are worth fetching: one more than may be used tells that it is too large.
    pub(crate) const LIMIT: usize = AVATAR_LIMIT;

    /// Looks at what the server sent.
    pub(crate) fn read(bytes: Vec<u8>) -> Result<Self, AvatarError> {
        AvatarKind::of(&bytes).map(|kind| Self { kind, bytes })
    }

    /// Its media type, by its content.
    #[must_use]
    pub const fn media_type(&self) -> &'static str {
        self.kind.media_type()
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The picture as a `data:` address (RFC 2397), the only kind that the bar's page loads.
    #[must_use]
    pub fn data_url(&self) -> String {
        let encoded = STANDARD.encode(&self.bytes);
        format!("data:{};base64,{encoded}", self.kind.media_type())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_becomes_an_address_and_other_files_are_refused_in_words() {
        let png = Avatar::read(b"\x89PNG\r\n\x1a\n".to_vec()).unwrap();
        assert_eq!(png.data_url(), "data:image/png;base64,iVBORw0KGgo=");
        let script = Avatar::read(b"<svg onload='x()'/>".to_vec()).unwrap_err();
        assert!(
            script.to_string().contains("neither PNG nor JPG"),
            "{script}"
        );
        let large = Avatar::read(vec![0xff; Avatar::LIMIT + 1]).unwrap_err();
        assert!(large.to_string().contains("larger than 8 MB"), "{large}");
    }
}
