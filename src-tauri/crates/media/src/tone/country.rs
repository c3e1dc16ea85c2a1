//! What the telephone network of a country sounds like (ITU-T E.180 supplement 2).
//!
//! The values are held by a test to those that Asterisk plays (`published.txt`), which names the ITU's list of tones in
//! national networks as its source. Where E.180 has a tone modulated by another (400 × 25 Hz) we play its two side
//! bands, 375 and 425 Hz, as Asterisk does. Countries that Asterisk has not share the row of a neighbour whose network
//! was once the same; Ireland's row is our own knowledge.

use super::{Part, off, on, two};

/// The tones that a network plays to a caller, as `frequency/ms` or `frequency+frequency/ms` in Hz, `0` for silence,
/// separated by commas, and repeated without end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// ISO 3166 codes, separated by spaces.
    countries: &'static str,
    pub(super) ringback: &'static str,
    pub(super) busy: &'static str,
    pub(super) congestion: &'static str,
    pub(super) call_waiting: &'static str,
}

/// The plan of a country by its ISO 3166 code of two letters, in any case; most of Europe's where there is none.
pub(super) fn plan(country: &str) -> &'static Plan {
    let is_of = |plan: &&Plan| {
        let mut codes = plan.countries.split(' ');
        codes.any(|code| code.eq_ignore_ascii_case(country))
    };
    PLANS.iter().find(is_of).unwrap_or(&EUROPE)
}

/// The parts of a tone of a plan. What is no number is left out; a test holds the tables to that.
pub(super) fn parts(tone: &str) -> Vec<Part> {
    let part = |text: &str| {
        let (sound, ms) = text.split_once('/')?;
        let ms = ms.parse().ok()?;
        match sound.split_once('+') {
            Some((one, other)) => Some(two(one.parse().ok()?, other.parse().ok()?, ms)),
            None if sound == "0" => Some(off(ms)),
            None => Some(on(sound.parse().ok()?, ms)),
        }
    };
    tone.split(',').filter_map(part).collect()
}

const fn row(
    countries: &'static str,
    ringback: &'static str,
    busy: &'static str,
    congestion: &'static str,
    call_waiting: &'static str,
) -> Plan {
    Plan {
        countries,
        ringback,
        busy,
        congestion,
        call_waiting,
    }
}

/// 425 Hz (ETSI TR 101 041).
#[rustfmt::skip]
pub(super) static EUROPE: Plan =
    row("", "425/1000,0/4000", "425/500,0/500", "425/250,0/250", "425/200,0/200,425/200,0/9000");

// Countries, ringback, busy, congestion, call waiting.
#[rustfmt::skip]
static PLANS: &[Plan] = &[
    row("US CA PR", "440+480/2000,0/4000", "480+620/500,0/500", "480+620/250,0/250", "440/300,0/10000"),
    row("GB", "400+450/400,0/200,400+450/400,0/2000", "400/375,0/375", "400/400,0/350,400/225,0/525", "400/100,0/4000"),
    row("IE", "400+450/400,0/200,400+450/400,0/2000", "425/500,0/500", "425/250,0/250", "425/180,0/200,425/200,0/4500"),
    row("DE", "425/1000,0/4000", "425/480,0/480", "425/240,0/240", "425/200,0/200,425/200,0/5000"),
    row("FR", "440/1500,0/3500", "440/500,0/500", "440/250,0/250", "440/300,0/10000"),
    row("IT", "425/1000,0/4000", "425/500,0/500", "425/200,0/200", "425/400,0/100,425/250,0/100,425/150,0/14000"),
    row("ES", "425/1500,0/3000", "425/200,0/200", "425/200,0/200,425/200,0/200,425/200,0/600", "425/175,0/175,425/175,0/3500"),
    row("PT", "425/1000,0/5000", "425/500,0/500", "425/200,0/200", "440/300,0/10000"),
    row("BE", "425/1000,0/3000", "425/500,0/500", "425/167,0/167", "1400/175,0/175,1400/175,0/3500"),
    row("NL", "425/1000,0/4000", "425/500,0/500", "425/250,0/250", "425/500,0/9500"),
    row("CH LI", "425/1000,0/4000", "425/500,0/500", "425/200,0/200", "425/200,0/200,425/200,0/4000"),
    row("AT", "420/1000,0/5000", "420/400,0/400", "420/200,0/200", "420/40,0/1960"),
    row("SE", "425/1000,0/5000", "425/250,0/250", "425/250,0/750", "425/200,0/500,425/200,0/9100"),
    row("NO", "425/1000,0/4000", "425/500,0/500", "425/200,0/200", "425/200,0/600,425/200,0/10000"),
    row("DK", "425/1000,0/4000", "425/500,0/500", "425/200,0/200", "425/200,0/600,425/200,0/3000"),
    row("FI GR", "425/1000,0/4000", "425/300,0/300", "425/200,0/200", "425/150,0/150,425/150,0/8000"),
    row("CZ SK", "425/1000,0/4000", "425/330,0/330", "425/165,0/165", "425/330,0/9000"),
    row("PL", "425/1000,0/4000", "425/500,0/500", "425/500,0/500", "425/150,0/150,425/150,0/4000"),
    row("HU", "425/1250,0/3750", "425/300,0/300", "425/300,0/300", "425/40,0/1960"),
    row("RU BY KZ", "425/1000,0/4000", "425/350,0/350", "425/175,0/175", "425/200,0/5000"),
    row("AU", "413+438/400,0/200,413+438/400,0/2000", "425/375,0/375", "425/375,0/375", "425/200,0/200,425/200,0/4400"),
    row("NZ", "400+450/400,0/200,400+450/400,0/2000", "400/500,0/500", "400/250,0/250", "400/200,0/3000"),
    row("JP", "385+415/1000,0/2000", "400/500,0/500", "400/500,0/500", "384+416/500,0/8000"),
    row("CN", "450/1000,0/4000", "450/350,0/350", "450/700,0/700", "450/400,0/4000"),
    row("IN", "375+425/400,0/200,375+425/400,0/2000", "400/750,0/750", "400/250,0/250", "400/200,0/100,400/200,0/7500"),
    row("BR", "425/1000,0/4000", "425/250,0/250", "425/250,0/250,425/750,0/250", "425/50,0/1000"),
    row("MX AR", "425/1000,0/4000", "425/250,0/250", "425/250,0/250", "425/200,0/600,425/200,0/10000"),
    row("ZA", "383+417/400,0/200,383+417/400,0/2000", "400/500,0/500", "400/250,0/250", "383+417/250,0/250,383+417/250,0/250,383+417/250,0/250,383+417/250,0/3250"),
    row("IL", "414/1000,0/3000", "414/500,0/500", "414/250,0/250", "414/100,0/100,414/100,0/100,414/600,0/3000"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tone_of_every_country_can_be_played() {
        for plan in PLANS.iter().chain([&EUROPE]) {
            for tone in [plan.ringback, plan.busy, plan.congestion, plan.call_waiting] {
                let parts = parts(tone);
                assert_eq!(parts.len(), tone.split(',').count(), "{plan:?}: {tone}");
                assert!(parts.len().is_multiple_of(2), "sound and silence: {tone}");
                for part in parts {
                    let audible = [part.frequency, part.other];
                    let mut audible = audible.iter().filter(|hz| **hz != 0.0);
                    assert!(audible.all(|hz| (300.0..=1_500.0).contains(hz)), "{tone}");
                    assert!((40..=15_000).contains(&part.ms), "{tone}");
                }
            }
        }
    }

    /// Where a row is meant to differ, and why.
    const MEANT: [(&str, &str); 2] = [
        // Every other beep is to be 10 dB softer; the list stands in another pitch for that, and says so.
        ("AU", "425/375,0/375"),
        // The list has no pause after the four beeps; a call that waits would drown the one that is held.
        (
            "ZA",
            "383+417/250,0/250,383+417/250,0/250,383+417/250,0/250,383+417/250,0/3250",
        ),
    ];

    #[test]
    fn the_tones_are_those_of_the_published_list() {
        let mut compared = 0;
        for line in include_str!("published.txt").lines() {
            if line.starts_with('#') {
                continue;
            }
            let mut words = line.split_ascii_whitespace();
            let country = words.next().expect("a country");
            let listed: Vec<&str> = words.collect();
            let ours = plan(country);
            assert!(
                ours.countries.split(' ').any(|code| code == country),
                "{country} has no row"
            );
            let tones = [ours.ringback, ours.busy, ours.congestion, ours.call_waiting];
            assert_eq!(listed.len(), tones.len(), "{line}");
            for (ours, listed) in tones.into_iter().zip(listed) {
                assert!(
                    ours == listed || MEANT.contains(&(country, ours)),
                    "{country}: {ours}, the list has {listed}"
                );
                compared += 1;
            }
        }
        assert!(compared >= 100, "{compared} tones are in the list");
    }

    #[test]
    fn no_country_has_two_plans_and_any_case_will_do() {
        let mut codes: Vec<&str> = PLANS
            .iter()
            .flat_map(|plan| plan.countries.split(' '))
            .collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(codes.iter().all(|code| code.len() == 2));
        assert_eq!(plan("gb").countries, "GB");
        for unknown in ["", "XX", "USA", "U"] {
            assert_eq!(plan(unknown).countries, "", "{unknown}");
        }
    }
}
