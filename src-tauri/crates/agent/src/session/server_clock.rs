use crate::Time;

/// The server's clock, kept going by the engine's.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerClock {
    unix_ms: u64,
    at: Time,
}

impl ServerClock {
    pub(super) fn new(now: Time, unix_ms: u64) -> Self {
        Self { unix_ms, at: now }
    }

    /// What it showed, or will show, at `time`, in milliseconds since 1970.
    pub(super) fn unix_ms(self, time: Time) -> u64 {
        if time >= self.at {
            self.unix_ms.saturating_add(time.0 - self.at.0)
        } else {
            self.unix_ms.saturating_sub(self.at.0 - time.0)
        }
    }
}
