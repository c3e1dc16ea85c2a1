//! Jittered waiting times between attempts to reach the registrar.

use std::time::Duration;

use rand::Rng;

const LONGEST: Duration = Duration::from_secs(30);

/// 1 s, 2 s, 4 s … 30 s, each spread so that a restarted server is not met by everybody at once.
#[derive(Default)]
pub(crate) struct BackOff {
    failures: u32,
}

impl BackOff {
    pub(crate) fn next(&mut self, rng: &mut impl Rng) -> Duration {
        let base = Duration::from_secs(1 << self.failures.min(5)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let spread = rng.random_range(0.75..1.25);
        base.mul_f64(spread).clamp(Duration::from_secs(1), LONGEST)
    }

    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn grows_from_one_to_thirty_seconds_and_starts_over() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut back_off = BackOff::default();
        let waits: Vec<f64> = (0..50)
            .map(|_| back_off.next(&mut rng).as_secs_f64())
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
        assert!(back_off.next(&mut rng).as_secs_f64() <= 1.25);
    }
}
