//! The networks that are simulated, and how they are written down.

use std::time::Duration;

use str0m_netem::{Bitrate, DataSize, GilbertElliot, NetemConfig, Probability, RandomLoss};

/// A network, the same both ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// As on the command line.
    pub name: &'static str,
    /// For people.
    pub about: &'static str,
    /// One way, ms.
    pub latency_ms: u64,
    /// More or less than the latency by at most this, evenly spread, ms.
    pub jitter_ms: u64,
    /// How alike the delays of neighbours are, 0 to 1.
    pub correlation: f32,
    /// Which packets go missing.
    pub loss: Loss,
    /// Share of packets that come twice.
    pub duplicate: f32,
    /// Every so many packets, one overtakes the one before it; 0 for never.
    pub overtakes: u32,
    /// Bits a second of datagrams (without IP and UDP headers), and bytes that may wait; `None` for plenty.
    pub bandwidth: Option<(u64, i64)>,
    /// When packets stand still.
    pub hold: Hold,
    /// How much faster the sender's clock runs than the listener's, parts per million.
    pub drift_ppm: f64,
}

/// Which packets go missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// None.
    None,
    /// This share, each by itself.
    Random(f32),
    /// Gilbert and Elliott's two states: so many packets well, then so many in a burst, of which the share goes missing.
    Bursts {
        /// Packets between two bursts, on average.
        good: f32,
        /// Packets in a burst, on average.
        bad: f32,
        /// Share that goes missing in a burst.
        share: f32,
    },
}

/// When packets stand still; all come when it is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hold {
    /// Never.
    Never,
    /// Once, from here for so long, ms.
    Once {
        /// After the start of the sound, ms.
        at_ms: u64,
        /// For this long, ms.
        for_ms: u64,
    },
    /// Again and again: on average every so often, for between half and the whole of the length, ms.
    Often {
        /// From one to the next on average, ms.
        every_ms: u64,
        /// At most for this long, ms.
        for_ms: u64,
    },
}

const CLEAN: Profile = Profile {
    name: "pristine",
    about: "a wire of 10 ms that loses nothing",
    latency_ms: 10,
    jitter_ms: 0,
    correlation: 0.0,
    loss: Loss::None,
    duplicate: 0.0,
    overtakes: 0,
    bandwidth: None,
    hold: Hold::Never,
    drift_ppm: 0.0,
};

const LOSSY: Profile = Profile {
    latency_ms: 30,
    jitter_ms: 2,
    ..CLEAN
};

/// Nothing that is simulated: the two ends talk to each other on this machine.
pub const DIRECT: Profile = Profile {
    name: "direct",
    about: "nothing but this machine",
    latency_ms: 0,
    ..CLEAN
};

/// A real server.
pub const SERVER: Profile = Profile {
    name: "server",
    about: "the real way to a server and back",
    latency_ms: 0,
    ..CLEAN
};

/// What lies between the ends where no network is simulated.
const LIVE: [Profile; 2] = [DIRECT, SERVER];

/// Every network that is simulated.
pub const PROFILES: [Profile; 17] = [
    CLEAN,
    Profile {
        name: "office-wifi",
        about: "office Wi-Fi: 5 ms, jitter of 4 ms, short bursts of loss (about 0.7 %)",
        latency_ms: 5,
        jitter_ms: 4,
        correlation: 0.25,
        loss: Loss::Bursts {
            good: 200.0,
            bad: 2.0,
            share: 0.7,
        },
        ..CLEAN
    },
    Profile {
        name: "home-dsl",
        about: "home DSL: 20 ms, jitter of 8 ms, 0.2 % loss, 1 Mbit/s upwards",
        latency_ms: 20,
        jitter_ms: 8,
        correlation: 0.5,
        loss: Loss::Random(0.002),
        bandwidth: Some((1_000_000, 32_000)),
        ..CLEAN
    },
    Profile {
        name: "lte",
        about: "LTE: 50 ms, jitter of 20 ms, bursts of loss at hand-overs (about 2 %)",
        latency_ms: 50,
        jitter_ms: 20,
        correlation: 0.5,
        loss: Loss::Bursts {
            good: 150.0,
            bad: 4.0,
            share: 0.8,
        },
        ..CLEAN
    },
    Profile {
        name: "vpn",
        about: "VPN over TCP: 30 ms, and all stands still for up to 80 ms about every 0.7 s",
        latency_ms: 30,
        jitter_ms: 2,
        hold: Hold::Often {
            every_ms: 700,
            for_ms: 80,
        },
        ..CLEAN
    },
    Profile {
        name: "loss-1",
        about: "1 % random loss, 30 ms",
        loss: Loss::Random(0.01),
        ..LOSSY
    },
    Profile {
        name: "loss-3",
        about: "3 % random loss, 30 ms",
        loss: Loss::Random(0.03),
        ..LOSSY
    },
    Profile {
        name: "loss-5",
        about: "5 % random loss, 30 ms",
        loss: Loss::Random(0.05),
        ..LOSSY
    },
    Profile {
        name: "loss-10",
        about: "10 % random loss, 30 ms",
        loss: Loss::Random(0.10),
        ..LOSSY
    },
    Profile {
        name: "loss-20",
        about: "20 % random loss, 30 ms",
        loss: Loss::Random(0.20),
        ..LOSSY
    },
    Profile {
        name: "bursts",
        about: "Gilbert-Elliott: about 5 % loss in bursts of 4 packets, 30 ms",
        loss: Loss::Bursts {
            good: 76.0,
            bad: 4.0,
            share: 1.0,
        },
        ..LOSSY
    },
    Profile {
        name: "reorder",
        about: "every tenth packet overtakes the one before it, 40 ms",
        latency_ms: 40,
        overtakes: 10,
        ..CLEAN
    },
    Profile {
        name: "duplicate",
        about: "every tenth packet comes twice, 30 ms",
        duplicate: 0.1,
        ..LOSSY
    },
    Profile {
        name: "stall",
        about: "nothing comes for 300 ms, once, four seconds after the start",
        hold: Hold::Once {
            at_ms: 4_000,
            for_ms: 300,
        },
        ..CLEAN
    },
    Profile {
        name: "drift-fast",
        about: "the sender's clock runs 500 ppm fast",
        drift_ppm: 500.0,
        ..CLEAN
    },
    Profile {
        name: "drift-slow",
        about: "the sender's clock runs 500 ppm slow",
        drift_ppm: -500.0,
        ..CLEAN
    },
    Profile {
        name: "narrow",
        about: "24 kbit/s each way (without IP and UDP headers), 2 kB may wait, 30 ms",
        latency_ms: 30,
        bandwidth: Some((24_000, 2_000)),
        ..CLEAN
    },
];

impl Profile {
    /// The one of this name, simulated or not.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES
            .iter()
            .chain(&LIVE)
            .find(|profile| profile.name == name)
    }

    /// What the network emulator makes of it; what stands still and clocks are not its job.
    #[must_use]
    pub fn netem(&self, seed: u64) -> NetemConfig {
        let mut config = NetemConfig::new()
            .latency(Duration::from_millis(self.latency_ms))
            .jitter(Duration::from_millis(self.jitter_ms))
            .delay_correlation(Probability::new(self.correlation))
            .duplicate(Probability::new(self.duplicate))
            .seed(seed);
        config = match self.loss {
            Loss::None => config,
            Loss::Random(share) => config.loss(RandomLoss::new(Probability::new(share))),
            Loss::Bursts { good, bad, share } => config.loss(
                GilbertElliot::new()
                    .good_duration(good)
                    .bad_duration(bad)
                    .loss_in_bad(Probability::new(share)),
            ),
        };
        if self.overtakes > 0 {
            config = config.reorder_gap(self.overtakes);
        }
        if let Some((bits, waiting)) = self.bandwidth {
            config = config.link(Bitrate::bps(bits), DataSize::bytes(waiting));
        }
        config
    }
}
