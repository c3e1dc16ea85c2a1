use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use reqwest::{Response, StatusCode};
use rustls::ClientConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sidetone_profile::{PasswordRules, Secret};
use url::Url;

use crate::address::ServerUrl;
use crate::fault::{Fault, Peer, Unreachable};
use crate::routes::{ROUTES, Route, Routes};
use crate::session::Session;
use crate::sign_on::{SignOn, TOKEN_EXPIRED};
use crate::wire::{Problem, Token, read_password_rules, shortened};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
const AGENT: &str = concat!("Sidetone/", env!("CARGO_PKG_VERSION"));

/// A contact-centre server that nobody has signed in to yet; cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: ServerUrl,
    routes: Arc<Routes>,
    tls: Arc<ClientConfig>,
}

/// Why a sign-in failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Name or password wrong.
    #[error("the name or the password is wrong")]
    WrongPassword,
    /// A one-time code is needed.
    #[error("a one-time code is needed")]
    CodeRequired,
    /// The one-time code is wrong or used up.
    #[error("the one-time code is wrong")]
    WrongCode,
    /// The account is locked.
    #[error("the account is locked")]
    Locked,
    /// The account is disabled.
    #[error("the account is disabled")]
    Disabled,
    /// The password is too old or was set by somebody else: a new one is needed first.
    #[error("the password is too old; a new one is needed")]
    PasswordExpired(PasswordRules),
    /// The new password was refused; the words say why.
    #[error("{0}")]
    PasswordRefused(String),
    /// This server has no sign-in through the browser.
    #[error("this server has no sign-in through the browser")]
    NoBrowserSignIn,
    /// The browser's sign-in failed; the words say why.
    #[error("{0}")]
    Browser(String),
    /// The agent is signed in elsewhere; the words say where.
    #[error("{0}")]
    Elsewhere(String),
    /// Anything that is not about this account.
    #[error("{0}")]
    Fault(Fault),
}

impl SignInError {
    /// The contract's code of a fault of the account; empty for any other.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong_password",
            Self::CodeRequired => "code_required",
            Self::WrongCode => "wrong_code",
            Self::Locked => "account_locked",
            Self::Disabled => "account_disabled",
            Self::PasswordExpired(_) => "password_expired",
            Self::PasswordRefused(_) => "password_refused",
            Self::Elsewhere(_) => "signed_in_elsewhere",
            Self::NoBrowserSignIn | Self::Browser(_) | Self::Fault(_) => "",
        }
    }
}

impl From<Fault> for SignInError {
    fn from(fault: Fault) -> Self {
        let (code, detail) = match &fault {
            Fault::PasswordExpired(rules) => return Self::PasswordExpired(rules.clone()),
            Fault::Refused { code, detail, .. } | Fault::SessionEnded { code, detail } => {
                (code, detail)
            }
            _ => return Self::Fault(fault),
        };
        let of_the_account = [
            Self::WrongPassword,
            Self::CodeRequired,
            Self::WrongCode,
            Self::Locked,
            Self::Disabled,
            Self::PasswordRefused(detail.clone()),
            Self::Elsewhere(detail.clone()),
        ];
        let same = of_the_account.into_iter().find(|e| e.code() == code);
        same.unwrap_or(Self::Fault(fault))
    }
}

impl Client {
    /// A client of the server at this address, as typed, with these TLS settings (see [`crate::trust`]).
    ///
    /// System proxies are not used: the SIP and realtime connections could not go through them either.
    ///
    /// # Errors
    /// [`Fault::BadAddress`] when it is no HTTPS address.
    pub fn new(server: &str, tls: Arc<ClientConfig>) -> Result<Self, Fault> {
        Self::with_routes(server, tls, Arc::new(ROUTES.clone()))
    }

    /// The same for a site with paths of its own.
    ///
    /// # Errors
    /// [`Fault::BadAddress`] when it is no HTTPS address.
    pub fn with_routes(
        server: &str,
        tls: Arc<ClientConfig>,
        routes: Arc<Routes>,
    ) -> Result<Self, Fault> {
        let url = ServerUrl::parse(server)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured((*tls).clone())
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .build()
            .map_err(|e| Unreachable::Lost {
                host: url.host().to_owned(),
                fault: e.to_string(),
            })?;
        Ok(Self {
            http,
            url,
            routes,
            tls,
        })
    }

    /// Signs in with name, password and, when the server asked for one, a one-time code.
    ///
    /// The session keeps name and password, and gets another token by itself when its own runs out.
    ///
    /// # Errors
    /// [`SignInError`] tells the account's faults from all others.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &Secret,
        code: Option<&Secret>,
    ) -> Result<Session, SignInError> {
        let token = self.token(name, password, code).await?;
        let sign_on = SignOn::new(self.clone(), name.to_owned(), Some(password.clone()), token);
        Ok(Session::new(sign_on))
    }

    /// Asks for a bearer token.
    pub(crate) async fn token(
        &self,
        name: &str,
        password: &Secret,
        code: Option<&Secret>,
    ) -> Result<Token, SignInError> {
        #[derive(Serialize)]
        struct Body<'a> {
            name: &'a str,
            password: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            code: Option<&'a str>,
        }
        let body = Body {
            name,
            password: password.reveal(),
            code: code.map(Secret::reveal),
        };
        let route = &self.routes.sign_in;
        let response = self.post(route, &body).await?;
        Ok(self.read_json(route, response).await?)
    }

    /// Gives a refresh token for a bearer token and the next refresh token.
    pub(crate) async fn refresh(&self, refresh: &Secret) -> Result<Token, Fault> {
        let route = &self.routes.refresh;
        let body = serde_json::json!({ "refreshToken": refresh.reveal() });
        let response = self.post(route, &body).await?;
        self.read_json(route, response).await
    }

    /// Sets a new password; no token is needed, since one that is too old gives none.
    ///
    /// # Errors
    /// [`SignInError::WrongPassword`], [`SignInError::PasswordRefused`] with the rule, or another.
    pub async fn change_password(
        &self,
        name: &str,
        current: &Secret,
        new: &Secret,
        code: Option<&Secret>,
    ) -> Result<(), SignInError> {
        let mut body = serde_json::json!({
            "name": name,
            "password": current.reveal(),
            "newPassword": new.reveal(),
        });
        if let (Some(code), Some(fields)) = (code, body.as_object_mut()) {
            fields.insert("code".to_owned(), code.reveal().into());
        }
        let route = &self.routes.change_password;
        match self.post(route, &body).await {
            Ok(_) => Ok(()),
            Err(fault) if fault.is_absent() => Err(SignInError::PasswordRefused(
                "this server does not let its agents change their password here".to_owned(),
            )),
            Err(fault) => Err(fault.into()),
        }
    }

    /// What a new password needs; `None` when the server does not say.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn password_rules(&self) -> Result<Option<PasswordRules>, Fault> {
        let route = &self.routes.password_rules;
        let answer = self
            .send(&self.url.of(route), route, None, None::<&()>, None)
            .await;
        let response = match answer {
            Err(fault) if fault.is_absent() => return Ok(None),
            answer => answer?,
        };
        let document: Value = self.read_json(route, response).await?;
        Ok(Some(read_password_rules(&document)))
    }

    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    /// The server's address.
    #[must_use]
    pub fn url(&self) -> &ServerUrl {
        &self.url
    }

    pub(crate) fn tls(&self) -> &Arc<ClientConfig> {
        &self.tls
    }

    pub(crate) fn peer(&self) -> Peer<'_> {
        Peer {
            host: self.url.host(),
            port: self.url.port(),
        }
    }

    /// Sends a request that needs no token.
    pub(crate) async fn post(
        &self,
        route: &Route,
        body: &(impl Serialize + ?Sized),
    ) -> Result<Response, Fault> {
        self.send(&self.url.of(route), route, None, Some(body), None)
            .await
    }

    /// Sends a request to the address of a route and gives back a response of success, or 304 when `etag` was given.
    pub(crate) async fn send(
        &self,
        address: &Url,
        route: &Route,
        token: Option<&Secret>,
        body: Option<&(impl Serialize + ?Sized)>,
        etag: Option<&str>,
    ) -> Result<Response, Fault> {
        let mut request = self
            .http
            .request(route.method.into(), address.clone())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "application/json, application/problem+json");
        if let Some(token) = token {
            request = request.bearer_auth(token.reveal());
        }
        if let Some(etag) = etag {
            request = request.header(reqwest::header::IF_NONE_MATCH, etag);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|e| self.broken(&e))?;
        let status = response.status();
        tracing::debug!(job = route.job, status = status.as_u16(), "server answered");
        if status.is_success() || (status == StatusCode::NOT_MODIFIED && etag.is_some()) {
            return Ok(response);
        }
        Err(self.refusal(route, token.is_some(), response).await)
    }

    /// Reads the body of an answer of success.
    pub(crate) async fn read_json<T: DeserializeOwned>(
        &self,
        route: &Route,
        response: Response,
    ) -> Result<T, Fault> {
        if !is_json(&response) {
            return Err(self.not_json(route, &response));
        }
        let bytes = response.bytes().await.map_err(|e| self.broken(&e))?;
        serde_json::from_slice(&bytes).map_err(|e| Fault::BadJson {
            job: route.job,
            line: e.line(),
            column: e.column(),
            fault: reason_alone(&e),
        })
    }

    async fn refusal(&self, route: &Route, had_token: bool, response: Response) -> Fault {
        let status = response.status();
        let json = is_json(&response);
        let html = (!json).then(|| self.not_json(route, &response));
        let problem: Option<Problem> = match response.bytes().await {
            Ok(bytes) if json => serde_json::from_slice(&bytes).ok(),
            _ => None,
        };
        match (status, problem) {
            (StatusCode::UNAUTHORIZED, problem) if had_token => {
                let problem = problem.unwrap_or_default();
                let code = if problem.code.is_empty() {
                    TOKEN_EXPIRED.to_owned()
                } else {
                    problem.code.clone()
                };
                let mut detail = problem.sentence();
                if detail.is_empty() {
                    "the session has ended".clone_into(&mut detail);
                }
                Fault::SessionEnded { code, detail }
            }
            (_, Some(problem)) if problem.code == "password_expired" => {
                Fault::PasswordExpired(problem.password_rules())
            }
            (status, Some(problem)) if !problem.code.is_empty() => Fault::Refused {
                status: status.as_u16(),
                code: problem.code.clone(),
                detail: problem.sentence(),
            },
            (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, _) => Fault::NotSuchServer {
                host: self.url.host().to_owned(),
                path: format!("/{}", route.path),
            },
            (status, None) if status.is_redirection() || status.is_client_error() => html
                .unwrap_or(Fault::Status {
                    job: route.job,
                    status: status.as_u16(),
                }),
            (status, _) => Fault::Status {
                job: route.job,
                status: status.as_u16(),
            },
        }
    }

    fn not_json(&self, route: &Route, response: &Response) -> Fault {
        let got = match response.headers().get(CONTENT_TYPE) {
            Some(value) => {
                let value = value.to_str().unwrap_or("an unreadable content type");
                let kind = value.split(';').next().unwrap_or(value).trim();
                match kind {
                    "text/html" | "application/xhtml+xml" => "a web page (HTML)".to_owned(),
                    other => shortened(other),
                }
            }
            None => "a document of unknown kind".to_owned(),
        };
        Fault::NotJson {
            host: self.url.host().to_owned(),
            job: route.job,
            got,
        }
    }

    pub(crate) fn broken(&self, error: &reqwest::Error) -> Fault {
        if error.is_timeout() {
            return Unreachable::Timeout {
                host: self.url.host().to_owned(),
            }
            .into();
        }
        Fault::of_connection(self.peer(), error)
    }
}

fn is_json(response: &Response) -> bool {
    response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .map(|v| v.split(';').next().unwrap_or(v).trim().to_ascii_lowercase())
        .is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"))
}

/// serde_json's words without its own "at line … column …", which the fault says itself.
pub(crate) fn reason_alone(error: &serde_json::Error) -> String {
    let words = error.to_string();
    match words.rfind(" at line ") {
        Some(end) => words[..end].to_owned(),
        None => words,
    }
}
