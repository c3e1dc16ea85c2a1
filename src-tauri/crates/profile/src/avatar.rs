/// An avatar may have so many bytes.
pub const AVATAR_LIMIT: usize = 8 * 1024 * 1024;

/// What kind of picture an avatar is, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AvatarKind {
    /// `image/png`.
    Png,
    /// `image/jpeg`.
    Jpeg,
}

/// Why a file is no avatar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AvatarError {
    /// More than [`AVATAR_LIMIT`].
    #[error("the picture is larger than 8 MB; choose a smaller one")]
    TooLarge,
    /// Neither PNG nor JPEG, whatever its name says.
    #[error("the picture is neither PNG nor JPG; choose another one")]
    OtherKind,
}

impl AvatarKind {
    /// Looks at a file's content.
    ///
    /// # Errors
    /// [`AvatarError`], a sentence for the agent.
    pub fn of(bytes: &[u8]) -> Result<Self, AvatarError> {
        if bytes.len() > AVATAR_LIMIT {
            return Err(AvatarError::TooLarge);
        }
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Ok(Self::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Ok(Self::Jpeg)
        } else {
            Err(AvatarError::OtherKind)
        }
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }
}
