//! Jittered waiting times between attempts to reach the registrar.

use std::time::{Duration, Instant};

use rand::Rng;

const LONGEST: Duration = Duration::from_secs(30);
/// How long a way that is gone is tried at short intervals: the agent must be back within two seconds of it.
const EAGER: Duration = Duration::from_secs(10 * 60);

/// How often it has failed, and since when.
#[derive(Default)]
pub(crate) struct BackOff {
    failures: u32,
    since: Option<Instant>,
}

impl BackOff {
    /// The server could not be reached: about a second, so spread that a restarted server is not met by everybody
    /// at once; after ten minutes as for a server in trouble.
    pub(crate) fn path(&mut self, now: Instant, rng: &mut impl Rng) -> Duration {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) < EAGER {
            return Duration::from_millis(rng.random_range(300..=1200));
        }
        self.server(rng)
    }

    /// The server was reached and did not take us: 1 s, 2 s, 4 s … 30 s, each spread.
    pub(crate) fn server(&mut self, rng: &mut impl Rng) -> Duration {
        let base = Duration::from_secs(1 << self.failures.min(5)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let spread = rng.random_range(0.75..1.25);
        base.mul_f64(spread).clamp(Duration::from_secs(1), LONGEST)
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn a_server_in_trouble_is_asked_ever_more_rarely() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut back_off = BackOff::default();
        let waits: Vec<f64> = (0..50)
            .map(|_| back_off.server(&mut rng).as_secs_f64())
            .collect();
        assert!(waits.iter().all(|w| (1.0..=30.0).contains(w)), "{waits:?}");
        assert!(
            waits[0] <= 1.25 && waits[3] >= 6.0 && waits[49] >= 22.5,
            "{waits:?}"
        );
        assert!(
            waits[10..].windows(2).any(|w| w[0] != w[1]),
            "no jitter: {waits:?}"
        );
        back_off.reset();
        assert!(back_off.server(&mut rng).as_secs_f64() <= 1.25);
    }

    #[test]
    fn a_way_that_is_gone_is_tried_every_second_for_ten_minutes() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut back_off = BackOff::default();
        let start = Instant::now();
        let mut now = start;
        while now < start + EAGER {
            let wait = back_off.path(now, &mut rng);
            assert!(wait <= Duration::from_millis(1200), "{wait:?}");
            now += wait;
        }
        for _ in 0..10 {
            now += back_off.path(now, &mut rng);
        }
        assert!(back_off.path(now, &mut rng) > Duration::from_secs(20));
    }
}
