use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sidetone_agent::Time;

/// The engine's monotonic clock: milliseconds since it started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Time {
        Time::default() + self.0.elapsed()
    }

    /// The same moment for tokio.
    pub(crate) fn instant(self, at: Time) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.0 + Duration::from_millis(at.0))
    }
}

/// Milliseconds since 1970 by this machine's clock, for show only.
pub(crate) fn wall_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
        .unwrap_or_default()
}
