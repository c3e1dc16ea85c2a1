//! Sign-in through the system's browser (RFC 8252): the phone never sees what is typed there.
//!
//! The browser comes back to a port of this machine that is open for this one sign-in. Anything on this machine, and
//! any web page in any of its browsers, can reach that port too: only a request that carries the random state of this
//! sign-in counts, and only the code that fits our own key (PKCE, RFC 7636) is worth a token.

mod redirect;

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use sidetone_profile::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use crate::client::{Client, SignInError};
use crate::fault::{Fault, Unreachable};
use crate::session::Session;
use crate::sign_on::SignOn;
use crate::wire::Token;
pub(crate) use redirect::Redirect;

/// By what name the server knows this program (RFC 6749 section 2.2).
const CLIENT_ID: &str = "sidetone";
/// The one path that is answered.
pub(crate) const PATH: &str = "/callback";
/// So long a person may take in the browser.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// So long one request may take.
const REQUEST_PATIENCE: Duration = Duration::from_secs(10);
/// Longest request that is read, in bytes.
const LONGEST_REQUEST: usize = 16 * 1024;
/// Connections that may be open at once: a browser opens some ahead of need.
const MOST_CONNECTIONS: usize = 64;

/// A sign-in that waits for the browser; gives it up when dropped.
pub struct BrowserSignIn {
    client: Client,
    listener: TcpListener,
    redirect_uri: String,
    state: Secret,
    verifier: Secret,
    address: Url,
}

impl Client {
    /// Begins a sign-in through the browser.
    ///
    /// # Errors
    /// [`SignInError::NoBrowserSignIn`] when the server has none, or another.
    pub async fn browser_sign_in(&self) -> Result<BrowserSignIn, SignInError> {
        if self.sign_in_ways().await?.browser.is_none() {
            return Err(SignInError::NoBrowserSignIn);
        }
        let closed = |fault: std::io::Error| {
            SignInError::Browser(format!(
                "no port of this computer could be opened for the browser: {fault}"
            ))
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(closed)?;
        let port = listener.local_addr().map_err(closed)?.port();
        let redirect_uri = format!("http://127.0.0.1:{port}{PATH}");
        let (state, verifier) = (random(), random());
        let challenge =
            URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.reveal().as_bytes()).as_ref());
        let mut address = self.url().of(&self.routes().browser);
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", CLIENT_ID)
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("state", state.reveal())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(BrowserSignIn {
            client: self.clone(),
            listener,
            redirect_uri,
            state,
            verifier,
            address,
        })
    }

    async fn exchange(&self, sign_in: &BrowserSignIn, code: &Secret) -> Result<Token, SignInError> {
        let route = &self.routes().browser_token;
        let body = serde_json::json!({
            "code": code.reveal(),
            "codeVerifier": sign_in.verifier.reveal(),
            "redirectUri": sign_in.redirect_uri,
        });
        match self.post(route, &body).await {
            Ok(answer) => Ok(self.read_json(route, answer).await?),
            Err(Fault::Refused { code, detail, .. }) if code == "bad_code" => {
                Err(SignInError::Browser(detail))
            }
            Err(fault) => Err(fault.into()),
        }
    }
}

impl BrowserSignIn {
    /// What the system's browser has to open.
    #[must_use]
    pub fn address(&self) -> &Url {
        &self.address
    }

    /// Waits until the agent has signed in there, at most five minutes, and tells the browser how it went.
    ///
    /// # Errors
    /// [`SignInError::Browser`] when the agent gave up, the time ran out or the code was not taken; or another.
    pub async fn finish(self) -> Result<Session, SignInError> {
        let Ok(came) = tokio::time::timeout(PATIENCE, self.wait()).await else {
            return Err(SignInError::Browser(
                "nobody signed in there within five minutes".to_owned(),
            ));
        };
        let (mut browser, redirect) = came?;
        let token = match redirect {
            Redirect::Code(code) => self.client.exchange(&self, &code).await,
            Redirect::Refused(why) => Err(SignInError::Browser(why)),
            Redirect::Other(_) => Err(SignInError::Browser("it sent no code".to_owned())),
        };
        let status = if token.is_ok() { 200 } else { 403 };
        // The sign-in does not depend on what the browser shows.
        let _ = tokio::time::timeout(REQUEST_PATIENCE, answer(&mut browser, status)).await;
        let name = String::new();
        Ok(Session::new(SignOn::new(
            self.client.clone(),
            name,
            None,
            token?,
        )))
    }

    /// The first request that belongs to this sign-in, still waiting for its answer.
    async fn wait(&self) -> Result<(TcpStream, Redirect), SignInError> {
        let mut requests = JoinSet::new();
        loop {
            let room = requests.len() < MOST_CONNECTIONS;
            tokio::select! {
                accepted = self.listener.accept(), if room => {
                    let (browser, _) = accepted.map_err(|fault| {
                        let host = "127.0.0.1".to_owned();
                        Fault::from(Unreachable::Lost { host, fault: fault.to_string() })
                    })?;
                    let state = self.state.clone();
                    requests.spawn(tokio::time::timeout(REQUEST_PATIENCE, take(browser, state)));
                }
                Some(done) = requests.join_next() => {
                    if let Ok(Ok(Some(came))) = done {
                        return Ok(came);
                    }
                }
            }
        }
    }
}

impl fmt::Debug for BrowserSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its address holds the state.
        f.debug_struct("BrowserSignIn")
            .field("server", self.client.url())
            .finish_non_exhaustive()
    }
}

/// Reads one request; one that does not belong to this sign-in is answered at once.
async fn take(mut browser: TcpStream, state: Secret) -> Option<(TcpStream, Redirect)> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = browser.read(&mut part).await.ok()?;
        if read == 0 || head.len() + read > LONGEST_REQUEST {
            return None;
        }
        head.extend_from_slice(&part[..read]);
    }
    match Redirect::read(&head, state.reveal()) {
        Redirect::Other(status) => {
            tracing::info!(status, "a request that is not of this sign-in");
            // Whoever it was may not be listening.
            let _ = answer(&mut browser, status).await;
            None
        }
        ours => Some((browser, ours)),
    }
}

/// A page that every agent can read: the product's name and a sign.
async fn answer(browser: &mut TcpStream, status: u16) -> std::io::Result<()> {
    let (reason, sign, colour) = match status {
        200 => ("OK", "&#10003;", "#1a7f37"),
        403 => ("Forbidden", "&#10007;", "#b42318"),
        404 => ("Not Found", "&#10007;", "#b42318"),
        405 => ("Method Not Allowed", "&#10007;", "#b42318"),
        _ => ("Bad Request", "&#10007;", "#b42318"),
    };
    let page = format!(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>Sidetone</title><body style=\"font:2rem system-ui,sans-serif;text-align:center;margin-top:20vh\">\
         <p style=\"font-size:4rem;margin:0;color:{colour}\">{sign}</p><p>Sidetone</p>"
    );
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
         Connection: close\r\n\r\n",
        page.len()
    );
    browser.write_all(head.as_bytes()).await?;
    browser.write_all(page.as_bytes()).await?;
    browser.shutdown().await
}

/// 256 random bits that may stand in an address.
fn random() -> Secret {
    let bits: [u8; 32] = rand::random();
    Secret::new(URL_SAFE_NO_PAD.encode(bits))
}
