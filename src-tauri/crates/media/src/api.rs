/// Sample rate of every block, in Hz.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples in a block: 10 ms.
pub const BLOCK: usize = 480;
/// 10 ms of mono sound at 48 kHz, full scale ±1.0.
pub type Block = [f32; BLOCK];

/// Why a session could not be made or went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The SDP is malformed.
    #[error("the far end's session description is malformed at line {line}: {fault}")]
    BadSdp {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        fault: String,
    },
    /// No audio stream, or none of our codecs.
    #[error("no codec in common: the far end offers {0}")]
    NoCommonCodec(String),
    /// Keying that we do not accept here, for example plain RTP where encryption is required.
    #[error("the far end's media security is not accepted: {0}")]
    Keying(String),
    /// The certificate of the DTLS handshake is not the one that the SDP named.
    #[error(
        "the far end's media certificate does not match its session description; the call was not connected"
    )]
    Fingerprint,
    /// DTLS did not complete.
    #[error("the media encryption could not be set up: {0}")]
    Dtls(String),
    /// No path to the far end.
    #[error("no network path for sound was found: {0}")]
    NoPath(String),
    /// A socket could not be opened.
    #[error("cannot open a media socket: {0}")]
    Socket(String),
    /// A device could not be used.
    #[error("{device} cannot be used: {fault}")]
    Device {
        /// Its name.
        device: String,
        /// What happened and what to do.
        fault: String,
    },
    /// The microphone check did not come to its end.
    #[error("the microphone check was ended: {0}")]
    CheckEnded(&'static str),
    /// A WAV file could not be used.
    #[error("{path}: {fault}")]
    File {
        /// Which file.
        path: String,
        /// What is wrong with it.
        fault: String,
    },
    /// A codec could not be started.
    #[error("the codec {codec} cannot be used: {fault}")]
    Codec {
        /// Its name.
        codec: &'static str,
        /// What its library said.
        fault: String,
    },
    /// Offer and answer out of order.
    #[error("offer and answer are out of order: {0}")]
    OfferAnswer(&'static str),
}
