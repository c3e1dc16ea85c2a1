use std::fmt;

use url::Url;

use crate::fault::Fault;
use crate::routes::{Route, placeholder};

/// The base address of a contact-centre server; always HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl(Url);

impl ServerUrl {
    /// Reads what a person typed: `motion.example.com` means `https://motion.example.com/`.
    ///
    /// # Errors
    /// [`Fault::BadAddress`] when it is no HTTPS address.
    pub fn parse(typed: &str) -> Result<Self, Fault> {
        let typed = typed.trim();
        let bad = |why: &'static str| Fault::BadAddress {
            typed: typed.to_owned(),
            why,
        };
        if typed.is_empty() {
            return Err(bad("it is empty"));
        }
        let text = if typed.contains("://") {
            typed.to_owned()
        } else {
            format!("https://{typed}")
        };
        let mut url = Url::parse(&text).map_err(|_| bad("it is not a web address"))?;
        match url.scheme() {
            "https" => {}
            "http" => {
                return Err(bad("http would send the password unencrypted; use https"));
            }
            _ => return Err(bad("it does not begin with https")),
        }
        if !url.has_host() || url.host_str().is_none_or(str::is_empty) {
            return Err(bad("it names no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("name and password do not belong in the address"));
        }
        url.set_query(None);
        url.set_fragment(None);
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self(url))
    }

    /// Host name or address, as it is verified in the certificate.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(443)
    }

    /// The full address of a route.
    pub(crate) fn of(&self, route: &Route) -> Url {
        self.of_one(route, "")
    }

    /// The full address of a route about one thing, whatever characters its name has.
    pub(crate) fn of_one(&self, route: &Route, name: &str) -> Url {
        let path = match placeholder(&route.path) {
            Some(placeholder) => route.path.replace(placeholder, &encoded(name)),
            None => route.path.to_string(),
        };
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path.as_str(), None),
        };
        let mut url = self.0.clone();
        let full = format!("{}{path}", self.0.path());
        url.set_path(&full);
        url.set_query(query);
        url
    }

    /// Whether an address is on this server: same scheme, host and port.
    pub(crate) fn serves(&self, address: &Url) -> bool {
        self.0.origin() == address.origin()
    }

    /// The address of a page, given as a path below the server's or as a full address.
    ///
    /// # Errors
    /// [`Fault::BadAddress`] when it is no HTTPS address.
    pub fn page(&self, address: &str) -> Result<Url, Fault> {
        let bad = |why: &'static str| Fault::BadAddress {
            typed: address.to_owned(),
            why,
        };
        let url = self
            .0
            .join(address.trim())
            .map_err(|_| bad("it is not a web address"))?;
        if url.scheme() != "https" {
            return Err(bad("it does not begin with https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("name and password do not belong in the address"));
        }
        Ok(url)
    }
}

/// One segment of a path (RFC 3986 section 2.1).
fn encoded(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = fmt::Write::write_fmt(&mut path, format_args!("%{byte:02X}"));
        }
    }
    path
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;

    #[test]
    fn typed_addresses_become_https_base_addresses() {
        for (typed, shown, me) in [
            (
                "motion.example.com",
                "https://motion.example.com",
                "https://motion.example.com/api/users/me",
            ),
            (
                " https://motion.example.com:8443/ ",
                "https://motion.example.com:8443",
                "https://motion.example.com:8443/api/users/me",
            ),
            (
                "https://host.example/cc?x=1#y",
                "https://host.example/cc",
                "https://host.example/cc/api/users/me",
            ),
            (
                "[::1]:8443",
                "https://[::1]:8443",
                "https://[::1]:8443/api/users/me",
            ),
        ] {
            let url = ServerUrl::parse(typed).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(url.of(&ROUTES.me).as_str(), me);
        }
    }

    #[test]
    fn what_is_no_https_address_is_refused_with_a_reason() {
        for (typed, word) in [
            ("", "empty"),
            ("http://motion.example.com", "unencrypted"),
            ("ftp://motion.example.com", "https"),
            ("https://", "not a web address"),
            ("a b", "not a web address"),
            ("https://me:secret@motion.example.com", "password"),
        ] {
            let fault = ServerUrl::parse(typed).unwrap_err().to_string();
            assert!(fault.contains(word), "{typed}: {fault}");
        }
    }

    #[test]
    fn a_query_in_the_table_stays_a_query() {
        let url = ServerUrl::parse("a.example").unwrap();
        assert_eq!(
            url.of(&ROUTES.queues).as_str(),
            "https://a.example/api/voice/queues?member=me"
        );
    }

    #[test]
    fn the_name_of_a_call_stays_one_segment_of_the_path() {
        let url = ServerUrl::parse("a.example/cc").unwrap();
        for (name, segment) in [
            ("9f-1@10.0.0.7", "9f-1%4010.0.0.7"),
            ("a/../../b?c#d", "a%2F..%2F..%2Fb%3Fc%23d"),
            ("più tardi", "pi%C3%B9%20tardi"),
        ] {
            assert_eq!(
                url.of_one(&ROUTES.dispose, name).as_str(),
                format!("https://a.example/cc/api/calls/{segment}/disposition")
            );
        }
    }

    #[test]
    fn pages_are_below_the_server_or_full_https_addresses() {
        let url = ServerUrl::parse("a.example/cc").unwrap();
        for (address, full) in [
            ("chat/7", Some("https://a.example/cc/chat/7")),
            ("/chat/7", Some("https://a.example/chat/7")),
            ("https://b.example/x", Some("https://b.example/x")),
            ("//b.example/x", Some("https://b.example/x")),
            ("http://a.example/x", None),
            ("file:///etc/passwd", None),
            ("javascript:alert(1)", None),
            ("https://me:secret@a.example/", None),
        ] {
            let got = url.page(address).ok();
            assert_eq!(got.as_ref().map(url::Url::as_str), full, "{address}");
        }
    }
}
