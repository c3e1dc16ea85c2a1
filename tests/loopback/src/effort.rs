//! How much work of one core something took.

use std::time::{Duration, Instant};

/// Measures the work of the thread that made it: by the time that the system gave the thread where it tells (Linux), so
/// that other programs and other runs beside it do not count, otherwise by the clock on the wall.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    began: Instant,
    given: Option<Duration>,
}

impl Effort {
    /// Begins.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            began: Instant::now(),
            given: given(),
        }
    }

    /// What it took since.
    #[must_use]
    pub fn took(&self) -> Duration {
        match (self.given, given()) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => self.began.elapsed(),
        }
    }
}

/// Time on a core that this thread was given since its start.
fn given() -> Option<Duration> {
    // The first number is in nanoseconds (Documentation/scheduler/sched-stats.rst). Other systems have no such file.
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: u64 = text.split_whitespace().next()?.parse().ok()?;
    // A kernel that counts nothing says zero.
    (nanoseconds > 0).then_some(Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_counts() {
        let effort = Effort::begin();
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(200) {
            std::hint::spin_loop();
        }
        assert!(effort.took() > Duration::ZERO);
        // Nobody works longer than the time that passed, but for the tick by which the system counts.
        assert!(effort.took() < began.elapsed() + Duration::from_millis(50));
    }
}
