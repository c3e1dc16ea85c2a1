//! Text to session description.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sidetone_profile::Secret;

use super::{
    AudioMedia, CryptoLine, Fingerprint, Format, IceParams, Media, OtherMedia, Session, Setup,
};
use crate::{Direction, MediaError};

/// Longest description that is read, bytes.
const LONGEST: usize = 64 * 1024;
/// Most m-lines, candidates or formats that are read.
const MOST: usize = 64;

impl Session {
    /// Reads a description.
    ///
    /// # Errors
    /// [`MediaError::BadSdp`] with the line at fault.
    pub(crate) fn parse(text: &str) -> Result<Self, MediaError> {
        if text.len() > LONGEST {
            return Err(fault(1, format!("it is longer than {LONGEST} bytes")));
        }
        Parser::default().run(text)
    }
}

/// Attributes that may stand at the session level and count for every medium.
#[derive(Clone, Debug, Default)]
struct Shared {
    address: Option<IpAddr>,
    direction: Option<Direction>,
    ufrag: Option<String>,
    pwd: Option<String>,
    lite: bool,
    fingerprints: Vec<Fingerprint>,
    setup: Option<Setup>,
}

#[derive(Debug, Default)]
struct Parser {
    session: Shared,
    /// Those of the medium that is being read.
    medium: Shared,
    origin: Option<(u64, u64)>,
    bundle: Vec<String>,
    media: Vec<Media>,
}

impl Parser {
    fn run(mut self, text: &str) -> Result<Session, MediaError> {
        let mut last = 0;
        for (index, line) in text.split('\n').enumerate() {
            let number = index + 1;
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            last = number;
            let Some((kind, value)) = line.split_once('=') else {
                return Err(fault(number, "it is not of the form x=value"));
            };
            if self.origin.is_none() && last == number && index == 0 && (kind, value) != ("v", "0")
            {
                return Err(fault(number, "the description does not begin with v=0"));
            }
            self.line(number, kind, value)?;
        }
        if last == 0 {
            return Err(fault(1, "it is empty"));
        }
        self.finish_medium();
        let (id, version) = self
            .origin
            .ok_or_else(|| fault(last, "there is no o= line"))?;
        Ok(Session {
            id,
            version,
            address: self
                .session
                .address
                .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            media: self.media,
            bundle: self.bundle,
        })
    }

    fn line(&mut self, number: usize, kind: &str, value: &str) -> Result<(), MediaError> {
        match kind {
            "o" => self.origin(number, value),
            "c" => {
                let address = connection(number, value)?;
                self.scope().address = address;
                Ok(())
            }
            "m" => self.medium(number, value),
            "a" => {
                let (name, value) = value.split_once(':').unwrap_or((value, ""));
                self.attribute(number, name, value.trim())
            }
            kind if kind.len() == 1 => Ok(()),
            _ => Err(fault(number, "it is not of the form x=value")),
        }
    }

    fn origin(&mut self, number: usize, value: &str) -> Result<(), MediaError> {
        let mut words = value.split_ascii_whitespace().skip(1);
        let id = words.next().and_then(|word| word.parse().ok());
        let version = words.next().and_then(|word| word.parse().ok());
        match (id, version) {
            (Some(id), Some(version)) => {
                self.origin = Some((id, version));
                Ok(())
            }
            _ => Err(fault(number, "o= has no numeric session id and version")),
        }
    }

    fn medium(&mut self, number: usize, value: &str) -> Result<(), MediaError> {
        self.finish_medium();
        if self.media.len() >= MOST {
            return Err(fault(
                number,
                format!("there are more than {MOST} m= lines"),
            ));
        }
        let mut words = value.split_ascii_whitespace();
        let (Some(kind), Some(port), Some(protocol)) = (words.next(), words.next(), words.next())
        else {
            return Err(fault(
                number,
                "m= needs a medium, a port, a protocol and formats",
            ));
        };
        let port = port.split('/').next().unwrap_or(port);
        let port: u16 = port
            .parse()
            .map_err(|_| fault(number, format!("{port:?} is not a port")))?;
        self.medium = Shared::default();
        if kind != "audio" {
            self.media.push(Media::Other(OtherMedia {
                kind: kind.to_owned(),
                protocol: protocol.to_owned(),
                formats: words.collect::<Vec<_>>().join(" "),
                mid: None,
            }));
            return Ok(());
        }
        let mut formats = Vec::new();
        for word in words.take(MOST) {
            let payload_type = payload_type(number, word)?;
            formats.push(static_format(payload_type));
        }
        if formats.is_empty() {
            return Err(fault(number, "m=audio names no format"));
        }
        self.media.push(Media::Audio(Box::new(AudioMedia {
            line: number,
            port,
            address: None,
            protocol: protocol.to_owned(),
            formats,
            direction: Direction::SendRecv,
            ptime: None,
            max_ptime: None,
            mid: None,
            rtcp_mux: false,
            rtcp: None,
            ice: None,
            candidates: Vec::new(),
            fingerprints: Vec::new(),
            setup: None,
            crypto: Vec::new(),
            bundle_only: false,
        })));
        Ok(())
    }

    fn attribute(&mut self, number: usize, name: &str, value: &str) -> Result<(), MediaError> {
        match name {
            "sendrecv" => self.scope().direction = Some(Direction::SendRecv),
            "sendonly" => self.scope().direction = Some(Direction::SendOnly),
            "recvonly" => self.scope().direction = Some(Direction::RecvOnly),
            "inactive" => self.scope().direction = Some(Direction::Inactive),
            "ice-ufrag" => self.scope().ufrag = Some(value.to_owned()),
            "ice-pwd" => self.scope().pwd = Some(value.to_owned()),
            "ice-lite" => self.scope().lite = true,
            "fingerprint" => {
                let fingerprint = fingerprint(number, value)?;
                self.scope().fingerprints.push(fingerprint);
            }
            "setup" => {
                self.scope().setup = match value {
                    "active" => Some(Setup::Active),
                    "passive" => Some(Setup::Passive),
                    "actpass" => Some(Setup::ActPass),
                    // holdconn: no connection now; nothing that a phone's stream uses.
                    _ => None,
                };
            }
            "group" if self.media.is_empty() => {
                let mut words = value.split_ascii_whitespace();
                if words.next() == Some("BUNDLE") {
                    self.bundle = words.map(str::to_owned).take(MOST).collect();
                }
            }
            "mid" => match self.media.last_mut() {
                Some(Media::Audio(audio)) => audio.mid = Some(value.to_owned()),
                Some(Media::Other(other)) => other.mid = Some(value.to_owned()),
                None => {}
            },
            _ => {
                if let Some(Media::Audio(audio)) = self.media.last_mut() {
                    audio_attribute(audio, number, name, value)?;
                }
            }
        }
        Ok(())
    }

    fn scope(&mut self) -> &mut Shared {
        if self.media.is_empty() {
            &mut self.session
        } else {
            &mut self.medium
        }
    }

    fn finish_medium(&mut self) {
        let Some(Media::Audio(audio)) = self.media.last_mut() else {
            return;
        };
        let (own, session) = (&self.medium, &self.session);
        audio.address = own.address.or(session.address);
        audio.direction = own
            .direction
            .or(session.direction)
            .unwrap_or(Direction::SendRecv);
        audio.setup = own.setup.or(session.setup);
        let fingerprints = if own.fingerprints.is_empty() {
            &session.fingerprints
        } else {
            &own.fingerprints
        };
        audio.fingerprints.clone_from(fingerprints);
        let ufrag = own.ufrag.as_ref().or(session.ufrag.as_ref());
        let pwd = own.pwd.as_ref().or(session.pwd.as_ref());
        if let (Some(ufrag), Some(pwd)) = (ufrag, pwd) {
            audio.ice = Some(IceParams {
                ufrag: ufrag.clone(),
                pwd: Secret::new(pwd.clone()),
                lite: own.lite || session.lite,
            });
        }
    }
}

fn audio_attribute(
    audio: &mut AudioMedia,
    number: usize,
    name: &str,
    value: &str,
) -> Result<(), MediaError> {
    match name {
        "rtpmap" => rtpmap(audio, number, value)?,
        "fmtp" => {
            let (word, parameters) = value
                .split_once(' ')
                .ok_or_else(|| fault(number, "a=fmtp has no parameters"))?;
            let payload_type = payload_type(number, word)?;
            if let Some(format) = format_mut(audio, payload_type) {
                format.parameters = parameters.trim().to_owned();
            }
        }
        "ptime" => audio.ptime = packet_ms(value),
        "maxptime" => audio.max_ptime = packet_ms(value),
        "rtcp-mux" => audio.rtcp_mux = true,
        "bundle-only" => audio.bundle_only = true,
        "rtcp" => audio.rtcp = rtcp(number, value)?,
        "candidate" if audio.candidates.len() < MOST => audio.candidates.push(value.to_owned()),
        "crypto" if audio.crypto.len() < MOST => {
            if let Some(line) = crypto(number, value)? {
                audio.crypto.push(line);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Some write fractions; a value out of bounds is the same as none.
fn packet_ms(value: &str) -> Option<u32> {
    let ms: f32 = value.parse().ok()?;
    (1.0..=200.0).contains(&ms).then_some(ms as u32)
}

fn rtpmap(audio: &mut AudioMedia, number: usize, value: &str) -> Result<(), MediaError> {
    let (word, encoding) = value
        .split_once(' ')
        .ok_or_else(|| fault(number, "a=rtpmap names no encoding"))?;
    let payload_type = payload_type(number, word)?;
    let mut parts = encoding.trim().split('/');
    let name = parts.next().unwrap_or_default();
    let clock: u32 = parts
        .next()
        .and_then(|clock| clock.parse().ok())
        .filter(|clock| *clock > 0)
        .ok_or_else(|| fault(number, "a=rtpmap has no clock rate"))?;
    let channels = parts.next().and_then(|count| count.parse().ok());
    if let Some(format) = format_mut(audio, payload_type) {
        name.clone_into(&mut format.name);
        format.clock = clock;
        format.channels = channels.unwrap_or(1);
    }
    Ok(())
}

fn format_mut(audio: &mut AudioMedia, payload_type: u8) -> Option<&mut Format> {
    audio
        .formats
        .iter_mut()
        .find(|format| format.payload_type == payload_type)
}

fn payload_type(number: usize, word: &str) -> Result<u8, MediaError> {
    word.parse()
        .ok()
        .filter(|payload_type| *payload_type < 128)
        .ok_or_else(|| fault(number, format!("{word:?} is not a payload type")))
}

/// What a payload type means without `a=rtpmap` (RFC 3551 section 6).
fn static_format(payload_type: u8) -> Format {
    let (name, clock) = match payload_type {
        0 => ("PCMU", 8000),
        3 => ("GSM", 8000),
        8 => ("PCMA", 8000),
        9 => ("G722", 8000),
        13 => ("CN", 8000),
        18 => ("G729", 8000),
        _ => ("", 8000),
    };
    Format {
        payload_type,
        name: name.to_owned(),
        clock,
        channels: 1,
        parameters: String::new(),
    }
}

/// The address of `c=`; `None` for a host name, which is not resolved here.
fn connection(number: usize, value: &str) -> Result<Option<IpAddr>, MediaError> {
    let mut words = value.split_ascii_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("IN"), Some("IP4" | "IP6"), Some(address)) => {
            let address = address.split('/').next().unwrap_or(address);
            Ok(address.parse().ok())
        }
        _ => Err(fault(number, "c= is not of the form IN IP4 address")),
    }
}

fn rtcp(number: usize, value: &str) -> Result<Option<SocketAddr>, MediaError> {
    let (port, rest) = value.split_once(' ').unwrap_or((value, ""));
    let port: u16 = port
        .parse()
        .map_err(|_| fault(number, "a=rtcp has no port"))?;
    if rest.is_empty() {
        // The address is that of c=, which may stand further down: the default (next port) is the same in practice.
        return Ok(None);
    }
    Ok(connection(number, rest)?.map(|address| SocketAddr::new(address, port)))
}

fn fingerprint(number: usize, value: &str) -> Result<Fingerprint, MediaError> {
    let (hash, digits) = value
        .split_once(' ')
        .ok_or_else(|| fault(number, "a=fingerprint has no hash name and value"))?;
    let value = digits
        .trim()
        .split(':')
        .map(|pair| u8::from_str_radix(pair, 16))
        .collect::<Result<Vec<u8>, _>>()
        .map_err(|_| fault(number, "a=fingerprint is not pairs of hexadecimal digits"))?;
    Ok(Fingerprint {
        hash: hash.to_ascii_lowercase(),
        value,
    })
}

/// One `a=crypto`; `None` for one with parameters that are not supported (a lifetime is, an MKI is not).
fn crypto(number: usize, value: &str) -> Result<Option<CryptoLine>, MediaError> {
    let mut words = value.split_ascii_whitespace();
    let (Some(tag), Some(suite), Some(keys)) = (words.next(), words.next(), words.next()) else {
        return Err(fault(number, "a=crypto needs a tag, a suite and a key"));
    };
    let tag = tag
        .parse()
        .map_err(|_| fault(number, "the tag of a=crypto is not a number"))?;
    let Some(key) = keys.strip_prefix("inline:") else {
        return Err(fault(number, "the key of a=crypto is not inline"));
    };
    let mut parts = key.split('|');
    let key = parts.next().unwrap_or_default();
    if parts.any(|part| part.contains(':')) || words.next().is_some() {
        return Ok(None);
    }
    Ok(Some(CryptoLine {
        tag,
        suite: suite.to_owned(),
        key: Secret::new(key),
    }))
}

fn fault(line: usize, fault: impl Into<String>) -> MediaError {
    MediaError::BadSdp {
        line,
        fault: fault.into(),
    }
}
