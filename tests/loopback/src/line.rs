//! One direction of the network: datagrams in, the same later, twice or never out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sidetone_media::offline::Datagram;
use str0m_netem::{Input, Netem, NetemConfig, Output};

use crate::profile::{Hold, Profile};

/// Delay of the way on which calls are set up, one way.
const SET_UP_DELAY: Duration = Duration::from_millis(10);

/// One direction of the network. Sound and its reports go through what the profile says. What sets the call up and
/// keeps its path open (STUN, DTLS) goes beside it, undisturbed: its sizes and times hang on random keys, and the
/// same seed must give the same result.
pub struct Line {
    /// What the emulator calls the beginning; only differences to it count.
    began: Instant,
    netem: Netem<Flying>,
    beside: VecDeque<(Duration, Datagram)>,
    held: VecDeque<(Duration, Flying)>,
    holds: Vec<(Duration, Duration)>,
    last: Duration,
    transits: Vec<Transit>,
}

/// What became of an RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transit {
    /// When it was sent.
    pub sent: Duration,
    /// How long its first copy took; `None` when none came.
    pub took: Option<Duration>,
}

/// A datagram that is on its way.
#[derive(Clone, Debug)]
struct Flying {
    datagram: Datagram,
    /// Its number among the RTP packets.
    number: Option<usize>,
}

impl AsRef<[u8]> for Flying {
    fn as_ref(&self) -> &[u8] {
        &self.datagram.bytes
    }
}

impl Line {
    /// A line on which nothing is disturbed, for the set-up.
    #[must_use]
    pub fn clean() -> Self {
        Self {
            began: Instant::now(),
            netem: Netem::new(NetemConfig::new()),
            beside: VecDeque::new(),
            held: VecDeque::new(),
            holds: Vec::new(),
            last: Duration::ZERO,
            transits: Vec::new(),
        }
    }

    /// Becomes the network of a profile. `start` is when the sound starts, `length` how long it may last.
    pub fn disturb(&mut self, profile: &Profile, seed: u64, start: Duration, length: Duration) {
        self.netem = Netem::new(profile.netem(seed));
        self.holds = holds(profile.hold, seed, start, length);
    }

    /// Takes a datagram.
    pub fn send(&mut self, now: Duration, datagram: Datagram) {
        // RFC 7983: the first byte tells the protocols apart; RFC 5761: the second tells RTCP.
        let is_media = matches!(datagram.bytes.first(), Some(128..=191));
        if !is_media {
            self.beside.push_back((now + SET_UP_DELAY, datagram));
            return;
        }
        let is_rtp = !matches!(datagram.bytes.get(1), Some(192..=223));
        let number = is_rtp.then(|| {
            self.transits.push(Transit {
                sent: now,
                took: None,
            });
            self.transits.len() - 1
        });
        let flying = Flying { datagram, number };
        self.netem
            .handle_input(Input::Packet(self.began + now, flying));
    }

    /// When something comes out next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let netem = (!self.netem.is_empty()).then(|| {
            self.netem
                .poll_timeout()
                .saturating_duration_since(self.began)
        });
        let beside = self.beside.front().map(|(at, _)| *at);
        let held = self.held.front().map(|(at, _)| *at);
        [netem, beside, held].into_iter().flatten().min()
    }

    /// The next datagram that has come by now.
    pub fn receive(&mut self, now: Duration) -> Option<Datagram> {
        if self.beside.front().is_some_and(|(at, _)| *at <= now) {
            return self.beside.pop_front().map(|(_, datagram)| datagram);
        }
        self.netem.handle_input(Input::Timeout(self.began + now));
        while let Some(output) = self.netem.poll_output() {
            if let Output::Packet(flying) = output {
                // What stood still keeps its order, and so does what comes right behind it.
                let at = self.released(now).max(self.last);
                self.last = at;
                self.held.push_back((at, flying));
            }
        }
        if self.held.front().is_none_or(|(at, _)| *at > now) {
            return None;
        }
        let (_, flying) = self.held.pop_front()?;
        if let Some(transit) = flying
            .number
            .and_then(|number| self.transits.get_mut(number))
        {
            transit.took.get_or_insert(now.saturating_sub(transit.sent));
        }
        Some(flying.datagram)
    }

    /// What became of the RTP packets, in the order of sending.
    #[must_use]
    pub fn transits(&self) -> &[Transit] {
        &self.transits
    }

    fn released(&self, at: Duration) -> Duration {
        self.holds
            .iter()
            .find(|(from, to)| (*from..*to).contains(&at))
            .map_or(at, |(_, to)| *to)
    }
}

fn holds(hold: Hold, seed: u64, start: Duration, length: Duration) -> Vec<(Duration, Duration)> {
    let ms = Duration::from_millis;
    match hold {
        Hold::Never => Vec::new(),
        Hold::Once { at_ms, for_ms } => {
            vec![(start + ms(at_ms), start + ms(at_ms + for_ms))]
        }
        Hold::Often { every_ms, for_ms } => {
            let mut random = Random(seed | 1);
            let mut holds = Vec::new();
            let mut at = start;
            while at < start + length {
                at += ms(every_ms).mul_f64(0.5 + random.next());
                let until = at + ms(for_ms).mul_f64(0.5 + 0.5 * random.next());
                holds.push((at, until));
                at = until;
            }
            holds
        }
    }
}

/// Chances from a seed (xorshift64*).
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
