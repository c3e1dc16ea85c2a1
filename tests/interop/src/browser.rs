//! A person's browser at the identity provider's page, as a script: it follows the page's form and its redirects.

use std::path::Path;

use reqwest::redirect::Policy;

/// What the script types.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    /// The agent that is chosen.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
    /// `sign-in` or `cancel`.
    pub button: &'a str,
}

/// Opens the address, fills the form in and follows the way back; gives the last page's text.
///
/// # Errors
/// A sentence when a page does not come, or has no form.
pub fn sign_in(address: &str, ca: &Path, typed: Typed<'_>) -> Result<String, String> {
    // Fails only when a provider is installed already, which is then this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pem = std::fs::read(ca).map_err(|error| error.to_string())?;
    let ca = reqwest::Certificate::from_pem(&pem).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let client = reqwest::Client::builder()
            .tls_certs_only([ca])
            .redirect(Policy::limited(5))
            .build()
            .map_err(|error| error.to_string())?;
        let words = |error: reqwest::Error| error.to_string();
        let page = client.get(address).send().await.map_err(words)?;
        let form_at = page.url().clone();
        let page = page.error_for_status().map_err(words)?;
        let page = page.text().await.map_err(words)?;
        let action = attribute(&page, "<form", "action").ok_or("the page has no form")?;
        let target = form_at.join(&action).map_err(|error| error.to_string())?;
        let mut body = String::new();
        for field in page.split("<input").skip(1) {
            if let (Some(name), Some(value)) = (own(field, "name"), own(field, "value")) {
                body += &format!("{}={}&", encoded(&name), encoded(&value));
            }
        }
        body += &format!(
            "name={}&password={}&action={}",
            encoded(typed.name),
            encoded(typed.password),
            encoded(typed.button)
        );
        let last = client
            .post(target)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .map_err(words)?;
        last.text().await.map_err(words)
    })
}

/// An attribute of the first such element.
fn attribute(page: &str, element: &str, name: &str) -> Option<String> {
    own(page.split(element).nth(1)?, name)
}

/// An attribute of the element that begins here.
fn own(element: &str, name: &str) -> Option<String> {
    let element = element.split('>').next()?;
    let value = element.split(&format!(" {name}=\"")).nth(1)?;
    let value = value.split('"').next()?;
    let plain = value.replace("&quot;", "\"").replace("&lt;", "<");
    Some(
        plain
            .replace("&gt;", ">")
            .replace("&#39;", "'")
            .replace("&amp;", "&"),
    )
}

/// As a form writes it.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
