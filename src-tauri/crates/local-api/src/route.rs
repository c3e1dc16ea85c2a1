use hyper::Method;
use percent_encoding::percent_decode_str;
use sidetone_engine::agent::CallId;

use crate::problem::Problem;

/// What a path and a method mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    OldCalls,
    OldAnswer,
    OldOriginate,
    OldHangUp,
    OldHold,
    OldTransfer,
    State,
    Calls,
    Call,
    Dial,
    Answer,
    Decline,
    HangUp,
    Hold,
    Resume,
    Transfer,
    TransferTo,
    Dtmf,
    Record,
    Mute,
    Pause,
    Unpause,
    Events,
    Description,
}

/// Every path there is; `openapi.json` describes the same ones.
pub(crate) const TABLE: &[(Method, &str, Endpoint)] = &[
    (Method::GET, "/api/calls", Endpoint::OldCalls),
    (Method::GET, "/api/answer", Endpoint::OldAnswer),
    (Method::GET, "/api/answer/{id}", Endpoint::OldAnswer),
    (
        Method::GET,
        "/api/originate/{number}",
        Endpoint::OldOriginate,
    ),
    (Method::GET, "/api/hangup", Endpoint::OldHangUp),
    (Method::GET, "/api/hangup/{id}", Endpoint::OldHangUp),
    (Method::GET, "/api/hold", Endpoint::OldHold),
    (Method::GET, "/api/hold/{id}", Endpoint::OldHold),
    (Method::GET, "/api/transfer", Endpoint::OldTransfer),
    (Method::GET, "/api/transfer/{id}", Endpoint::OldTransfer),
    (Method::GET, "/api/v2/state", Endpoint::State),
    (Method::GET, "/api/v2/calls", Endpoint::Calls),
    (Method::POST, "/api/v2/calls", Endpoint::Dial),
    (Method::GET, "/api/v2/calls/{id}", Endpoint::Call),
    (Method::POST, "/api/v2/calls/{id}/answer", Endpoint::Answer),
    (
        Method::POST,
        "/api/v2/calls/{id}/decline",
        Endpoint::Decline,
    ),
    (Method::POST, "/api/v2/calls/{id}/hangup", Endpoint::HangUp),
    (Method::POST, "/api/v2/calls/{id}/hold", Endpoint::Hold),
    (Method::POST, "/api/v2/calls/{id}/resume", Endpoint::Resume),
    (
        Method::POST,
        "/api/v2/calls/{id}/transfer",
        Endpoint::Transfer,
    ),
    (
        Method::POST,
        "/api/v2/calls/{id}/transfer-to",
        Endpoint::TransferTo,
    ),
    (Method::POST, "/api/v2/calls/{id}/dtmf", Endpoint::Dtmf),
    (Method::POST, "/api/v2/calls/{id}/record", Endpoint::Record),
    (Method::POST, "/api/v2/mute", Endpoint::Mute),
    (Method::POST, "/api/v2/pause", Endpoint::Pause),
    (Method::POST, "/api/v2/unpause", Endpoint::Unpause),
    (Method::GET, "/api/v2/events", Endpoint::Events),
    (Method::GET, "/api/v2/openapi.json", Endpoint::Description),
];

/// A path that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// How the table writes it: what a log may hold, since a path may hold a customer's number.
    pub(crate) template: &'static str,
    pub(crate) endpoint: Endpoint,
    argument: Option<String>,
}

impl Found {
    /// The call of `{id}`, where the path has one.
    pub(crate) fn call(&self) -> Result<Option<CallId>, Problem> {
        self.argument
            .as_deref()
            .map(|text| {
                text.parse()
                    .map(CallId)
                    .map_err(|_| Problem::unknown_call())
            })
            .transpose()
    }

    /// The call of a path that always has one.
    pub(crate) fn named_call(&self) -> Result<CallId, Problem> {
        self.call()?.ok_or_else(Problem::unknown_call)
    }

    /// The number of `{number}`.
    pub(crate) fn number(&self) -> Result<String, Problem> {
        number(self.argument.as_deref().unwrap_or_default())
    }
}

/// Looks a path up.
pub(crate) fn find(method: &Method, path: &str) -> Result<Found, Problem> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut allowed: Vec<&str> = Vec::new();
    for (wanted, template, endpoint) in TABLE {
        let Some(argument) = matches(template, path)? else {
            continue;
        };
        if wanted == method {
            return Ok(Found {
                template,
                endpoint: *endpoint,
                argument,
            });
        }
        allowed.push(wanted.as_str());
    }
    if allowed.is_empty() {
        return Err(Problem::not_found());
    }
    let allow = allowed.join(", ");
    let mut problem = Problem::new(
        405,
        "method_not_allowed",
        format!("This path takes {allow} only."),
    );
    problem.allow = Some(allow);
    Err(problem)
}

/// The number of `?number=`. A plus is a plus: no number has a space in its place.
pub(crate) fn queried_number(query: Option<&str>) -> Result<String, Problem> {
    let value = query
        .unwrap_or_default()
        .split('&')
        .find_map(|pair| pair.strip_prefix("number="));
    match value {
        Some(value) => number(&decoded(value)?),
        None => Err(Problem::malformed(
            "The number is missing: add ?number= and the number.",
        )),
    }
}

/// A number that can be given to the phone, which decides what it means.
pub(crate) fn number(text: &str) -> Result<String, Problem> {
    const LONGEST: usize = 256;
    let text = text.trim();
    if text.is_empty() {
        Err(Problem::malformed("The number is empty."))
    } else if text.len() > LONGEST || text.chars().any(char::is_control) {
        Err(Problem::malformed("This is no number that can be called."))
    } else {
        Ok(text.to_owned())
    }
}

/// `None`: another path. The inner value is what stands in the braces.
fn matches(template: &str, path: &str) -> Result<Option<Option<String>>, Problem> {
    let mut argument = None;
    let mut parts = path.split('/');
    for wanted in template.split('/') {
        let Some(part) = parts.next() else {
            return Ok(None);
        };
        if wanted.starts_with('{') {
            argument = Some(part);
        } else if wanted != part {
            return Ok(None);
        }
    }
    if parts.next().is_some() {
        return Ok(None);
    }
    Ok(Some(argument.map(decoded).transpose()?))
}

fn decoded(text: &str) -> Result<String, Problem> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Problem::malformed("The path is not UTF-8."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found() {
        let found = |method: Method, path: &str| find(&method, path).map_err(|p| p.status);
        let get = |path: &str| found(Method::GET, path);
        assert_eq!(get("/api/calls").unwrap().endpoint, Endpoint::OldCalls);
        assert_eq!(get("/api/calls/").unwrap().endpoint, Endpoint::OldCalls);
        assert_eq!(get("/api/answer").unwrap().call(), Ok(None));
        assert_eq!(get("/api/answer/12").unwrap().call(), Ok(Some(CallId(12))));
        assert!(get("/api/answer/me").unwrap().call().is_err());
        assert!(get("/api/answer/-1").unwrap().call().is_err());
        for (path, number) in [
            ("/api/originate/600", "600"),
            ("/api/originate/+390101", "+390101"),
            ("/api/originate/%2B39%200101", "+39 0101"),
            ("/api/originate/sip%3Aa%40b.example", "sip:a@b.example"),
        ] {
            assert_eq!(get(path).unwrap().number(), Ok(number.to_owned()), "{path}");
        }
        assert!(get("/api/originate/%0D%0A").unwrap().number().is_err());
        assert_eq!(get("/api/originate/%FF"), Err(400));
        for path in [
            "/",
            "",
            "/api",
            "/api/originate",
            "/api/calls/1",
            "/api/v2",
            "/API/calls",
            "//api/calls",
        ] {
            assert_eq!(get(path), Err(404), "{path}");
        }
        assert_eq!(found(Method::POST, "/api/hangup"), Err(405));
        assert_eq!(found(Method::OPTIONS, "/api/v2/calls"), Err(405));
        assert_eq!(get("/api/v2/pause"), Err(405));
        let problem = find(&Method::PUT, "/api/v2/calls").unwrap_err();
        assert_eq!(problem.allow.as_deref(), Some("GET, POST"));
    }

    #[test]
    fn queried_numbers_are_read() {
        for (query, number) in [
            (Some("number=600"), Ok("600")),
            (Some("a=b&number=%2B39"), Ok("+39")),
            (Some("number=+39"), Ok("+39")),
            (Some("number="), Err(400)),
            (Some("numbers=1"), Err(400)),
            (None, Err(400)),
        ] {
            let read = queried_number(query).map_err(|problem| problem.status);
            assert_eq!(read, number.map(str::to_owned), "{query:?}");
        }
    }
}
