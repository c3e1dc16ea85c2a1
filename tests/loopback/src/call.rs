//! One call in virtual time: two sessions, two lines, one clock.

use std::net::SocketAddr;
use std::time::Duration;

use sidetone_media::offline::{OfflineConfig, OfflineSession};
use sidetone_media::{BLOCK, MediaError, SAMPLE_RATE, SessionEvent, SessionStats};

use crate::line::{Line, Transit};
use crate::plan::Run;
use crate::speech::Talk;

/// Between two blocks of a session's clock.
const BLOCK_TIME: Duration = Duration::from_millis(10);
/// Patience for path and keys, on a line that loses nothing.
pub(crate) const SET_UP: Duration = Duration::from_secs(10);
/// How long it is listened after the last word.
pub(crate) const TAIL: Duration = Duration::from_secs(1);
/// Packets sent this late in the call may still be on their way when it ends; they count neither way.
const STILL_FLYING: Duration = Duration::from_millis(700);
/// Blocks between two points of the buffer's curve.
const POINT: u64 = 20;
/// Blocks in a second.
const SECOND: u64 = 100;

/// A call that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// What the media session says.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// Path and keys were not ready in time.
    #[error("path and keys were not ready after {} s", SET_UP.as_secs())]
    NotReady,
    /// Another suite was agreed than the run is about.
    #[error("the packets were keyed with {0}")]
    Keying(String),
}

/// What came of a call, as the listener has it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was heard, at 48 kHz, from the moment on when the speaker began.
    pub received: Vec<f32>,
    /// The buffer's delay and its aim, ms, every 200 ms.
    pub buffer: Vec<[f32; 2]>,
    /// Share of each second that was made up.
    pub concealed: Vec<f32>,
    /// What became of the packets; times count from when the speaker began.
    pub transits: Vec<Transit>,
    /// Packets that came too late.
    pub late: u64,
    /// Numbers of the session at the end.
    pub stats: SessionStats,
    /// How long path and keys took, virtual.
    pub set_up: Duration,
}

/// Makes a call: the first side speaks, the second listens and sends silence, as one does who listens.
///
/// # Errors
/// [`CallError`].
pub fn make(run: &Run, said: &Talk, seed: u64) -> Result<Outcome, CallError> {
    let mut call = Call::new(run, seed)?;
    let set_up = call.set_up()?;
    let agreed = call.sides[1].session.stats().keying;
    if run.keying.suite.is_some_and(|suite| suite != agreed) {
        return Err(CallError::Keying(agreed));
    }
    let seconds = said.samples.len() as f64 / f64::from(SAMPLE_RATE);
    let length = Duration::from_secs_f64(seconds) + TAIL;
    for (line, seed) in call.lines.iter_mut().zip([seed, !seed]) {
        line.disturb(run.profile, seed, set_up, length);
    }
    let mut outcome = Outcome {
        received: Vec::with_capacity(length.as_millis() as usize * 48),
        buffer: Vec::new(),
        concealed: Vec::new(),
        transits: Vec::new(),
        late: 0,
        stats: SessionStats::default(),
        set_up,
    };
    call.talk(said, set_up + length, &mut outcome)?;
    let listener = &call.sides[1].session;
    outcome.stats = listener.stats();
    outcome.late = listener.buffer().late;
    outcome.transits = call.lines[0]
        .transits()
        .iter()
        .map(|transit| Transit {
            sent: transit.sent.saturating_sub(set_up),
            ..*transit
        })
        .filter(|transit| transit.sent + STILL_FLYING < length)
        .collect();
    Ok(outcome)
}

struct Call {
    now: Duration,
    sides: [Side; 2],
    /// Towards the second side, and back.
    lines: [Line; 2],
}

struct Side {
    session: OfflineSession,
    /// Speed of its clock.
    rate: f64,
    blocks: u64,
}

impl Side {
    /// The time by its own clock.
    fn clock(&self, now: Duration) -> Duration {
        now.mul_f64(self.rate)
    }

    /// When its next block is due.
    fn next_block(&self, start: Duration) -> Duration {
        let nanoseconds = self.blocks as f64 * BLOCK_TIME.as_nanos() as f64 / self.rate;
        start + Duration::from_nanos(nanoseconds.round() as u64)
    }
}

impl Call {
    fn new(run: &Run, seed: u64) -> Result<Self, CallError> {
        let config = |last: u8, port: u16, seed| OfflineConfig {
            codecs: vec![run.codec],
            plan: run.keying.plan,
            // TEST-NET-1: no address of anybody (RFC 5737).
            address: SocketAddr::from(([192, 0, 2, last], port)),
            seed,
        };
        let (mut first, offer) = OfflineSession::offer(&config(1, 40_000, seed))?;
        let offer = with_suite(&offer, run.keying.suite);
        let (mut second, answer) =
            OfflineSession::answer(&config(2, 50_000, seed.rotate_left(32) ^ 1), &offer)?;
        first.apply_answer(&answer)?;
        if let Some(tuning) = run.tuning {
            first.tune(tuning)?;
            second.tune(tuning)?;
        }
        let side = |session, rate| Side {
            session,
            rate,
            blocks: 0,
        };
        Ok(Self {
            now: Duration::ZERO,
            sides: [
                side(first, 1.0 + run.profile.drift_ppm * 1e-6),
                side(second, 1.0),
            ],
            lines: [Line::clean(), Line::clean()],
        })
    }

    /// Waits until both can send; gives the time that it took.
    fn set_up(&mut self) -> Result<Duration, CallError> {
        loop {
            self.carry()?;
            if self.sides.iter().all(|side| side.session.is_ready()) {
                return Ok(self.now);
            }
            let lines = self.lines.iter().filter_map(Line::poll_timeout).min();
            let now = self.now;
            let timers = self
                .sides
                .iter_mut()
                .filter_map(|side| {
                    let at = side.session.poll_timeout(side.clock(now))?;
                    Some(at.div_f64(side.rate))
                })
                .min();
            let next = [lines, timers].into_iter().flatten().min();
            // At least a millisecond, so that a timer of the past does not stop the clock.
            let soonest = self.now + Duration::from_millis(1);
            self.now = next
                .filter(|_| self.now < SET_UP)
                .ok_or(CallError::NotReady)?
                .max(soonest);
            for side in &mut self.sides {
                side.session.handle_timeout(side.clock(self.now));
            }
        }
    }

    fn talk(&mut self, said: &Talk, end: Duration, outcome: &mut Outcome) -> Result<(), CallError> {
        let start = self.now;
        let mut received = [0.0; BLOCK];
        loop {
            let blocks = [0, 1].map(|index: usize| self.sides[index].next_block(start));
            let lines = self.lines.iter().filter_map(Line::poll_timeout).min();
            let block = blocks[0].min(blocks[1]);
            self.now = lines.map_or(block, |at| at.min(block)).max(self.now);
            if self.now >= end {
                return Ok(());
            }
            // What comes at the same moment as a block is due is there in time.
            self.carry()?;
            for (index, due) in blocks.into_iter().enumerate() {
                if due > self.now {
                    continue;
                }
                let side = &mut self.sides[index];
                let now = side.clock(self.now);
                let send = match index {
                    0 => block_of(said, side.blocks),
                    _ => [0.0; BLOCK],
                };
                side.session.exchange(now, &send, &mut received);
                side.blocks += 1;
                if side.blocks.is_multiple_of(10) || side.timer_is_due(now) {
                    side.session.handle_timeout(now);
                }
                if index == 1 {
                    outcome.received.extend_from_slice(&received);
                    let buffer = side.session.buffer();
                    if side.blocks.is_multiple_of(POINT) {
                        outcome.buffer.push([buffer.delay_ms, buffer.target_ms]);
                    }
                    if side.blocks.is_multiple_of(SECOND) {
                        outcome.concealed.push(buffer.concealed);
                    }
                }
            }
            self.carry()?;
        }
    }

    /// Brings what was sent onto the lines, and what has come to the sides.
    fn carry(&mut self) -> Result<(), CallError> {
        for (index, side) in self.sides.iter_mut().enumerate() {
            while let Some(datagram) = side.session.poll_datagram() {
                self.lines[index].send(self.now, datagram);
            }
            while let Some(event) = side.session.poll_event() {
                if let SessionEvent::Failed(error) = event {
                    return Err(error.into());
                }
            }
        }
        for (index, line) in self.lines.iter_mut().enumerate() {
            let side = &mut self.sides[1 - index];
            let clock = side.clock(self.now);
            while let Some(datagram) = line.receive(self.now) {
                side.session.handle_datagram(clock, &datagram);
            }
        }
        // What answers at once (STUN, DTLS) goes onto its line at the same moment.
        for (index, side) in self.sides.iter_mut().enumerate() {
            while let Some(datagram) = side.session.poll_datagram() {
                self.lines[index].send(self.now, datagram);
            }
        }
        Ok(())
    }
}

impl Side {
    fn timer_is_due(&mut self, now: Duration) -> bool {
        self.session.poll_timeout(now).is_some_and(|at| at <= now)
    }
}

/// A block of what is said; silence after the end.
pub(crate) fn block_of(talk: &Talk, number: u64) -> [f32; BLOCK] {
    let mut block = [0.0; BLOCK];
    let start = (number as usize).saturating_mul(BLOCK);
    for (slot, sample) in block.iter_mut().zip(talk.samples.iter().skip(start)) {
        *slot = *sample;
    }
    block
}

/// The offer with no other `a=crypto` than the one of this suite.
pub(crate) fn with_suite(offer: &str, suite: Option<&str>) -> String {
    let Some(suite) = suite else {
        return offer.to_owned();
    };
    offer
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("a=crypto:") || line.split(' ').nth(1) == Some(suite))
        .collect()
}
