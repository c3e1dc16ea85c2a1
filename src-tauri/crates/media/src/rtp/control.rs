//! RTCP: reports every five seconds, round trip, goodbye (RFC 3550 section 6).

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rtc_rtcp::extended_report::{ExtendedReport, VoIPMetricsReportBlock};
use rtc_rtcp::goodbye::Goodbye;
use rtc_rtcp::packet::Packet;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::reception_report::ReceptionReport;
use rtc_rtcp::sender_report::SenderReport;
use rtc_rtcp::source_description::{
    SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem,
};

use super::reception::Report;

/// Mean time between two reports.
const INTERVAL: Duration = Duration::from_secs(5);

/// What we tell of the stream that we send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) ssrc: u32,
    /// RTP timestamp now.
    pub(crate) timestamp: u32,
    pub(crate) packets: u32,
    pub(crate) octets: u32,
}

/// The control side of one session.
#[derive(Debug)]
pub(crate) struct Control {
    name: String,
    next: Option<Duration>,
    /// Middle bits of the last sender report that came, and when it came.
    last_report: Option<(u32, Duration)>,
    round_trip: Option<Duration>,
    /// Share of our packets that the far end misses, of 256.
    remote_loss: Option<u8>,
    /// Highest sequence number that the far end got of ours.
    remote_highest: Option<u32>,
    /// How the far end scores what it hears of us.
    remote_mos: Option<f32>,
    /// Sources that said goodbye.
    gone: Vec<u32>,
}

impl Control {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            next: None,
            last_report: None,
            round_trip: None,
            remote_loss: None,
            remote_highest: None,
            remote_mos: None,
            gone: Vec::new(),
        }
    }

    /// Whether a report is due; `random` in 0..1 spreads them (section 6.3.1).
    pub(crate) fn due(&mut self, now: Duration, random: f64) -> bool {
        let due = self.next.is_none_or(|next| next <= now);
        if due {
            self.next = Some(now + INTERVAL.mul_f64(0.5 + random));
        }
        due
    }

    pub(crate) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Share of our packets that the far end misses since it last said so, percent; once.
    pub(crate) fn take_remote_loss(&mut self) -> Option<u8> {
        let loss = self.remote_loss.take()?;
        Some((u16::from(loss) * 100 / 256) as u8)
    }

    /// Highest sequence number that the far end says it got of ours; once.
    pub(crate) fn take_remote_highest(&mut self) -> Option<u32> {
        self.remote_highest.take()
    }

    /// Sources that said goodbye; once.
    pub(crate) fn take_gone(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.gone)
    }

    /// How the far end scores what it hears of us, as far as it says so.
    pub(crate) const fn remote_mos(&self) -> Option<f32> {
        self.remote_mos
    }

    /// Writes a report: of the sender when something was sent, with what was received and how good it was.
    pub(crate) fn report(
        &self,
        now: Duration,
        sent: Sent,
        received: Option<Report>,
        metrics: Option<VoIPMetricsReportBlock>,
    ) -> Option<BytesMut> {
        let reports: Vec<ReceptionReport> = received
            .map(|report| self.reception(now, report))
            .into_iter()
            .collect();
        let first: Box<dyn Packet> = if sent.packets > 0 {
            Box::new(SenderReport {
                ssrc: sent.ssrc,
                ntp_time: ntp(now),
                rtp_time: sent.timestamp,
                packet_count: sent.packets,
                octet_count: sent.octets,
                reports,
                profile_extensions: Bytes::new(),
            })
        } else {
            Box::new(ReceiverReport {
                ssrc: sent.ssrc,
                reports,
                profile_extensions: Bytes::new(),
            })
        };
        let mut packets = vec![first, self.description(sent.ssrc)];
        if let Some(metrics) = metrics {
            packets.push(Box::new(ExtendedReport {
                sender_ssrc: sent.ssrc,
                reports: vec![Box::new(metrics)],
            }));
        }
        rtc_rtcp::packet::marshal(&packets).ok()
    }

    /// Writes a goodbye.
    pub(crate) fn goodbye(
        &self,
        now: Duration,
        sent: Sent,
        received: Option<Report>,
    ) -> Option<BytesMut> {
        let mut packet = self.report(now, sent, received, None)?;
        let goodbye: Box<dyn Packet> = Box::new(Goodbye {
            sources: vec![sent.ssrc],
            reason: Bytes::new(),
        });
        packet.extend_from_slice(&rtc_rtcp::packet::marshal(&[goodbye]).ok()?);
        Some(packet)
    }

    /// Takes what came.
    pub(crate) fn handle(&mut self, now: Duration, own: u32, packet: BytesMut) {
        let mut packet = packet.freeze();
        let Ok(packets) = rtc_rtcp::packet::unmarshal(&mut packet) else {
            return;
        };
        for packet in &packets {
            let packet = packet.as_any();
            if let Some(report) = packet.downcast_ref::<SenderReport>() {
                self.last_report = Some((middle(report.ntp_time), now));
                self.read(now, own, &report.reports);
            } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
                self.read(now, own, &report.reports);
            } else if let Some(report) = packet.downcast_ref::<ExtendedReport>() {
                self.read_metrics(own, report);
            } else if let Some(goodbye) = packet.downcast_ref::<Goodbye>() {
                self.gone.extend(&goodbye.sources);
            }
        }
    }

    fn read_metrics(&mut self, own: u32, report: &ExtendedReport) {
        let mut scores = report
            .reports
            .iter()
            .filter_map(|block| block.as_any().downcast_ref::<VoIPMetricsReportBlock>())
            .filter(|block| block.ssrc == own)
            // 127 is unknown (RFC 3611 section 4.7.5).
            .map(|block| block.mos_cq)
            .filter(|score| (10..=50).contains(score));
        if let Some(score) = scores.next_back() {
            self.remote_mos = Some(f32::from(score) / 10.0);
        }
    }

    fn read(&mut self, now: Duration, own: u32, reports: &[ReceptionReport]) {
        for report in reports.iter().filter(|report| report.ssrc == own) {
            self.remote_loss = Some(report.fraction_lost);
            self.remote_highest = Some(report.last_sequence_number);
            if report.last_sender_report == 0 {
                continue;
            }
            let trip = middle(ntp(now))
                .wrapping_sub(report.last_sender_report)
                .wrapping_sub(report.delay);
            // Clocks that disagree make it negative, which is seen as very long.
            if trip < 60 << 16 {
                self.round_trip = Some(Duration::from_secs_f64(f64::from(trip) / 65_536.0));
            }
        }
    }

    fn reception(&self, now: Duration, report: Report) -> ReceptionReport {
        let (last_sender_report, delay) = self.last_report.map_or((0, 0), |(last, at)| {
            let delay = now.saturating_sub(at).as_secs_f64() * 65_536.0;
            (last, delay as u32)
        });
        ReceptionReport {
            ssrc: report.ssrc,
            fraction_lost: report.fraction_lost,
            total_lost: report.lost,
            last_sequence_number: report.highest,
            jitter: report.jitter,
            last_sender_report,
            delay,
        }
    }

    fn description(&self, ssrc: u32) -> Box<dyn Packet> {
        Box::new(SourceDescription {
            chunks: vec![SourceDescriptionChunk {
                source: ssrc,
                items: vec![SourceDescriptionItem {
                    sdes_type: SdesType::SdesCname,
                    text: Bytes::from(self.name.clone()),
                }],
            }],
        })
    }
}

/// Time as in a sender report. It counts from the session's beginning (and one day, so that it is never zero), which
/// RFC 3550 section 4 allows and which tells nobody our clock.
fn ntp(now: Duration) -> u64 {
    let seconds = now.as_secs() + 86_400;
    let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
    seconds << 32 | fraction
}

const fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_trip_leaves_out_the_time_at_the_far_end() {
        let ms = Duration::from_millis;
        let (mut near, mut far) = (Control::new("a".into()), Control::new("b".into()));
        let sent = |ssrc, packets| Sent {
            ssrc,
            timestamp: 0,
            packets,
            octets: 0,
        };
        let report = near
            .report(ms(1000), sent(1, 5), None, None)
            .expect("a report");
        far.handle(ms(7040), 2, report);
        let of_near = Report {
            ssrc: 1,
            fraction_lost: 64,
            lost: 3,
            highest: 9,
            jitter: 0,
        };
        let answer = far
            .report(ms(9040), sent(2, 0), Some(of_near), None)
            .expect("a report");
        near.handle(ms(3080), 1, answer);
        let trip = near.round_trip().expect("a round trip").as_millis();
        assert!((79..=81).contains(&trip), "{trip}");
        assert_eq!(near.take_remote_loss(), Some(25));
        assert_eq!(near.take_remote_loss(), None);
    }

    #[test]
    fn the_far_end_says_how_good_we_sound() {
        let (mut near, far) = (Control::new("a".into()), Control::new("b".into()));
        let sent = Sent {
            ssrc: 2,
            timestamp: 0,
            packets: 9,
            octets: 9,
        };
        let metrics = |ssrc, mos_cq| VoIPMetricsReportBlock {
            ssrc,
            mos_cq,
            ..VoIPMetricsReportBlock::default()
        };
        for (ssrc, mos_cq, expected) in [
            (7, 40, None),
            (1, 127, None),
            (1, 38, Some(3.8)),
            (1, 127, Some(3.8)),
        ] {
            let report = far.report(Duration::ZERO, sent, None, Some(metrics(ssrc, mos_cq)));
            near.handle(Duration::ZERO, 1, report.expect("a report"));
            assert_eq!(near.remote_mos(), expected);
        }
    }

    #[test]
    fn reports_come_about_every_five_seconds() {
        let mut control = Control::new("a".into());
        assert!(control.due(Duration::ZERO, 0.5));
        assert!(!control.due(Duration::from_millis(4999), 0.5));
        assert!(control.due(Duration::from_millis(5001), 0.5));
    }
}
