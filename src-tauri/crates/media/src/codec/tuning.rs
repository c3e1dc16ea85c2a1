//! What a codec may spend on a bad line.

/// What Opus may spend on a bad line; each is a switch so that its worth can be measured (`sidetone-loopback`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusTuning {
    /// Missing sound is made up by libopus's neural network instead of by repetition.
    pub neural_concealment: bool,
    /// Deep redundancy (DRED) is sent to a far end that can read it, once packets are lost. It is read in any case.
    pub deep_redundancy: bool,
    /// What is done to speech that was coded with few bits; works with neural concealment only.
    pub enhancer: Enhancer,
    /// What is spent on making packets, 0 to 10 (libopus's complexity).
    pub encoding: u8,
    /// Speech goes by the transform alone (CELT) where nothing is lost and the bits suffice.
    pub transform: bool,
}

/// What `sidetone-loopback` found worth its price (ViSQOL, and CPU seconds of both sides for a minute of sound):
///
/// | at 24 to 40 kbit/s | 5 % loss | 20 % loss | bursts | CPU at 10 % loss |
/// |---|---|---|---|---|
/// | classic | 4.30 | 3.61 | 4.49 | 1.9 s |
/// | neural concealment | 4.30 | 3.70 | 4.52 | 2.2 s |
/// | and deep redundancy in place of in-band redundancy | 4.19 | 3.57 | 4.39 | 2.3 s |
/// | neural, small enhancer | 4.30 | 3.69 | 4.52 | 2.3 s |
/// | neural, large enhancer | 4.32 | 3.64 | 4.52 | 3.1 s |
///
/// And of the encoder (mean of two seeds; how many times as fast as real time both sides of a call are):
///
/// | complexity | no loss | 5 % loss | 10 % loss | speed |
/// |---|---|---|---|---|
/// | 9, the default of libopus | 4.61 | 4.40 | 4.12 | 42 |
/// | 6 | 4.60 | 4.41 | 4.12 | 54 |
/// | 5 | 4.59 | 4.40 | 4.10 | 56 |
/// | 3 | 4.55 | 4.34 | 4.04 | 62 |
/// | 1 | 4.53 | 4.27 | 4.04 | 71 |
///
/// And of the transform, at complexity 5 (mean of two seeds). It is left at the first report of loss, so that its worth
/// there is that of the seconds before:
///
/// | | no loss | 1 % loss | 5 % loss | 10 % loss | bursts | speed without loss |
/// |---|---|---|---|---|---|---|
/// | model of speech alone | 4.58 | 4.51 | 4.31 | 3.97 | 4.03 | 49 |
/// | transform where nothing is lost | 4.58 | 4.52 | 4.35 | 3.98 | 4.05 | 178 |
impl Default for OpusTuning {
    fn default() -> Self {
        Self {
            neural_concealment: true,
            deep_redundancy: false,
            enhancer: Enhancer::Off,
            encoding: 5,
            transform: true,
        }
    }
}

/// What is done to speech that was coded with few bits (libopus's OSCE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Enhancer {
    /// Nothing.
    Off,
    /// The small network (LACE).
    Light,
    /// The large network (NoLACE), and the upper half of the spectrum where only the lower one was sent.
    Full,
    /// As much as this computer does with ease, while packets are lost; nothing otherwise.
    ByNeed,
}
