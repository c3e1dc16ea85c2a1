//! Who may ask. A browser lets any web page send requests to a loopback port: everything a page could be behind is
//! refused before the path is looked at.

use hyper::header::{self, HeaderMap, HeaderName};
use hyper::http::request::Parts;
use sidetone_profile::Secret;
use subtle::ConstantTimeEq;

use crate::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const TOKEN: HeaderName = HeaderName::from_static("x-sidetone-token");

/// No honest request has more.
const MOST_HEADERS: usize = 64;
/// Bytes of all header names and values together.
const MOST_HEADER_BYTES: usize = 8 * 1024;
/// Bytes of path and query.
const LONGEST_TARGET: usize = 1024;

/// What the gate knows.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    /// Where the interface listens.
    pub(crate) port: u16,
    /// What every request must carry.
    pub(crate) token: Option<Secret>,
}

impl Gate {
    /// Lets a request in, or says why not.
    pub(crate) fn admit(&self, request: &Parts) -> Result<(), Problem> {
        let headers = &request.headers;
        within_limits(request)?;
        self.host(request)?;
        self.origin(headers)?;
        self.fetched(headers)?;
        self.token(headers)
    }

    /// A page that gave its own name our address (DNS rebinding) still sends its own name.
    fn host(&self, request: &Parts) -> Result<(), Problem> {
        let named = one(&request.headers, &header::HOST)?;
        let in_target = request.uri.authority().map(|authority| authority.as_str());
        let ours = |name: &str| self.is_our_authority(name);
        match (named, in_target) {
            (Some(host), target) if ours(host) && target.is_none_or(ours) => Ok(()),
            (None, _) => Err(Problem::malformed("The Host header is missing.")),
            _ => Err(Problem::new(
                421,
                "wrong_host",
                "The request was meant for another machine: only localhost and 127.0.0.1 with this port are answered.",
            )),
        }
    }

    fn origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match one(headers, &header::ORIGIN)? {
            None => Ok(()),
            Some(origin) if self.is_our_origin(origin) => Ok(()),
            Some(_) => Err(web_page()),
        }
    }

    /// What a page's pictures, forms and links send instead of an `Origin`.
    fn fetched(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match one(headers, &SEC_FETCH_SITE)? {
            None | Some("none" | "same-origin") => {}
            Some(_) => return Err(web_page()),
        }
        match one(headers, &header::REFERER)? {
            None => Ok(()),
            Some(page) if self.is_our_page(page) => Ok(()),
            Some(_) => Err(web_page()),
        }
    }

    fn token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(token) = &self.token else {
            return Ok(());
        };
        let bearer = one(headers, &header::AUTHORIZATION)?
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let given = match bearer {
            Some(given) => Some(given),
            None => one(headers, &TOKEN)?,
        };
        let is_it = |given: &str| bool::from(given.as_bytes().ct_eq(token.reveal().as_bytes()));
        match given {
            Some(given) if is_it(given) => Ok(()),
            Some(_) => Err(Problem::new(
                401,
                "wrong_token",
                "The token is not the one that this machine's policy sets.",
            )),
            None => Err(Problem::new(
                401,
                "token_required",
                "This machine's policy asks for a token: send it as Authorization: Bearer, or as X-Sidetone-Token.",
            )),
        }
    }

    fn is_our_authority(&self, name: &str) -> bool {
        let (host, port) = match name.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()),
            None => (name, Some(80)),
        };
        port == Some(self.port) && (host.eq_ignore_ascii_case("localhost") || host == "127.0.0.1")
    }

    fn is_our_origin(&self, origin: &str) -> bool {
        origin
            .strip_prefix("http://")
            .is_some_and(|authority| self.is_our_authority(authority))
    }

    fn is_our_page(&self, page: &str) -> bool {
        page.strip_prefix("http://")
            .map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(rest))
            .is_some_and(|authority| self.is_our_authority(authority))
    }
}

fn web_page() -> Problem {
    Problem::new(
        403,
        "web_page",
        "The request comes from a web page, and no web page may drive the phone.",
    )
}

fn within_limits(request: &Parts) -> Result<(), Problem> {
    let target = request.uri.path().len() + request.uri.query().map_or(0, str::len);
    if target > LONGEST_TARGET {
        return Err(Problem::new(
            414,
            "target_too_long",
            "The path is longer than any path of this interface.",
        ));
    }
    let bytes: usize = request
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if request.headers.len() > MOST_HEADERS || bytes > MOST_HEADER_BYTES {
        return Err(Problem::new(
            431,
            "headers_too_large",
            "The request has more headers than this interface reads.",
        ));
    }
    Ok(())
}

/// The one value of a header; twice or unreadable is refused, since whoever reads the other one would judge otherwise.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let wrong = |what| Problem::malformed(format!("The header {name} {what}."));
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value
            .to_str()
            .map(Some)
            .map_err(|_| wrong("is not readable")),
        (Some(_), Some(_)) => Err(wrong("comes twice")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Gate = Gate {
        port: 9888,
        token: None,
    };

    fn judged(gate: &Gate, headers: &[(&str, &str)]) -> u16 {
        let mut request = hyper::Request::get("/api/calls");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        gate.admit(&parts)
            .map_or_else(|problem| problem.status, |()| 200)
    }

    #[test]
    fn only_loopback_with_the_right_port_is_the_host() {
        for (host, status) in [
            ("localhost:9888", 200),
            ("LOCALHOST:9888", 200),
            ("127.0.0.1:9888", 200),
            ("localhost", 421),
            ("localhost:80", 421),
            ("localhost:98880", 421),
            ("evil.example:9888", 421),
            ("127.0.0.1.evil.example:9888", 421),
            ("localhost.evil.example:9888", 421),
            ("127.0.0.2:9888", 421),
            ("0.0.0.0:9888", 421),
            ("[::1]:9888", 421),
            ("", 421),
        ] {
            assert_eq!(judged(&OPEN, &[("host", host)]), status, "{host}");
        }
        assert_eq!(judged(&OPEN, &[]), 400);
        let twice = [("host", "localhost:9888"), ("host", "evil.example")];
        assert_eq!(judged(&OPEN, &twice), 400);
        let default_port = Gate {
            port: 80,
            token: None,
        };
        assert_eq!(judged(&default_port, &[("host", "localhost")]), 200);
    }

    #[test]
    fn no_web_page_gets_in() {
        for (name, value, status) in [
            ("origin", "http://localhost:9888", 200),
            ("origin", "http://127.0.0.1:9888", 200),
            ("origin", "https://localhost:9888", 403),
            ("origin", "http://localhost:3000", 403),
            ("origin", "http://localhost", 403),
            ("origin", "https://crm.example.com", 403),
            ("origin", "http://localhost:9888.evil.example", 403),
            ("origin", "null", 403),
            ("origin", "file://", 403),
            ("origin", "chrome-extension://abcdef", 403),
            ("origin", "", 403),
            ("sec-fetch-site", "none", 200),
            ("sec-fetch-site", "same-origin", 200),
            ("sec-fetch-site", "same-site", 403),
            ("sec-fetch-site", "cross-site", 403),
            ("sec-fetch-site", "something-new", 403),
            ("referer", "http://localhost:9888/api/calls", 200),
            ("referer", "https://crm.example.com/customers", 403),
            ("referer", "http://localhost:9888@evil.example/", 403),
            ("referer", "http://localhost:3000/", 403),
        ] {
            let headers = [("host", "localhost:9888"), (name, value)];
            assert_eq!(judged(&OPEN, &headers), status, "{name}: {value}");
        }
    }

    #[test]
    fn the_policys_token_opens_and_no_other() {
        let gate = Gate {
            port: 9888,
            token: Some(Secret::new("a right long token")),
        };
        for (headers, status) in [
            (vec![], 401),
            (vec![("authorization", "Bearer a right long token")], 200),
            (vec![("authorization", "bearer a right long token")], 200),
            (vec![("x-sidetone-token", "a right long token")], 200),
            (vec![("authorization", "Bearer a wrong long token")], 401),
            (vec![("authorization", "Bearer a right long")], 401),
            (vec![("authorization", "Basic a right long token")], 401),
            (vec![("x-sidetone-token", "")], 401),
        ] {
            let headers = [vec![("host", "localhost:9888")], headers].concat();
            assert_eq!(judged(&gate, &headers), status, "{headers:?}");
        }
        // The token is no pass for a web page.
        let page = [
            ("host", "localhost:9888"),
            ("origin", "https://crm.example.com"),
            ("x-sidetone-token", "a right long token"),
        ];
        assert_eq!(judged(&gate, &page), 403);
    }

    #[test]
    fn too_much_is_refused() {
        let long = "x".repeat(MOST_HEADER_BYTES);
        let headers = [("host", "localhost:9888"), ("x-long", long.as_str())];
        assert_eq!(judged(&OPEN, &headers), 431);
        let many = vec![("x-many", "1"); MOST_HEADERS];
        let headers = [vec![("host", "localhost:9888")], many].concat();
        assert_eq!(judged(&OPEN, &headers), 431);
    }
}
