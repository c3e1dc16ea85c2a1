//! The real window under WebDriver.

use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::error::{CmdError, NewSessionError};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::process::{Process, ProcessError};
use sidetone_interop::program::beside;

/// The bar's window.
#[derive(Debug)]
pub struct Bar {
    client: Client,
    _driver: Process,
}

/// Why the window could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum BarError {
    /// The driver.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The session.
    #[error("no WebDriver session: {0}")]
    Session(#[from] NewSessionError),
    /// A command.
    #[error("{0}")]
    Command(#[from] CmdError),
    /// A command about one control, by its test name.
    #[error("{0}: {1}; the screen says: {2}")]
    Control(String, CmdError, String),
    /// Something that should have shown did not.
    #[error("{0} did not show within {1} s; the screen says: {2}")]
    NeverShown(String, u64, String),
}

/// The longest that anything on the screen may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest that one try waits for a control to come within reach, before the control is looked for again.
const REACH: Duration = Duration::from_secs(10);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

impl Bar {
    /// Starts the bar on this desk.
    ///
    /// # Errors
    /// [`BarError`] when the binary, the driver or the session fails.
    pub async fn open(desk: &Desk, arguments: &[&str]) -> Result<Self, BarError> {
        let port = free_port()?;
        let driver = Process::start(
            "WebKitWebDriver",
            desk.command("WebKitWebDriver")
                .arg(format!("--port={port}"))
                .env("TAURI_AUTOMATION", "true")
                .env("TAURI_WEBVIEW_AUTOMATION", "true"),
        )?;
        let Value::Object(capabilities) = json!({
            "webkitgtk:browserOptions": { "binary": beside("sidetone"), "args": arguments }
        }) else {
            unreachable!("the literal above is an object");
        };
        let address = format!("http://127.0.0.1:{port}");
        let mut tries = 0;
        let client = loop {
            let session = ClientBuilder::new(HttpConnector::new())
                .capabilities(capabilities.clone())
                .connect(&address)
                .await;
            match session {
                Ok(client) => break client,
                // The driver opens its port some time after its start.
                Err(
                    NewSessionError::Lost(_)
                    | NewSessionError::Failed(_)
                    | NewSessionError::FailedC(_),
                ) if tries < 40 => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(fault) => return Err(fault.into()),
            }
        };
        Ok(Self {
            client,
            _driver: driver,
        })
    }

    /// Waits for a control by its test name.
    ///
    /// # Errors
    /// [`BarError::NeverShown`] with what the screen says instead.
    pub async fn find(&self, test_id: &str) -> Result<Element, BarError> {
        let css = format!("[data-testid=\"{test_id}\"]");
        self.found(&css, test_id).await
    }

    /// Whether a control is there now.
    ///
    /// # Errors
    /// [`BarError`] when the window is gone.
    pub async fn shows(&self, test_id: &str) -> Result<bool, BarError> {
        let css = format!("[data-testid=\"{test_id}\"]");
        loop {
            match self.client.find_all(Locator::Css(&css)).await {
                Ok(found) => return Ok(!found.is_empty()),
                // One of them was drawn anew while the driver looked.
                Err(fault) if fault.is_stale_element_reference() => {}
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// The words of a control; WebKit's own "visible text" leaves out what is cut off with an ellipsis.
    ///
    /// # Errors
    /// [`BarError::NeverShown`] when it does not show.
    pub async fn words(&self, test_id: &str) -> Result<String, BarError> {
        let css = format!("[data-testid=\"{test_id}\"]");
        let words = self
            .with(&css, test_id, async |element| {
                element.prop("textContent").await
            })
            .await?;
        Ok(words.unwrap_or_default().trim().to_owned())
    }

    /// Presses a control.
    ///
    /// # Errors
    /// [`BarError::NeverShown`] when it does not show.
    pub async fn press(&self, test_id: &str) -> Result<(), BarError> {
        let css = format!("[data-testid=\"{test_id}\"]");
        self.with(&css, test_id, async |element| self.click(&element).await)
            .await
    }

    /// Presses the first control whose test name starts so.
    ///
    /// # Errors
    /// [`BarError::NeverShown`] when none shows.
    pub async fn press_first(&self, start: &str) -> Result<(), BarError> {
        let css = format!("[data-testid^=\"{start}\"]");
        let what = format!("{start}…");
        self.with(&css, &what, async |element| self.click(&element).await)
            .await
    }

    /// Does something with a control, again when the page drew it anew in the meantime or did not let it be reached
    /// yet.
    async fn with<T>(
        &self,
        css: &str,
        what: &str,
        job: impl AsyncFn(Element) -> Result<T, CmdError>,
    ) -> Result<T, BarError> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let element = self.found(css, what).await?;
            match job(element).await {
                Ok(done) => return Ok(done),
                Err(fault) if passing(&fault) && tokio::time::Instant::now() < until => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(fault) => {
                    let screen = self.screen_text().await;
                    return Err(BarError::Control(what.to_owned(), fault, screen));
                }
            }
        }
    }

    async fn found(&self, css: &str, what: &str) -> Result<Element, BarError> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let wait = self.client.wait().at_most(PATIENCE);
            match wait.for_element(Locator::Css(css)).await {
                Ok(element) => return Ok(element),
                // It was drawn anew while the driver looked.
                Err(fault)
                    if fault.is_stale_element_reference()
                        && tokio::time::Instant::now() < until => {}
                Err(_) => {
                    let screen = self.screen_text().await;
                    return Err(BarError::NeverShown(
                        what.to_owned(),
                        PATIENCE.as_secs(),
                        screen,
                    ));
                }
            }
        }
    }

    /// Clicks once the control can be reached.
    async fn click(&self, element: &Element) -> Result<(), CmdError> {
        self.reach(element).await?;
        element.click().await
    }

    /// Waits until a hand could reach the control: a panel is in the page a moment before the window has grown, and a
    /// click on what is outside, or in a page that had to scroll, would hit something else.
    async fn reach(&self, element: &Element) -> Result<(), CmdError> {
        let inside = "const box = arguments[0].getBoundingClientRect(); \
                      const there = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2); \
                      return window.scrollY === 0 && document.body.scrollTop === 0 \
                          && box.top >= 0 && box.bottom <= window.innerHeight && arguments[0].contains(there);";
        let until = tokio::time::Instant::now() + REACH;
        while tokio::time::Instant::now() < until {
            let target = serde_json::to_value(element).unwrap_or_default();
            if self.client.execute(inside, vec![target]).await? == Value::Bool(true) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Replaces the text of a field.
    ///
    /// # Errors
    /// [`BarError::NeverShown`] when it does not show.
    pub async fn type_into(&self, test_id: &str, text: &str) -> Result<(), BarError> {
        let css = format!("[data-testid=\"{test_id}\"]");
        self.with(&css, test_id, async |field| {
            self.reach(&field).await?;
            field.clear().await?;
            field.send_keys(text).await
        })
        .await
    }

    /// Waits until an attribute of a control has this value.
    ///
    /// # Errors
    /// [`BarError::NeverShown`] with what the screen says instead.
    pub async fn wait_for(&self, test_id: &str, name: &str, value: &str) -> Result<(), BarError> {
        let css = format!("[data-testid=\"{test_id}\"][{name}=\"{value}\"]");
        let what = format!("{test_id} with {name}={value}");
        self.found(&css, &what).await.map(drop)
    }

    /// Waits until a control is gone.
    ///
    /// # Errors
    /// [`BarError::NeverShown`] when it stays.
    pub async fn wait_until_gone(&self, test_id: &str) -> Result<(), BarError> {
        let until = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < until {
            if !self.shows(test_id).await? {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        let screen = self.screen_text().await;
        Err(BarError::NeverShown(
            format!("the end of {test_id}"),
            PATIENCE.as_secs(),
            screen,
        ))
    }

    /// Everything that the window says now.
    pub async fn screen_text(&self) -> String {
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body
                .prop("innerText")
                .await
                .ok()
                .flatten()
                .unwrap_or_default(),
            Err(fault) => format!("({fault})"),
        }
    }

    /// Ends the session and with it the bar.
    ///
    /// # Errors
    /// [`BarError`] when it is gone already.
    pub async fn close(self) -> Result<(), BarError> {
        self.client.close().await?;
        Ok(())
    }
}

/// What is gone at the next look: the page drew the control anew, or had not laid it out yet.
fn passing(fault: &CmdError) -> bool {
    fault.is_stale_element_reference() || fault.is_element_not_interactable()
}

fn free_port() -> Result<u16, ProcessError> {
    let bound = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr());
    bound
        .map(|address| address.port())
        .map_err(|fault| ProcessError::Start("a port for WebKitWebDriver".to_owned(), fault))
}
