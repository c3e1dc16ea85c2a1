//! One session speaks, another hears it; what lies between changes the packets.

use super::*;
use crate::SAMPLE_RATE;
use crate::level::{dbov, tone_level};
use crate::sdp::TransportPlan;

const TONE: f64 = 400.0;
const AMPLITUDE: f32 = 0.25;

/// A call in virtual time.
struct Call {
    speaker: RtpSession,
    listener: RtpSession,
    now: Duration,
    blocks: usize,
    heard: Vec<f32>,
    events: Vec<SessionEvent>,
    /// Every packet that was sent, before it was changed.
    sent: Vec<Vec<u8>>,
}

impl Call {
    fn new() -> Self {
        let mut call = Self {
            speaker: RtpSession::with_random(StdRng::seed_from_u64(1)),
            listener: RtpSession::with_random(StdRng::seed_from_u64(2)),
            now: Duration::ZERO,
            blocks: 0,
            heard: Vec::new(),
            events: Vec::new(),
            sent: Vec::new(),
        };
        call.speaker
            .apply(&agreed(Codec::Ulaw, 0))
            .expect("applied");
        call.listener
            .apply(&agreed(Codec::Ulaw, 0))
            .expect("applied");
        call
    }

    /// Speaks a tone for so long; `change` says what becomes of each packet.
    fn run(&mut self, seconds: usize, mut change: impl FnMut(Vec<u8>) -> Option<Vec<u8>>) {
        for _ in 0..seconds * 100 {
            let at = self.blocks * BLOCK;
            let block: Block = std::array::from_fn(|n| {
                let turns = TONE * (at + n) as f64 / f64::from(SAMPLE_RATE);
                (turns * std::f64::consts::TAU).sin() as f32 * AMPLITUDE
            });
            let (mut out, mut ignored) = (Outgoing::default(), [0.0; BLOCK]);
            self.speaker
                .exchange(self.now, true, &block, &mut ignored, &mut out);
            for packet in out.rtp {
                self.sent.push(packet.clone());
                if let Some(packet) = change(packet) {
                    self.listener.handle_rtp(self.now, &packet);
                }
            }
            let (mut back, mut heard) = (Outgoing::default(), [0.0; BLOCK]);
            self.listener
                .exchange(self.now, true, &[0.0; BLOCK], &mut heard, &mut back);
            self.listener
                .handle_timeout(self.now, true, "none", &mut back);
            self.events.extend(self.listener.take_events());
            self.heard.extend(heard);
            self.now += Duration::from_millis(10);
            self.blocks += 1;
        }
    }

    fn from(&self, second: usize) -> &[f32] {
        &self.heard[second * SAMPLE_RATE as usize..]
    }

    /// Blocks of silence since a second.
    fn holes(&self, second: usize) -> usize {
        let blocks = self.from(second).chunks(BLOCK);
        blocks.filter(|block| dbov(block) < -25.0).count()
    }

    fn hears_the_tone(&self, what: &str) {
        let last = &self.heard[self.heard.len() - 48_000..];
        let level = tone_level(last, SAMPLE_RATE, TONE);
        assert!((level + 15.05).abs() < 1.0, "{what}: {level} dBov");
    }
}

fn agreed(codec: Codec, payload_type: u8) -> Negotiated {
    Negotiated {
        codec,
        payload_type,
        remote_fmtp: String::new(),
        ptime_ms: 20,
        longest_ms: 60,
        receive: vec![(0, Codec::Ulaw), (8, Codec::Alaw)],
        dtmf_send: None,
        dtmf_receive: Vec::new(),
        direction: Direction::SendRecv,
        remote_rtp: None,
        remote_rtcp: None,
        rtcp_mux: true,
        transport: TransportPlan::Plain,
    }
}

/// Adds to sequence number, timestamp and source.
fn shifted(mut packet: Vec<u8>, sequence: u16, timestamp: u32, ssrc: u32) -> Vec<u8> {
    let number = u16::from_be_bytes([packet[2], packet[3]]).wrapping_add(sequence);
    packet[2..4].copy_from_slice(&number.to_be_bytes());
    for (at, more) in [(4, timestamp), (8, ssrc)] {
        let field = packet[at..].first_chunk::<4>().expect("a header");
        let changed = u32::from_be_bytes(*field).wrapping_add(more);
        packet[at..at + 4].copy_from_slice(&changed.to_be_bytes());
    }
    packet
}

fn is_marked(packet: &[u8]) -> bool {
    packet[1] & 0x80 != 0
}

#[test]
fn a_far_end_may_change_source_numbers_time_and_payload_type_in_mid_call() {
    let mut call = Call::new();
    call.run(5, Some);
    call.hears_the_tone("before");
    let mut second = 5;
    for (what, sequence, timestamp, ssrc) in [
        ("another source", 30_000, 0x5000_0000, 77),
        ("the numbers jump", 10_000, 0x5000_0000, 77),
        ("the time jumps", 10_000, 0x1234_5678, 77),
        ("the first source again", 0, 0, 0),
    ] {
        call.run(5, |packet| Some(shifted(packet, sequence, timestamp, ssrc)));
        let holes = call.holes(second);
        assert!(holes <= 6, "{what}: {holes} blocks of silence");
        call.hears_the_tone(what);
        second += 5;
    }
    // Both were agreed: the far end may go over to the other without a word.
    call.speaker
        .apply(&agreed(Codec::Alaw, 8))
        .expect("applied");
    call.run(5, Some);
    assert!(call.sent.last().is_some_and(|packet| packet[1] & 0x7f == 8));
    assert!(call.holes(second) <= 6, "{}", call.holes(second));
    call.hears_the_tone("another payload type");
    let interrupted = call.events.contains(&SessionEvent::Interrupted);
    assert!(!interrupted, "the call was never interrupted");
    let stats = call.listener.stats("none");
    assert!(stats.buffer_ms < 100.0, "{stats:?}");
}

#[test]
fn comfort_noise_is_neither_loss_nor_sound() {
    let mut call = Call::new();
    call.run(5, Some);
    // The far end is silent: a packet of comfort noise (RFC 3389) in place of ten of sound, numbered on.
    let mut left_out = 0_u16;
    let mut count = 0;
    call.run(4, |packet| {
        count += 1;
        if count % 10 != 1 {
            left_out += 1;
            return None;
        }
        let mut noise = shifted(packet, 0_u16.wrapping_sub(left_out), 0, 0);
        noise[1] = 13;
        noise.truncate(12);
        noise.push(70);
        Some(noise)
    });
    let pause = &call.from(6)[..2 * SAMPLE_RATE as usize];
    assert!(dbov(pause) < -40.0, "{} dBov", dbov(pause));
    assert!(!call.events.contains(&SessionEvent::Interrupted));
    let mut first = true;
    call.run(4, |packet| {
        let mut packet = shifted(packet, 0_u16.wrapping_sub(left_out), 0, 0);
        if std::mem::take(&mut first) {
            packet[1] |= 0x80;
        }
        Some(packet)
    });
    call.hears_the_tone("the next word");
    let starts = call.from(9).chunks(BLOCK);
    let starts = starts.take_while(|block| dbov(block) < -20.0).count();
    assert!(starts <= 12, "it starts {starts} blocks late");
    let stats = call.listener.stats("none");
    assert_eq!((stats.packets_lost, stats.packets_late), (0, 0));
}

#[test]
fn the_first_packet_of_every_stretch_of_sound_is_marked() {
    let mut call = Call::new();
    call.run(1, Some);
    let marked = |packets: &[Vec<u8>]| -> Vec<bool> {
        packets.iter().map(|packet| is_marked(packet)).collect()
    };
    let first = marked(&call.sent);
    assert!(first[0] && !first[1..].contains(&true), "{first:?}");
    // On hold nothing is sent, and the time goes on.
    let before = call.sent.len();
    let hold = Negotiated {
        direction: Direction::RecvOnly,
        ..agreed(Codec::Ulaw, 0)
    };
    call.speaker.apply(&hold).expect("applied");
    call.run(2, Some);
    assert_eq!(call.sent.len(), before);
    call.speaker
        .apply(&agreed(Codec::Ulaw, 0))
        .expect("applied");
    call.run(1, Some);
    let second = marked(&call.sent[before..]);
    assert!(second[0] && !second[1..].contains(&true), "{second:?}");
    let number = |at: usize| u16::from_be_bytes([call.sent[at][2], call.sent[at][3]]);
    assert_eq!(number(before), number(before - 1).wrapping_add(1));
    let time =
        |at: usize| u32::from_be_bytes(*call.sent[at][4..].first_chunk::<4>().expect("a header"));
    let paused = time(before).wrapping_sub(time(before - 1));
    assert!(
        (16_000..16_500).contains(&paused),
        "{paused} ticks of 8 kHz"
    );
}

#[test]
fn a_goodbye_ends_the_stream_without_loss_and_the_next_one_is_heard() {
    let mut call = Call::new();
    call.run(4, Some);
    let goodbye = call.speaker.goodbye(call.now).expect("a goodbye");
    // It comes at the end of a report (RFC 3550 section 6.1) and names the source of the sound.
    let packets = rtc_rtcp::packet::unmarshal(&mut goodbye.clone().freeze()).expect("RTCP");
    let last = packets.last().expect("packets").as_any();
    let named = last.downcast_ref::<rtc_rtcp::goodbye::Goodbye>();
    assert_eq!(named.expect("a goodbye").sources, [call.speaker.ssrc]);
    assert!(packets.len() >= 3, "{packets:?}");

    // A goodbye of somebody else changes nothing.
    let stranger = RtpSession::with_random(StdRng::seed_from_u64(9)).goodbye(call.now);
    call.listener
        .handle_rtcp(call.now, stranger.expect("a goodbye"));
    assert!(call.listener.reception.report().is_some());
    call.listener.handle_rtcp(call.now, goodbye);
    assert_eq!(call.listener.reception.report(), None);
    call.run(6, |_| None);
    assert!(!call.events.contains(&SessionEvent::Interrupted));
    let quiet = &call.from(6)[..3 * SAMPLE_RATE as usize];
    assert!(dbov(quiet) < -60.0, "{} dBov", dbov(quiet));

    // Another source, as after a transfer by the PBX.
    call.run(4, |packet| Some(shifted(packet, 30_000, 0x5000_0000, 77)));
    call.hears_the_tone("the next source");
    assert_eq!(call.listener.stats("none").packets_lost, 0);
}

#[test]
fn a_stream_that_stops_without_a_word_is_an_interruption() {
    let mut call = Call::new();
    call.run(4, Some);
    call.run(4, |_| None);
    assert!(call.events.contains(&SessionEvent::Interrupted));
    call.run(2, Some);
    assert!(call.events.contains(&SessionEvent::Resumed));
}
