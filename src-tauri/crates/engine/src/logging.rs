//! Logs without secrets: every line passes a filter that blanks what must not be kept.
//!
//! Secrets have a type that does not print. Below a warning only our own words are logged at all: libraries print
//! keys and whole messages there (`rtc-ice` the ICE password, `tungstenite` every frame). The filter on the lines is
//! the last line of defence, for words that come from a far end's messages or from a server's error text.
//!
//! Customers' data that an agent must not see is not logged either: values that are masked are masked here too
//! ([`conceal`]), and while masking is on SIP messages are logged without the persons in them ([`mask_calls`]). What a
//! panic says takes the same way.

mod messages;
mod personal;
mod secrets;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use personal::Personal;

/// Starts logging to standard error at `level` (`error` … `trace`); `SIDETONE_LOG` overrides it with a filter
/// such as `sidetone_sip=debug`. Neither brings a library to say more than warnings. Only the first call of a process
/// counts.
pub fn start(level: &str) {
    let filter = EnvFilter::try_from_env("SIDETONE_LOG")
        // What the verifier logs comes back as a fault with words of its own.
        .or_else(|_| EnvFilter::try_new(format!("{level},rustls_platform_verifier=off")))
        .unwrap_or_else(|_| EnvFilter::new("warn"));
    if subscriber(filter, RedactedStderr).try_init().is_err() {
        tracing::debug!("logging was started before");
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        // Whatever the filter says: nobody would know otherwise why something stopped.
        let _ = io::stderr()
            .lock()
            .write_all(redacted(&panicked(panic)).as_bytes());
    }));
}

/// From now on this value of a customer appears in no line of the log but in its masked form, however it is spelled.
pub fn conceal(clear: &str, masked: &str) {
    CONCEALED
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .add(clear, masked);
}

/// Whether SIP messages are logged without the persons in them.
pub fn mask_calls(on: bool) {
    CALLS_MASKED.store(on, Ordering::Relaxed);
}

/// The text with everything secret blanked and customers' data masked.
#[must_use]
pub fn redacted(text: &str) -> String {
    let mut text = secrets::blanked(text);
    if CALLS_MASKED.load(Ordering::Relaxed) {
        text = messages::anonymous(&text);
    }
    let concealed = CONCEALED.read().unwrap_or_else(PoisonError::into_inner);
    if !concealed.is_empty() {
        text = concealed.masked(&text);
    }
    text
}

/// Masks a value in a text with a registry of its own.
///
/// # Panics
/// When the value is still there.
#[cfg(feature = "fuzzing")]
pub(crate) fn conceals(clear: &str, text: &str) {
    let mut personal = Personal::default();
    personal.add(clear, "•••");
    if !personal.is_empty() {
        let masked = personal.masked(text);
        // A short name may well be part of another word.
        let alone = format!(" {clear} ");
        assert!(!masked.contains(&alone), "{text:?} became {masked:?}");
    }
}

static CONCEALED: LazyLock<RwLock<Personal>> = LazyLock::new(RwLock::default);
static CALLS_MASKED: AtomicBool = AtomicBool::new(false);

/// What a panic says.
fn panicked(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("unnamed");
    let backtrace = Backtrace::capture();
    let trace = match backtrace.status() {
        BacktraceStatus::Captured => format!("\n{backtrace}"),
        _ => String::new(),
    };
    format!("thread {name}: {panic}{trace}\n")
}

fn subscriber<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    tracing_subscriber::registry()
        .with(filter_fn(may_be_said))
        .with(filter)
        .with(lines)
}

/// Whether this may be logged, whatever a filter asks for.
fn may_be_said(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let ours = target
        .strip_prefix("sidetone")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', ':']));
    ours || *metadata.level() <= Level::WARN
}

/// Standard error behind the filter.
#[derive(Clone, Copy, Debug)]
struct RedactedStderr;

impl<'a> MakeWriter<'a> for RedactedStderr {
    type Writer = RedactedLine;

    fn make_writer(&'a self) -> Self::Writer {
        RedactedLine(Vec::new())
    }
}

/// One event, written when it is whole so that no secret is cut in two.
#[derive(Debug)]
struct RedactedLine(Vec<u8>);

impl Write for RedactedLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for RedactedLine {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.0);
        // A log that cannot be written must not stop the phone.
        let _ = io::stderr().lock().write_all(redacted(&text).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Keeps what is logged.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Kept {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn no_filter_brings_a_library_to_say_its_secrets() {
        for filter in ["trace", "rtc_ice=trace", "warn,rtc_ice::agent=debug"] {
            let kept = Kept::default();
            let subscriber = subscriber(EnvFilter::new(filter), kept.clone());
            tracing::subscriber::with_default(subscriber, || {
                tracing::debug!(target: "rtc_ice::agent", "remote password 4f5e6d7c");
                tracing::trace!(target: "tungstenite::protocol", "frame with 4f5e6d7c");
                tracing::info!(target: "sidetonelike", "4f5e6d7c");
                tracing::warn!(target: "rtc_ice::agent", "no route");
                tracing::error!(target: "sidetone_sip::core", "our own");
            });
            let said = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            assert!(!said.contains("4f5e6d7c"), "{filter}: {said}");
            assert!(said.contains("no route"), "{filter}: {said}");
            assert_eq!(
                said.contains("our own"),
                filter != "rtc_ice=trace",
                "{said}"
            );
        }
    }
}
