//! Digest authentication, both sides (RFC 3261 §22, RFC 8760).
//!
//! The parameters are split here: the parser of `digest_auth` panics on non-ASCII input.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use digest_auth::{
    Algorithm, AlgorithmType, AuthContext, AuthorizationHeader, Charset, HttpMethod, Qop,
    WwwAuthenticateHeader,
};

use super::message::Message;
use crate::api::{Authenticator, Credentials};

/// Challenges met so far: one per realm and kind, with their nonce counts.
#[derive(Default)]
pub(crate) struct ClientDigest {
    challenges: Vec<(Kind, WwwAuthenticateHeader)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Server,
    Proxy,
}

impl Kind {
    const fn challenge(self) -> &'static str {
        match self {
            Self::Server => "WWW-Authenticate",
            Self::Proxy => "Proxy-Authenticate",
        }
    }

    const fn answer(self) -> &'static str {
        match self {
            Self::Server => "Authorization",
            Self::Proxy => "Proxy-Authorization",
        }
    }
}

impl ClientDigest {
    /// Takes the challenges of a 401 or 407. `false`: none that can be answered.
    pub(crate) fn learn(&mut self, response: &Message) -> bool {
        let mut learnt = Vec::new();
        for kind in [Kind::Server, Kind::Proxy] {
            for value in response.all(kind.challenge()) {
                let Some(challenge) = parse_challenge(value) else {
                    continue;
                };
                // The topmost supported challenge of a realm wins (RFC 8760 §2.4).
                let known = |(k, c): &(Kind, WwwAuthenticateHeader)| {
                    *k == kind && c.realm == challenge.realm
                };
                if !learnt.iter().any(known) {
                    self.challenges.retain(|entry| !known(entry));
                    learnt.push((kind, challenge));
                }
            }
        }
        let any = !learnt.is_empty();
        self.challenges.extend(learnt);
        any
    }

    /// Whether a new challenge only says that the nonce is too old.
    pub(crate) fn is_stale(response: &Message) -> bool {
        [Kind::Server, Kind::Proxy].iter().any(|kind| {
            response
                .all(kind.challenge())
                .any(|v| parse_challenge(v).is_some_and(|c| c.stale))
        })
    }

    /// Writes the answers to every known challenge into the request.
    pub(crate) fn authorize(&mut self, request: &mut Message, credentials: &Credentials) {
        for kind in [Kind::Server, Kind::Proxy] {
            request.remove(kind.answer());
        }
        let (method, uri) = (request.method().to_owned(), request.uri().to_owned());
        let body = request.body.clone();
        for (kind, challenge) in &mut self.challenges {
            let context = AuthContext::new_with_method(
                credentials.user.as_str(),
                credentials.secret.reveal(),
                uri.as_str(),
                Some(body.as_slice()),
                HttpMethod::from(method.as_str()),
            );
            if let Ok(answer) = challenge.respond(&context) {
                request.push(kind.answer(), answer.to_string());
            }
        }
    }
}

fn parse_challenge(value: &str) -> Option<WwwAuthenticateHeader> {
    let mut params = digest_params(value)?;
    let algorithm = match params.get("algorithm") {
        Some(name) => algorithm(name)?,
        None => Algorithm::default(),
    };
    let qop = match params.get("qop") {
        None => None,
        Some(list) => {
            let has = |name: &str| list.split(',').any(|q| q.trim().eq_ignore_ascii_case(name));
            // auth-int fails behind every element that rewrites SDP, so it is only the second choice.
            if has("auth") {
                Some(vec![Qop::AUTH])
            } else if has("auth-int") {
                Some(vec![Qop::AUTH_INT])
            } else {
                return None;
            }
        }
    };
    let flag = |params: &HashMap<String, String>, name: &str| {
        params
            .get(name)
            .is_some_and(|v| v.eq_ignore_ascii_case("true"))
    };
    Some(WwwAuthenticateHeader {
        domain: None,
        stale: flag(&params, "stale"),
        userhash: flag(&params, "userhash"),
        realm: params.remove("realm")?,
        nonce: params.remove("nonce")?,
        opaque: params.remove("opaque"),
        algorithm,
        qop,
        charset: Charset::UTF8,
        nc: 0,
    })
}

fn algorithm(name: &str) -> Option<Algorithm> {
    let upper = name.to_ascii_uppercase();
    let (base, sess) = match upper.strip_suffix("-SESS") {
        Some(base) => (base, true),
        None => (upper.as_str(), false),
    };
    let kind = match base {
        "MD5" => AlgorithmType::MD5,
        "SHA-256" => AlgorithmType::SHA2_256,
        "SHA-512-256" => AlgorithmType::SHA2_512_256,
        _ => return None,
    };
    Some(Algorithm::new(kind, sess))
}

/// `Digest a="b", c=d` as a map with lower-case names.
fn digest_params(value: &str) -> Option<HashMap<String, String>> {
    let (scheme, rest) = value.trim().split_once(char::is_whitespace)?;
    if !scheme.eq_ignore_ascii_case("Digest") {
        return None;
    }
    let mut params = HashMap::new();
    for entry in super::address::split_list(rest) {
        let (name, raw) = entry.split_once('=')?;
        let raw = raw.trim();
        let clear = match raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\\\"", "\"").replace("\\\\", "\\"),
            None => raw.to_owned(),
        };
        params.insert(name.trim().to_ascii_lowercase(), clear);
    }
    Some(params)
}

/// How long a nonce of ours may be used.
const NONCE_LIFE: Duration = Duration::from_secs(300);
/// Nonces kept at most; the oldest go first, their users are challenged anew.
const NONCES: usize = 4096;

/// The server role's challenges and their checks.
#[derive(Default)]
pub(crate) struct ServerDigest {
    nonces: HashMap<String, Nonce>,
}

struct Nonce {
    issued: Instant,
    last_count: u32,
}

/// What the server role makes of a request's credentials.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Right; the user's name.
    User(String),
    /// Challenge it; `stale` when only the nonce was too old.
    Challenge { stale: bool },
    /// Wrong name or secret.
    Wrong,
}

impl ServerDigest {
    pub(crate) fn check(
        &mut self,
        now: Instant,
        request: &Message,
        authenticator: &dyn Authenticator,
    ) -> Verdict {
        let realm = authenticator.realm();
        let answer = request
            .all("Authorization")
            .filter_map(digest_params)
            .find(|p| p.get("realm") == Some(&realm));
        let Some(params) = answer else {
            return Verdict::Challenge { stale: false };
        };
        let field = |name: &str| params.get(name).cloned();
        let (Some(user), Some(nonce), Some(uri), Some(response)) = (
            field("username"),
            field("nonce"),
            field("uri"),
            field("response"),
        ) else {
            return Verdict::Challenge { stale: false };
        };
        let Some(state) = self.nonces.get_mut(&nonce) else {
            return Verdict::Challenge { stale: true };
        };
        let count = field("nc")
            .and_then(|nc| u32::from_str_radix(&nc, 16).ok())
            .unwrap_or(0);
        let fresh = now.saturating_duration_since(state.issued) < NONCE_LIFE;
        if !fresh || (count != 0 && count <= state.last_count) {
            return Verdict::Challenge { stale: true };
        }
        let Some(algorithm) =
            field("algorithm").map_or(Some(Algorithm::default()), |a| algorithm(&a))
        else {
            return Verdict::Challenge { stale: false };
        };
        let Some(secret) = authenticator.secret(&user) else {
            return Verdict::Wrong;
        };
        let qop = match field("qop").as_deref() {
            Some("auth") => Some(Qop::AUTH),
            Some("auth-int") => Some(Qop::AUTH_INT),
            _ => None,
        };
        let mut expected = AuthorizationHeader {
            realm,
            nonce,
            opaque: None,
            userhash: false,
            algorithm,
            response: String::new(),
            username: String::new(),
            uri: uri.clone(),
            qop,
            cnonce: field("cnonce"),
            nc: count,
        };
        expected.digest(&AuthContext::new_with_method(
            user.as_str(),
            secret.reveal(),
            uri.as_str(),
            Some(request.body.as_slice()),
            HttpMethod::from(request.method()),
        ));
        if !expected.response.eq_ignore_ascii_case(&response) {
            return Verdict::Wrong;
        }
        state.last_count = state.last_count.max(count);
        Verdict::User(user)
    }

    /// Adds one challenge for each algorithm with this new nonce to a 401.
    pub(crate) fn challenge(
        &mut self,
        now: Instant,
        nonce: String,
        authenticator: &dyn Authenticator,
        stale: bool,
        response: &mut Message,
    ) {
        self.nonces
            .retain(|_, n| now.saturating_duration_since(n.issued) < NONCE_LIFE);
        if self.nonces.len() >= NONCES {
            let oldest = self.nonces.iter().min_by_key(|(_, n)| n.issued);
            if let Some(oldest) = oldest.map(|(nonce, _)| nonce.clone()) {
                self.nonces.remove(&oldest);
            }
        }
        let stale = if stale { ", stale=true" } else { "" };
        let realm = authenticator.realm();
        for algorithm in authenticator.algorithms() {
            response.push(
                "WWW-Authenticate",
                format!(
                    "Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}"
                ),
            );
        }
        let state = Nonce {
            issued: now,
            last_count: 0,
        };
        self.nonces.insert(nonce, state);
    }
}
