use serde::{Deserialize, Serialize};

use crate::PopTarget;

/// What a screen pop may open; set by IT's policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PopAllowList {
    /// Hosts, `example.com` or `*.example.com`; the contact-centre server's own is always allowed.
    pub hosts: Vec<String>,
    /// Full paths of programs.
    pub programs: Vec<String>,
}

/// Why something may not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PopRefusal {
    /// Not an address of the web.
    #[error("it is not an http or https address")]
    NotAnAddress,
    /// A name or password before the host, which is how addresses lie about their host.
    #[error("a name stands before the host of the address")]
    UserInfo,
    /// The host is not on the list.
    #[error("the host {0} is not on the list")]
    Host(String),
    /// Not a full path without `..`.
    #[error("the program has no full path")]
    NotAFullPath,
    /// The program is not on the list.
    #[error("the program {0} is not on the list")]
    Program(String),
}

impl PopAllowList {
    /// Whether this may be opened; `own` is the address or host of the contact-centre server.
    ///
    /// # Errors
    /// [`PopRefusal`], which names what is not allowed.
    pub fn permits(&self, target: &PopTarget, own: Option<&str>) -> Result<(), PopRefusal> {
        match target {
            PopTarget::Url(address) => self.permits_address(address, own),
            PopTarget::Program { path, .. } => self.permits_program(path),
        }
    }

    fn permits_address(&self, address: &str, own: Option<&str>) -> Result<(), PopRefusal> {
        let host = host_of(address)?;
        let own = own.map(|own| {
            host_of(own).unwrap_or_else(|_| {
                let bare = own.split(['/', ':']).next().unwrap_or(own);
                bare.to_ascii_lowercase()
            })
        });
        let allowed = own.is_some_and(|own| own == host)
            || self.hosts.iter().any(|pattern| matches(pattern, &host));
        if allowed {
            Ok(())
        } else {
            Err(PopRefusal::Host(host))
        }
    }

    fn permits_program(&self, path: &str) -> Result<(), PopRefusal> {
        let parts = || path.split(['/', '\\']);
        let mut letters = path.chars();
        let drive = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
            && letters.next() == Some(':')
            && matches!(letters.next(), Some('\\' | '/'));
        let full = (path.starts_with('/') && !path.starts_with("//") || drive)
            && parts().all(|part| part != ".." && part != ".")
            && !path.contains(char::is_control);
        if !full {
            Err(PopRefusal::NotAFullPath)
        } else if self.programs.iter().any(|allowed| allowed == path) {
            Ok(())
        } else {
            Err(PopRefusal::Program(path.to_owned()))
        }
    }
}

/// The host of a web address, in small letters; strict, so that a browser can read nothing else in it.
fn host_of(address: &str) -> Result<String, PopRefusal> {
    let (scheme, rest) = address.split_once("://").ok_or(PopRefusal::NotAnAddress)?;
    let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    // Browsers take a backslash for a slash and drop line ends.
    let odd = address.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\');
    if !web || odd {
        return Err(PopRefusal::NotAnAddress);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if authority.contains('@') {
        return Err(PopRefusal::UserInfo);
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(literal) => {
            let (inner, after) = literal.split_once(']').ok_or(PopRefusal::NotAnAddress)?;
            inner
                .parse::<std::net::Ipv6Addr>()
                .map_err(|_| PopRefusal::NotAnAddress)?;
            (format!("[{}]", inner.to_ascii_lowercase()), after)
        }
        None => {
            let (host, port) = match authority.find(':') {
                Some(at) => authority.split_at(at),
                None => (authority, ""),
            };
            let plain = host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
            let host = host.strip_suffix('.').unwrap_or(host);
            if !plain || host.is_empty() || host.starts_with('.') {
                return Err(PopRefusal::NotAnAddress);
            }
            (host.to_ascii_lowercase(), port)
        }
    };
    let port_fits = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|digits| digits.is_empty() || digits.parse::<u16>().is_ok());
    if port_fits {
        Ok(host)
    } else {
        Err(PopRefusal::NotAnAddress)
    }
}

/// `example.com` is that host; `*.example.com` is every one below it.
fn matches(pattern: &str, host: &str) -> bool {
    let pattern = pattern.trim().to_ascii_lowercase();
    match pattern.strip_prefix("*.") {
        Some(parent) => {
            !parent.is_empty()
                && host
                    .strip_suffix(parent)
                    .and_then(|below| below.strip_suffix('.'))
                    .is_some_and(|below| !below.is_empty())
        }
        None => pattern == host,
    }
}
