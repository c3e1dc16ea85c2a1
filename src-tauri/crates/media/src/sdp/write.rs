//! Session description to text.

use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;

use super::{AudioMedia, Fingerprint, Media, OtherMedia, Session, Setup};
use crate::Direction;

impl Display for Session {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (family, address) = (family(self.address), self.address);
        write!(
            f,
            "v=0\r\no=sidetone {} {} IN {family} {address}\r\ns=-\r\n",
            self.id, self.version
        )?;
        write!(f, "c=IN {family} {address}\r\nt=0 0\r\n")?;
        if !self.bundle.is_empty() {
            write!(f, "a=group:BUNDLE {}\r\n", self.bundle.join(" "))?;
        }
        for media in &self.media {
            match media {
                Media::Audio(audio) => audio.fmt(f)?,
                Media::Other(other) => other.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl Display for OtherMedia {
    /// An m-line that is not used is written as refused.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "m={} 0 {} {}\r\n",
            self.kind, self.protocol, self.formats
        )?;
        if let Some(mid) = &self.mid {
            write!(f, "a=mid:{mid}\r\n")?;
        }
        Ok(())
    }
}

impl Display for AudioMedia {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "m=audio {} {}", self.port, self.protocol)?;
        for format in &self.formats {
            write!(f, " {}", format.payload_type)?;
        }
        f.write_str("\r\n")?;
        if let Some(address) = self.address {
            write!(f, "c=IN {} {address}\r\n", family(address))?;
        }
        if let Some(mid) = &self.mid {
            write!(f, "a=mid:{mid}\r\n")?;
        }
        self.write_formats(f)?;
        if let Some(ptime) = self.ptime {
            write!(f, "a=ptime:{ptime}\r\n")?;
        }
        self.write_transport(f)?;
        let direction = match self.direction {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        };
        write!(f, "a={direction}\r\n")
    }
}

impl AudioMedia {
    fn write_formats(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for format in &self.formats {
            write!(
                f,
                "a=rtpmap:{} {}/{}",
                format.payload_type, format.name, format.clock
            )?;
            if format.channels > 1 {
                write!(f, "/{}", format.channels)?;
            }
            f.write_str("\r\n")?;
            if !format.parameters.is_empty() {
                write!(
                    f,
                    "a=fmtp:{} {}\r\n",
                    format.payload_type, format.parameters
                )?;
            }
        }
        Ok(())
    }

    fn write_transport(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(rtcp) = self.rtcp {
            write!(
                f,
                "a=rtcp:{} IN {} {}\r\n",
                rtcp.port(),
                family(rtcp.ip()),
                rtcp.ip()
            )?;
        }
        if self.rtcp_mux {
            f.write_str("a=rtcp-mux\r\n")?;
        }
        if let Some(ice) = &self.ice {
            write!(
                f,
                "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n",
                ice.ufrag,
                ice.pwd.reveal()
            )?;
        }
        for candidate in &self.candidates {
            write!(f, "a=candidate:{candidate}\r\n")?;
        }
        if !self.candidates.is_empty() {
            f.write_str("a=end-of-candidates\r\n")?;
        }
        for fingerprint in &self.fingerprints {
            write!(f, "a=fingerprint:{fingerprint}\r\n")?;
        }
        if let Some(setup) = self.setup {
            let setup = match setup {
                Setup::Active => "active",
                Setup::Passive => "passive",
                Setup::ActPass => "actpass",
            };
            write!(f, "a=setup:{setup}\r\n")?;
        }
        for crypto in &self.crypto {
            write!(
                f,
                "a=crypto:{} {} inline:{}\r\n",
                crypto.tag,
                crypto.suite,
                crypto.key.reveal()
            )?;
        }
        Ok(())
    }
}

impl Display for Fingerprint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.hash)?;
        for (index, byte) in self.value.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

const fn family(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IP4",
        IpAddr::V6(_) => "IP6",
    }
}
