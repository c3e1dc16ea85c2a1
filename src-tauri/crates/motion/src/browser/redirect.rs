use sidetone_profile::Secret;
use url::form_urlencoded;

use super::PATH;

/// What a request to the loopback port is (RFC 6749 section 4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// The agent signed in: the code to exchange.
    Code(Secret),
    /// The agent did not sign in, in words.
    Refused(String),
    /// Nothing of this sign-in; the HTTP status to answer with.
    Other(u16),
}

impl Redirect {
    /// Reads the head of an HTTP request; only one with the state of this sign-in can be anything else than `Other`.
    pub(crate) fn read(head: &[u8], state: &str) -> Self {
        let Some(line) = head.split(|byte| *byte == b'\r' || *byte == b'\n').next() else {
            return Self::Other(400);
        };
        let Ok(line) = std::str::from_utf8(line) else {
            return Self::Other(400);
        };
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Self::Other(400);
        };
        if !version.starts_with("HTTP/1.") {
            return Self::Other(400);
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path != PATH {
            return Self::Other(404);
        }
        if method != "GET" {
            return Self::Other(405);
        }
        let mut parameters = Parameters::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "state" => &mut parameters.state,
                "code" => &mut parameters.code,
                "error" => &mut parameters.error,
                "error_description" => &mut parameters.description,
                _ => continue,
            };
            // Parameters must not come twice (RFC 6749 section 3.1).
            if place.replace(value.into_owned()).is_some() {
                return Self::Other(400);
            }
        }
        if state.is_empty() || parameters.state.as_deref() != Some(state) {
            return Self::Other(400);
        }
        parameters.into_redirect()
    }
}

#[derive(Default)]
struct Parameters {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

impl Parameters {
    fn into_redirect(self) -> Redirect {
        if let Some(error) = self.error {
            let why = match error.as_str() {
                "access_denied" => "it was cancelled or not allowed there".to_owned(),
                "temporarily_unavailable" | "server_error" => {
                    "the sign-in service does not work at the moment".to_owned()
                }
                other => format!("the sign-in service answered {}", plain(other)),
            };
            let description = self.description.as_deref().map(plain).unwrap_or_default();
            return Redirect::Refused(if description.is_empty() {
                why
            } else {
                format!("{why} ({description})")
            });
        }
        match self.code {
            Some(code) if !code.is_empty() => Redirect::Code(Secret::new(code)),
            _ => Redirect::Other(400),
        }
    }
}

/// At most 160 characters of somebody else's words, on one line.
fn plain(words: &str) -> String {
    let words = words.chars().filter(|c| !c.is_control()).take(160);
    words.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "s-1";

    fn read(line: &str) -> Redirect {
        Redirect::read(
            format!("{line}\r\nHost: 127.0.0.1:1\r\n\r\n").as_bytes(),
            STATE,
        )
    }

    #[test]
    fn only_a_request_with_our_state_counts() {
        let code = |code: &str| Redirect::Code(Secret::new(code));
        for (line, expected) in [
            ("GET /callback?code=c%2B1&state=s-1 HTTP/1.1", code("c+1")),
            ("GET /callback?x=y&state=s-1&code=c HTTP/1.0", code("c")),
            (
                "GET /callback?code=c&state=s-2 HTTP/1.1",
                Redirect::Other(400),
            ),
            ("GET /callback?code=c HTTP/1.1", Redirect::Other(400)),
            (
                "GET /callback?error=access_denied&state= HTTP/1.1",
                Redirect::Other(400),
            ),
            (
                "GET /callback?code=c&state=s-1&state=s-2 HTTP/1.1",
                Redirect::Other(400),
            ),
            (
                "GET /callback?code=c&code=d&state=s-1 HTTP/1.1",
                Redirect::Other(400),
            ),
            ("GET /callback?state=s-1 HTTP/1.1", Redirect::Other(400)),
            (
                "GET /callback?code=&state=s-1 HTTP/1.1",
                Redirect::Other(400),
            ),
            (
                "POST /callback?code=c&state=s-1 HTTP/1.1",
                Redirect::Other(405),
            ),
            ("GET /favicon.ico HTTP/1.1", Redirect::Other(404)),
            (
                "GET http://127.0.0.1:1/callback?code=c&state=s-1 HTTP/1.1",
                Redirect::Other(404),
            ),
            ("GET /callback?code=c&state=s-1", Redirect::Other(400)),
            (
                "GET /callback ?code=c&state=s-1 HTTP/1.1",
                Redirect::Other(400),
            ),
            ("\u{16}\u{3}\u{1}", Redirect::Other(400)),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
        assert_eq!(Redirect::read(b"", STATE), Redirect::Other(400));
        assert_eq!(
            Redirect::read(b"GET /callback?code=c&state= HTTP/1.1\r\n\r\n", ""),
            Redirect::Other(400),
            "no state is nobody's"
        );
    }

    #[test]
    fn a_refusal_is_said_in_words() {
        for (query, words) in [
            (
                "error=access_denied",
                "it was cancelled or not allowed there",
            ),
            (
                "error=access_denied&error_description=No+licence%0a%0dleft",
                "it was cancelled or not allowed there (No licenceleft)",
            ),
            (
                "error=server_error",
                "the sign-in service does not work at the moment",
            ),
            ("error=odd", "the sign-in service answered odd"),
            ("error=odd&code=c", "the sign-in service answered odd"),
        ] {
            assert_eq!(
                read(&format!("GET /callback?{query}&state=s-1 HTTP/1.1")),
                Redirect::Refused(words.to_owned())
            );
        }
    }
}
