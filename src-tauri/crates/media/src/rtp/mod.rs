//! One RTP session: between blocks of sound and packets in clear, for every kind of keying alike.

mod control;
mod dtmf;
mod hearing;
mod packet;
mod reception;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::BytesMut;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rtc_rtcp::extended_report::VoIPMetricsReportBlock;
use sidetone_profile::Codec;

use control::{Control, Sent};
use dtmf::{DigitsIn, DigitsOut, EventPacket};
use hearing::{Hearing, Signs};
use packet::Packet;
use reception::Reception;

use crate::codec::{self, EncoderSetup, FarReport, OpusTuning};
use crate::level;
use crate::quality::{self, Conditions, Rating};
use crate::receive::{AudioReceiver, ReceiveStats, RtpIn};
use crate::sdp::Negotiated;
use crate::send::AudioSender;
use crate::{BLOCK, Block, Direction, MediaError, SessionEvent, SessionStats};

/// Silence of the far end after which it counts as interrupted.
const INTERRUPTED: Duration = Duration::from_secs(3);
/// A metric that is not known (RFC 3611 section 4.7).
const UNKNOWN: u8 = 127;
/// Time between two statistics.
const STATS: Duration = Duration::from_secs(1);

/// One RTP session.
#[derive(Debug)]
pub(crate) struct RtpSession {
    agreed: Option<Agreed>,
    tuning: OpusTuning,
    receiver: AudioReceiver,
    ssrc: u32,
    sequence: u16,
    /// Timestamp of the sound now, in the clock of the codec.
    timestamp: u32,
    packets_sent: u64,
    octets_sent: u64,
    /// The next packet follows a pause.
    resumed: bool,
    digits_out: DigitsOut,
    digits_in: DigitsIn,
    reception: Reception,
    control: Control,
    /// When the last packet came; `None` before the first since sound may come.
    heard: Option<Duration>,
    interrupted: bool,
    next_stats: Duration,
    level_in: Meter,
    level_out: Meter,
    hearing: Hearing,
    losses: Losses,
    events: Vec<SessionEvent>,
    random: StdRng,
}

/// What was agreed, as far as packets go.
#[derive(Debug)]
struct Agreed {
    codec: Codec,
    name: &'static str,
    clock: u32,
    ptime_ms: u32,
    longest_ms: u32,
    remote_fmtp: String,
    sender: AudioSender,
    payload_type: u8,
    receive: Vec<(u8, Codec)>,
    dtmf_send: Option<(u8, u32)>,
    dtmf_receive: Vec<u8>,
    direction: Direction,
}

/// Packets to send, in clear.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    pub(crate) rtp: Vec<Vec<u8>>,
    pub(crate) rtcp: Vec<BytesMut>,
}

impl RtpSession {
    pub(crate) fn new() -> Self {
        Self::with_random(StdRng::from_os_rng())
    }

    /// A session whose chances are all drawn from `random`, so that a measurement can be repeated.
    pub(crate) fn with_random(mut random: StdRng) -> Self {
        let name = format!("{:016x}", random.random::<u64>());
        Self {
            agreed: None,
            tuning: OpusTuning::default(),
            receiver: AudioReceiver::new(),
            ssrc: random.random(),
            // The far end cannot tell a wrap that happened in packets it never got (RFC 3711 section 3.3.1).
            sequence: random.random_range(0..0x8000),
            timestamp: random.random(),
            packets_sent: 0,
            octets_sent: 0,
            resumed: true,
            digits_out: DigitsOut::default(),
            digits_in: DigitsIn::default(),
            reception: Reception::default(),
            control: Control::new(name),
            heard: None,
            interrupted: false,
            next_stats: STATS,
            level_in: Meter::default(),
            level_out: Meter::default(),
            hearing: Hearing::default(),
            losses: Losses::default(),
            events: Vec::new(),
            random,
        }
    }

    /// What the codec may spend.
    ///
    /// # Errors
    /// [`MediaError::Codec`].
    pub(crate) fn tune(&mut self, tuning: OpusTuning) -> Result<(), MediaError> {
        self.tuning = tuning;
        self.receiver.tune(tuning);
        if let Some(agreed) = &mut self.agreed {
            let setup = EncoderSetup {
                ptime_ms: agreed.ptime_ms,
                longest_ms: agreed.longest_ms,
                remote_fmtp: &agreed.remote_fmtp,
                tuning,
            };
            agreed.sender = AudioSender::new(agreed.codec, &setup)?;
        }
        Ok(())
    }

    /// Brings into force what was agreed.
    ///
    /// # Errors
    /// [`MediaError::Codec`].
    pub(crate) fn apply(&mut self, negotiated: &Negotiated) -> Result<(), MediaError> {
        let spec = codec::spec(negotiated.codec).ok_or(MediaError::OfferAnswer(
            "a codec was agreed that is not built in",
        ))?;
        // An encoder keeps state: it goes on while nothing of its own changes.
        let sender = match self.agreed.take() {
            Some(agreed)
                if agreed.codec == negotiated.codec
                    && agreed.ptime_ms == negotiated.ptime_ms
                    && agreed.longest_ms == negotiated.longest_ms
                    && agreed.remote_fmtp == negotiated.remote_fmtp =>
            {
                agreed.sender
            }
            _ => AudioSender::new(
                negotiated.codec,
                &EncoderSetup {
                    ptime_ms: negotiated.ptime_ms,
                    longest_ms: negotiated.longest_ms,
                    remote_fmtp: &negotiated.remote_fmtp,
                    tuning: self.tuning,
                },
            )?,
        };
        self.receiver.set_payload_types(&negotiated.receive);
        self.heard = None;
        self.agreed = Some(Agreed {
            codec: negotiated.codec,
            name: spec.name,
            clock: spec.rtp_clock,
            ptime_ms: negotiated.ptime_ms,
            longest_ms: negotiated.longest_ms,
            remote_fmtp: negotiated.remote_fmtp.clone(),
            sender,
            payload_type: negotiated.payload_type,
            receive: negotiated.receive.clone(),
            dtmf_send: negotiated.dtmf_send,
            dtmf_receive: negotiated.dtmf_receive.clone(),
            direction: negotiated.direction,
        });
        Ok(())
    }

    pub(crate) fn direction(&self) -> Direction {
        self.agreed
            .as_ref()
            .map_or(Direction::Inactive, |agreed| agreed.direction)
    }

    /// Queues digits; `false` when the far end takes none as events or one is no digit.
    pub(crate) fn send_dtmf(&mut self, digits: &str) -> bool {
        let negotiated = self
            .agreed
            .as_ref()
            .is_some_and(|agreed| agreed.dtmf_send.is_some());
        negotiated && self.digits_out.push(digits)
    }

    /// Takes 10 ms to send, gives 10 ms to hear. Nothing is sent while the transport is not `ready`.
    pub(crate) fn exchange(
        &mut self,
        now: Duration,
        ready: bool,
        send: &Block,
        received: &mut Block,
        out: &mut Outgoing,
    ) {
        self.send(ready, send, out);
        // Pulled in any case, so that the buffer does not play old sound when the hold ends.
        self.receiver.pull(now, received);
        if !self.direction().receives() {
            received.fill(0.0);
        }
        self.level_in.add(received);
    }

    fn send(&mut self, ready: bool, block: &Block, out: &mut Outgoing) {
        let Some(agreed) = &mut self.agreed else {
            return;
        };
        let ticks = agreed.clock / 100;
        if !ready || !agreed.direction.sends() {
            // Time goes on without packets.
            self.timestamp = self.timestamp.wrapping_add(ticks);
            self.resumed = true;
            return;
        }
        self.level_out.add(block);
        if let Some((payload_type, clock)) = agreed.dtmf_send
            && let Some(event) = self.digits_out.tick(self.timestamp, clock)
        {
            let timestamp = scaled(event.began, agreed.clock, clock);
            write_event(
                payload_type,
                timestamp,
                &event,
                &mut self.sequence,
                self.ssrc,
                out,
            );
            self.packets_sent += u64::from(event.times);
            self.octets_sent += u64::from(event.times) * event.payload.len() as u64;
        }
        // A frame is stamped with the time of its first sample.
        let frame = agreed.sender.push(block);
        self.timestamp = self.timestamp.wrapping_add(ticks);
        let Some(frame) = frame else { return };
        if self.digits_out.is_sounding() {
            self.resumed = true;
            return;
        }
        let mut bytes = Vec::with_capacity(12 + frame.payload.len());
        Packet {
            marker: frame.marker || self.resumed,
            payload_type: agreed.payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp.wrapping_sub(frame.ticks),
            ssrc: self.ssrc,
            payload: frame.payload,
        }
        .write(&mut bytes);
        self.resumed = false;
        self.sequence = self.sequence.wrapping_add(1);
        self.packets_sent += 1;
        self.octets_sent += frame.payload.len() as u64;
        out.rtp.push(bytes);
    }

    /// Takes an RTP packet in clear.
    pub(crate) fn handle_rtp(&mut self, now: Duration, bytes: &[u8]) {
        let (Some(agreed), Some(packet)) = (&self.agreed, Packet::parse(bytes)) else {
            return;
        };
        let digits = agreed.dtmf_receive.contains(&packet.payload_type);
        let clock = agreed
            .receive
            .iter()
            .find(|(payload_type, _)| *payload_type == packet.payload_type)
            .and_then(|(_, codec)| codec::spec(*codec))
            .map_or(agreed.clock, |spec| spec.rtp_clock);
        if packet.ssrc == self.ssrc
            || !self.reception.count(
                now,
                packet.ssrc,
                packet.sequence,
                packet.timestamp,
                clock,
                !digits,
            )
        {
            return;
        }
        self.note_heard(now);
        // Held or not, the buffer and the digits follow what comes; the hold silences what is played.
        self.receiver.insert(
            now,
            &RtpIn {
                payload_type: packet.payload_type,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                marker: packet.marker,
                payload: packet.payload,
                ssrc: packet.ssrc,
            },
        );
        if digits {
            let digit = self
                .digits_in
                .take(packet.ssrc, packet.timestamp, packet.payload);
            self.events.extend(digit.map(SessionEvent::Dtmf));
        }
    }

    fn note_heard(&mut self, now: Duration) {
        self.heard = Some(now);
        if std::mem::take(&mut self.interrupted) {
            self.events.push(SessionEvent::Resumed);
        }
    }

    /// Takes an RTCP packet in clear.
    pub(crate) fn handle_rtcp(&mut self, now: Duration, packet: BytesMut) {
        self.control.handle(now, self.ssrc, packet);
        if let (Some(percent), Some(agreed)) = (self.control.take_remote_loss(), &mut self.agreed) {
            agreed.sender.follow(&FarReport {
                loss_percent: percent,
                round_trip: self.control.round_trip(),
            });
        }
        if let Some(highest) = self.control.take_remote_highest() {
            self.hearing.reported(now, highest, self.packets_sent);
        }
        for source in self.control.take_gone() {
            if self.reception.end(source) {
                // It stopped because it wanted to: that is no interruption.
                self.heard = None;
            }
        }
    }

    /// Runs what goes by the clock; call it about ten times a second.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Duration,
        ready: bool,
        keying: &str,
        out: &mut Outgoing,
    ) {
        if ready && self.control.due(now, self.random.random()) {
            let received = self.reception.report();
            let metrics = received.and_then(|report| self.metrics(now, report.ssrc));
            out.rtcp
                .extend(self.control.report(now, self.sent(), received, metrics));
        }
        let silent = self
            .heard
            .is_some_and(|heard| now.saturating_sub(heard) >= INTERRUPTED);
        if ready && silent && !self.interrupted && self.direction().receives() {
            self.interrupted = true;
            self.events.push(SessionEvent::Interrupted);
        }
        if now >= self.next_stats {
            self.next_stats = now + STATS;
            self.level_in.close();
            self.level_out.close();
            self.losses.close(
                self.reception.received(),
                self.reception.lost() + self.receiver.stats().late,
            );
            let direction = self.direction();
            self.hearing.look(
                ready && self.agreed.is_some(),
                &Signs {
                    now,
                    sends: direction.sends(),
                    receives: direction.receives(),
                    level_out: self.level_out.last,
                    heard: self.heard,
                    packets_sent: self.packets_sent,
                },
            );
            if self.agreed.is_some() {
                let stats = self.stats(keying);
                self.events.push(SessionEvent::Stats(stats));
            }
        }
    }

    pub(crate) fn take_events(&mut self) -> Vec<SessionEvent> {
        std::mem::take(&mut self.events)
    }

    /// The last packet of all.
    pub(crate) fn goodbye(&mut self, now: Duration) -> Option<BytesMut> {
        let received = self.reception.report();
        self.control.goodbye(now, self.sent(), received)
    }

    /// Numbers of what is received, now.
    pub(crate) fn receiving(&self) -> ReceiveStats {
        self.receiver.stats()
    }

    /// Numbers now.
    pub(crate) fn stats(&self, keying: &str) -> SessionStats {
        let receiver = self.receiver.stats();
        let round_trip = self.control.round_trip();
        SessionStats {
            codec: self
                .agreed
                .as_ref()
                .map(|agreed| agreed.name.to_owned())
                .unwrap_or_default(),
            packets_sent: self.packets_sent,
            packets_received: self.reception.received(),
            packets_lost: self.reception.lost(),
            packets_late: receiver.late,
            jitter_ms: self.reception.jitter_ms(),
            buffer_ms: receiver.buffer_ms,
            round_trip_ms: round_trip.map(|trip| trip.as_secs_f32() * 1000.0),
            concealed: receiver.concealed_share,
            keying: keying.to_owned(),
            level_in_dbov: self.level_in.last,
            level_out_dbov: self.level_out.last,
            mos: self.rating().map(|rating| rating.mos),
            remote_mos: self.control.remote_mos(),
            one_way: self.hearing.verdict(),
        }
    }

    /// Rating of what is heard; `None` before the first packet.
    fn rating(&self) -> Option<Rating> {
        let agreed = self.agreed.as_ref()?;
        let trip = self.control.round_trip();
        (self.reception.received() > 0).then(|| {
            quality::rate(
                agreed.codec,
                &Conditions {
                    network_ms: trip.map_or(0.0, |trip| trip.as_secs_f32() * 500.0),
                    buffer_ms: self.receiver.stats().buffer_ms,
                    packet_ms: agreed.ptime_ms as f32,
                    loss: self.losses.share(),
                    burst: 1.0,
                },
            )
        })
    }

    /// What the far end is told of its sound here (RFC 3611 section 4.7).
    fn metrics(&self, now: Duration, ssrc: u32) -> Option<VoIPMetricsReportBlock> {
        let rating = self.rating()?;
        let receiver = self.receiver.stats();
        let expected = (self.reception.received() + self.reception.lost()).max(1);
        let share = |count: u64| (count * 256 / expected).min(255) as u8;
        let ms = |ms: f32| ms.clamp(0.0, 65_535.0) as u16;
        let trip = self.control.round_trip();
        let packet_ms = self.agreed.as_ref()?.ptime_ms as f32;
        Some(VoIPMetricsReportBlock {
            ssrc,
            loss_rate: share(self.reception.lost()),
            discard_rate: share(receiver.late),
            burst_density: 0,
            gap_density: share(self.reception.lost() + receiver.late),
            burst_duration: 0,
            gap_duration: ms(now.as_secs_f32() * 1_000.0),
            round_trip_delay: ms(trip.map_or(0.0, |trip| trip.as_secs_f32() * 1_000.0)),
            end_system_delay: ms(receiver.buffer_ms + packet_ms),
            // Two's complement, dBm0; 127 is unknown.
            signal_level: self.level_in.last as i8 as u8,
            noise_level: UNKNOWN,
            rerl: UNKNOWN,
            gmin: 16,
            rfactor: rating.r as u8,
            ext_rfactor: UNKNOWN,
            mos_lq: (rating.listening * 10.0) as u8,
            mos_cq: (rating.mos * 10.0) as u8,
            // Enhanced concealment, adaptive jitter buffer.
            rx_config: 0b1111_0000,
            reserved: 0,
            jb_nominal: ms(receiver.target_ms),
            jb_maximum: 200,
            jb_abs_max: 400,
        })
    }

    fn sent(&self) -> Sent {
        Sent {
            ssrc: self.ssrc,
            timestamp: self.timestamp,
            // RTCP counts modulo its 32 bits.
            packets: self.packets_sent as u32,
            octets: self.octets_sent as u32,
        }
    }
}

/// Writes the packets of an event, each with a sequence number of its own.
fn write_event(
    payload_type: u8,
    timestamp: u32,
    event: &EventPacket,
    sequence: &mut u16,
    ssrc: u32,
    out: &mut Outgoing,
) {
    for _ in 0..event.times {
        let mut bytes = Vec::with_capacity(16);
        Packet {
            marker: event.marker,
            payload_type,
            sequence: *sequence,
            timestamp,
            ssrc,
            payload: &event.payload,
        }
        .write(&mut bytes);
        *sequence = sequence.wrapping_add(1);
        out.rtp.push(bytes);
    }
}

/// A timestamp in another clock, for events whose clock is not the codec's.
fn scaled(timestamp: u32, from: u32, to: u32) -> u32 {
    if from == to {
        return timestamp;
    }
    // Only the lower 32 bits count.
    (u64::from(timestamp) * u64::from(to) / u64::from(from)) as u32
}

/// Packets that came and that did not come in time, over the last seconds.
#[derive(Debug, Default)]
struct Losses {
    /// Sums at the end of each of the last seconds, newest last.
    seconds: VecDeque<(u64, u64)>,
}

impl Losses {
    const SECONDS: usize = 8;

    fn close(&mut self, received: u64, missing: u64) {
        if self.seconds.len() > Self::SECONDS {
            self.seconds.pop_front();
        }
        self.seconds.push_back((received, missing));
    }

    /// Share of what should have come.
    fn share(&self) -> f32 {
        let (Some(first), Some(last)) = (self.seconds.front(), self.seconds.back()) else {
            return 0.0;
        };
        let received = last.0.saturating_sub(first.0);
        // What was lost may still come: the sum can go down.
        let missing = last.1.saturating_sub(first.1);
        match received + missing {
            0 => 0.0,
            expected => missing as f32 / expected as f32,
        }
    }
}

/// Level over the time between two statistics.
#[derive(Debug)]
struct Meter {
    energy: f64,
    samples: u64,
    last: f32,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            energy: 0.0,
            samples: 0,
            last: level::SILENCE,
        }
    }
}

impl Meter {
    fn add(&mut self, block: &Block) {
        let energy: f32 = block.iter().map(|sample| sample * sample).sum();
        self.energy += f64::from(energy);
        self.samples += BLOCK as u64;
    }

    fn close(&mut self) {
        self.last = if self.samples == 0 {
            level::SILENCE
        } else {
            level::from_energy(self.energy / self.samples as f64)
        };
        self.energy = 0.0;
        self.samples = 0;
    }
}

#[cfg(test)]
mod tests;
