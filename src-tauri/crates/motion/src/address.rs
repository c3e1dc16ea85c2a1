use std::fmt;

use url::Url;

use crate::fault::Fault;
use crate::routes::Route;

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
    pub(crate) fn of(&self, route: Route) -> Url {
        let (path, query) = match route.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (route.path, None),
        };
        let mut url = self.0.clone();
        let full = format!("{}{path}", self.0.path());
        url.set_path(&full);
        url.set_query(query);
        url
    }
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
            assert_eq!(url.of(ROUTES.me).as_str(), me);
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
            url.of(ROUTES.queues).as_str(),
            "https://a.example/api/voice/queues?member=me"
        );
    }
}
