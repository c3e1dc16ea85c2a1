//! The jitter buffer: packets in as they come, sound out every 10 ms.
//!
//! Plain and adaptive. [`Timeline`] turns what senders do to sequence numbers and timestamps into one line of
//! media time; [`DelayMeter`] measures how late packets come and says how long to wait for them; [`splice`]
//! shortens and lengthens the sound without a click. What stands behind [`JitterBuffer::insert`] and
//! [`JitterBuffer::pull`] may be exchanged as a whole. Deterministic: time is an argument.

mod comfort;
mod delay;
mod player;
mod splice;
mod timeline;

use std::collections::BTreeMap;
use std::time::Duration;

use sidetone_profile::Codec;

use crate::codec::{self, OpusTuning};
use crate::receive::{ReceiveStats, RtpIn};
use crate::sdp::COMFORT_NOISE;
use crate::{BLOCK, Block, SAMPLE_RATE};
use delay::DelayMeter;
use player::Player;
use timeline::{Place, Timeline};

/// Media time and lengths are counted in samples at 48 kHz.
const PER_MS: i64 = SAMPLE_RATE as i64 / 1_000;
/// Packets that may wait; more means that nobody pulls. The oldest go first.
const CAPACITY: usize = 256;
/// A gap longer than this is not concealed to its end.
const LONGEST_GAP: i64 = 1_000 * PER_MS;
/// Above the aim by this much, sound is shortened where it can be done unheard.
const SLACK: i64 = 5 * PER_MS;
/// Below the aim by this much, sound is lengthened. No piece is cut out that leads below the aim: it must not swing.
const SHORT: i64 = 4 * PER_MS;
/// Above the aim by this much, sound is shortened also where it may be heard.
const EXCESS: i64 = 60 * PER_MS;
/// Above the aim by this much, packets are dropped.
const HOPELESS: i64 = 400 * PER_MS;
/// Blocks between two changes of the delay.
const BETWEEN_CHANGES: u32 = 3;
/// Without a packet for this long the sender pauses; what is played is not concealment of loss.
const PAUSE: i64 = 200 * PER_MS;
/// Blocks in the window of the concealed share: one second.
const SHARE_WINDOW: u32 = 100;

/// Plays one stream of packets.
#[derive(Debug)]
pub(crate) struct JitterBuffer {
    timeline: Timeline,
    meter: DelayMeter,
    packets: BTreeMap<u64, Packet>,
    player: Player,
    /// Where playing stands; `None` before the first packet is due.
    cursor: Option<Cursor>,
    /// Orders of packets that carry no audio (telephone-event): they explain gaps.
    other: Vec<u64>,
    since_change: u32,
    counts: Counts,
}

#[derive(Debug)]
struct Packet {
    at: i64,
    samples: i64,
    codec: Codec,
    marker: bool,
    payload: Vec<u8>,
}

/// What is played next.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    /// Order of the packet that is expected.
    order: u64,
    /// Media time of the next sample to decode.
    at: i64,
    /// Sound made up since `at`, because nothing was there.
    ahead: i64,
}

#[derive(Debug, Default)]
struct Counts {
    late: u64,
    duplicate: u64,
    blocks: u32,
    concealed: usize,
    share: f32,
    /// Delay of the block played last, samples.
    delay: i64,
}

impl JitterBuffer {
    pub(crate) fn new() -> Self {
        Self {
            timeline: Timeline::default(),
            meter: DelayMeter::default(),
            packets: BTreeMap::new(),
            player: Player::default(),
            cursor: None,
            other: Vec::new(),
            since_change: 0,
            counts: Counts::default(),
        }
    }

    /// What decoders may spend.
    pub(crate) fn tune(&mut self, tuning: OpusTuning) {
        self.player.tune(tuning);
    }

    /// Takes a packet; `codec` is `None` when its payload type carries no audio that we know.
    pub(crate) fn insert(&mut self, now: Duration, packet: &RtpIn<'_>, codec: Option<Codec>) {
        let now = samples(now);
        let spec = codec.and_then(codec::spec);
        let clock = spec.map_or(0, |spec| spec.rtp_clock);
        let Some(place) = self.timeline.place(now, packet, clock) else {
            self.counts.late += 1;
            return;
        };
        let Some(spec) = spec else {
            if packet.payload_type == COMFORT_NOISE {
                self.player.comfort(place.order, packet.payload);
            }
            self.note_other(place.order);
            return;
        };
        let Some(length) = self.player.samples(spec, packet.payload) else {
            // Empty or malformed: a hole that explains itself.
            self.note_other(place.order);
            return;
        };
        if self.packets.contains_key(&place.order) {
            self.counts.duplicate += 1;
            return;
        }
        if self.player.is_redundant(spec.codec, packet.payload) {
            self.meter.note_redundancy(now, length);
        }
        self.meter.note(now, place);
        if self.is_past(&place) {
            return;
        }
        self.packets.insert(
            place.order,
            Packet {
                at: place.at,
                samples: length,
                codec: spec.codec,
                marker: packet.marker,
                payload: packet.payload.to_vec(),
            },
        );
        while self.packets.len() > CAPACITY {
            self.packets.pop_first();
        }
    }

    /// Counts packets whose turn is over.
    fn is_past(&mut self, place: &Place) -> bool {
        let past = self.cursor.is_some_and(|cursor| place.order < cursor.order);
        if past {
            if self.player.knows(place.order) {
                self.counts.duplicate += 1;
            } else {
                self.counts.late += 1;
            }
        }
        past
    }

    fn note_other(&mut self, order: u64) {
        if self.other.len() >= CAPACITY {
            self.other.remove(0);
        }
        self.other.push(order);
    }

    /// Gives the next 10 ms.
    pub(crate) fn pull(&mut self, now: Duration, block: &mut Block) {
        let now = samples(now);
        self.catch_up(now);
        while self.player.ready() < BLOCK {
            self.produce(now);
        }
        self.adapt(now);
        self.player.take(block);
        self.counts.blocks += 1;
        if self.counts.blocks >= SHARE_WINDOW {
            let window = SHARE_WINDOW as f32 * BLOCK as f32;
            self.counts.share = (self.counts.concealed as f32 / window).min(1.0);
            self.player.missed(self.counts.share);
            self.counts.blocks = 0;
            self.counts.concealed = 0;
        }
    }

    /// Numbers now.
    pub(crate) fn stats(&self) -> ReceiveStats {
        ReceiveStats {
            late: self.counts.late,
            duplicate: self.counts.duplicate,
            concealed_share: self.counts.share,
            buffer_ms: self.counts.delay as f32 / PER_MS as f32,
            target_ms: self.meter.target() as f32 / PER_MS as f32,
        }
    }

    /// Appends some sound: a packet's, or made-up.
    fn produce(&mut self, now: i64) {
        let Some((&order, next)) = self.packets.first_key_value() else {
            self.run_dry();
            return;
        };
        let (at, frame, marker) = (next.at, next.samples, next.marker);
        let is_due = self.meter.due(at) <= now;
        let Some(cursor) = self.cursor else {
            match is_due {
                true => self.play(order),
                false => self.player.silence(BLOCK),
            }
            return;
        };
        let gap = at - cursor.at;
        let consecutive = order == cursor.order;
        if gap <= 0 {
            // On time, or late but not lost: the delay has then grown by what was made up meanwhile.
            self.play(order);
        } else if consecutive || marker || gap > LONGEST_GAP || self.explains(cursor.order, order) {
            // The sender paused: the next word starts when it is due, however long the pause was.
            match is_due {
                true => self.play(order),
                false => self.rest(BLOCK),
            }
        } else {
            match gap - cursor.ahead {
                // What was lost has been made up already.
                i64::MIN..=0 => self.play(order),
                left if left <= frame => self.recover(order, left, left),
                left => self.recover(order, left, (left - frame).min(BLOCK as i64)),
            }
        }
    }

    /// Nothing is there to be played.
    fn run_dry(&mut self) {
        match self.cursor {
            None => self.player.silence(BLOCK),
            Some(cursor) if cursor.ahead > PAUSE || self.other.contains(&cursor.order) => {
                self.rest(BLOCK);
            }
            Some(_) => self.conceal(BLOCK as i64),
        }
    }

    fn play(&mut self, order: u64) {
        let Some(packet) = self.packets.remove(&order) else {
            return;
        };
        self.player.decode(packet.codec, order, &packet.payload);
        self.cursor = Some(Cursor {
            order: order + 1,
            at: packet.at + packet.samples,
            ahead: 0,
        });
    }

    fn conceal(&mut self, length: i64) {
        self.player.conceal(length as usize);
        self.counts.concealed += length as usize;
        self.advance(length);
    }

    /// Takes a piece of what is missing from the redundancy in the packet behind it, `before` ahead of that packet.
    fn recover(&mut self, order: u64, before: i64, length: i64) {
        if let Some(next) = self.packets.get(&order) {
            self.player.recover(
                (next.codec, &next.payload),
                next.samples as usize,
                before as usize,
                length as usize,
            );
        }
        self.counts.concealed += length as usize;
        self.advance(length);
    }

    fn rest(&mut self, length: usize) {
        self.player.pause(length);
        self.advance(length as i64);
    }

    fn advance(&mut self, length: i64) {
        if let Some(cursor) = &mut self.cursor {
            cursor.ahead += length;
        }
    }

    /// Every packet between these two carried something else than audio.
    fn explains(&self, from: u64, to: u64) -> bool {
        to - from <= CAPACITY as u64 && (from..to).all(|order| self.other.contains(&order))
    }

    /// Delay that playing stands at, samples; `None` while it is being made up.
    fn delay(&self, now: i64) -> Option<i64> {
        let cursor = self.cursor.filter(|cursor| cursor.ahead == 0)?;
        let playing = cursor.at - self.player.ready() as i64;
        Some(now - self.meter.base()? - playing)
    }

    /// After a long stall: goes on near to what is being said now.
    fn catch_up(&mut self, now: i64) {
        let target = self.meter.target();
        let Some((_, first)) = self.packets.first_key_value() else {
            return;
        };
        if now - self.meter.due(first.at) < HOPELESS {
            return;
        }
        while self.packets.len() > 1 {
            let Some((&order, packet)) = self.packets.first_key_value() else {
                return;
            };
            if now - self.meter.due(packet.at) <= target {
                break;
            }
            self.packets.remove(&order);
            // Before the start nobody listened: nothing was missed.
            self.counts.late += u64::from(self.cursor.is_some());
        }
        if let Some((&order, packet)) = self.packets.first_key_value()
            && self.cursor.is_some()
        {
            self.cursor = Some(Cursor {
                order,
                at: packet.at,
                ahead: 0,
            });
        }
    }

    /// Brings the delay towards its aim, unheard where possible.
    fn adapt(&mut self, now: i64) {
        let Some(delay) = self.delay(now) else {
            return;
        };
        self.counts.delay = delay;
        self.since_change += 1;
        if self.since_change < BETWEEN_CHANGES {
            return;
        }
        let excess = delay - self.meter.target();
        if excess > SLACK {
            self.decode_ahead();
            if self.player.shorten(excess as usize, excess > EXCESS) {
                self.since_change = 0;
            }
        } else if excess < -SHORT && self.player.lengthen(excess < -EXCESS) {
            self.since_change = 0;
        }
    }

    /// Cutting needs some sound to choose from.
    fn decode_ahead(&mut self) {
        while self.player.ready() < splice::NEEDED {
            let Some(cursor) = self.cursor.filter(|cursor| cursor.ahead == 0) else {
                return;
            };
            let next = self.packets.first_key_value();
            match next {
                Some((&order, packet)) if order == cursor.order && packet.at == cursor.at => {
                    self.play(order);
                }
                _ => return,
            }
        }
    }
}

fn samples(time: Duration) -> i64 {
    (time.as_micros() as i64) * PER_MS / 1_000
}

#[cfg(test)]
mod tests;
