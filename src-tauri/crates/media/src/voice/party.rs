//! Who is on the line: nobody, one far end, or several that hear each other and the agent.

use crate::tone::Chime;
use crate::{BLOCK, Block, Session};

/// The far end of the desk: a session.
pub(super) trait Line: Send {
    /// Gives one block and takes one.
    fn exchange(&mut self, send: &Block, received: &mut Block);
}

impl Line for Session {
    fn exchange(&mut self, send: &Block, received: &mut Block) {
        Session::exchange(self, send, received);
    }
}

/// The far ends, mixed here: each hears everybody but itself.
#[derive(Default)]
pub(super) struct Party {
    lines: Vec<Box<dyn Line>>,
    /// What each said in the last tick; it is passed on in the next.
    said: Vec<Block>,
    /// Tells all of them that somebody joined or left.
    chime: Option<Chime>,
}

impl Party {
    pub(super) fn attach(&mut self, lines: Vec<Box<dyn Line>>) {
        let (before, now) = (self.lines.len(), lines.len());
        self.chime = match () {
            () if before > 0 && now > before => Some(Chime::joined()),
            () if now > 0 && now < before => Some(Chime::left()),
            () => None,
        };
        self.said = vec![[0.0; BLOCK]; lines.len()];
        self.lines = lines;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Sends the microphone and the others to each; adds all that is heard to `ear`.
    pub(super) fn exchange(&mut self, microphone: &Block, ear: &mut Block) {
        let mut chime = [0.0; BLOCK];
        if self.chime.as_mut().is_some_and(|it| !it.add(&mut chime)) {
            self.chime = None;
        }
        let mut all = *microphone;
        if self.chime.is_some() {
            add(&mut all, &chime);
        }
        if let [line] = &mut self.lines[..] {
            line.exchange(&all, ear);
            if self.chime.is_some() {
                add(ear, &chime);
            }
            return;
        }
        for said in &self.said {
            add(&mut all, said);
        }
        for (line, said) in self.lines.iter_mut().zip(&mut self.said) {
            let mut others = all;
            for (sum, own) in others.iter_mut().zip(said.iter()) {
                *sum = limited(*sum - own);
            }
            line.exchange(&others, said);
            add(ear, said);
        }
        if self.chime.is_some() {
            add(ear, &chime);
        }
        for sample in ear {
            *sample = limited(*sample);
        }
    }
}

/// The mixing of a conference of so many that all say the same, to be measured.
pub(crate) fn mixing(parties: usize) -> impl FnMut(&Block, &mut Block) {
    struct Echo;
    impl Line for Echo {
        fn exchange(&mut self, send: &Block, received: &mut Block) {
            *received = *send;
        }
    }
    let mut party = Party::default();
    party.attach(
        (0..parties)
            .map(|_| Box::new(Echo) as Box<dyn Line>)
            .collect(),
    );
    move |microphone, ear| party.exchange(microphone, ear)
}

fn add(sum: &mut Block, block: &Block) {
    for (sum, sample) in sum.iter_mut().zip(block) {
        *sum += sample;
    }
}

/// Bends what is too loud instead of cutting it: straight up to a half, never above one.
fn limited(sample: f32) -> f32 {
    let over = sample.abs() - 0.5;
    if over <= 0.0 {
        return sample;
    }
    (0.5 + 0.5 * (over / 0.5).tanh()).copysign(sample)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::level::{dbov, tone_level};

    /// Says one frequency and keeps what it hears.
    struct Person {
        frequency: f32,
        at: usize,
        heard: Arc<Mutex<Vec<f32>>>,
    }

    impl Line for Person {
        fn exchange(&mut self, send: &Block, received: &mut Block) {
            self.heard.lock().expect("heard").extend_from_slice(send);
            *received = tone(self.frequency, self.at);
            self.at += BLOCK;
        }
    }

    fn tone(frequency: f32, at: usize) -> Block {
        std::array::from_fn(|n| {
            let turns = frequency * ((at + n) % 48_000) as f32 / 48_000.0;
            (turns * std::f32::consts::TAU).sin() * 0.2
        })
    }

    fn person(frequency: f32) -> (Box<dyn Line>, Arc<Mutex<Vec<f32>>>) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let line = Person {
            frequency,
            at: 0,
            heard: Arc::clone(&heard),
        };
        (Box::new(line), heard)
    }

    #[test]
    fn everybody_hears_everybody_but_themselves() {
        let frequencies = [500.0, 800.0, 1_300.0];
        let agent = 300.0;
        let mut party = Party::default();
        let (lines, heard): (Vec<_>, Vec<_>) = frequencies.into_iter().map(person).unzip();
        party.attach(lines);
        let mut ear = Vec::new();
        for n in 0..100 {
            let mut block = [0.0; BLOCK];
            party.exchange(&tone(agent, n * BLOCK), &mut block);
            ear.extend(block);
        }
        let level = 20.0 * (0.2_f32 / 2.0_f32.sqrt()).log10();
        let hears = |pcm: &[f32], frequency: f32| {
            tone_level(&pcm[BLOCK..], 48_000, f64::from(frequency)) > level - 3.0
        };
        for frequency in frequencies {
            assert!(hears(&ear, frequency), "the agent hears {frequency} Hz");
        }
        assert!(!hears(&ear, agent), "the agent does not hear himself");
        for (own, heard) in frequencies.iter().zip(&heard) {
            let heard = heard.lock().expect("heard");
            for other in frequencies.iter().chain([&agent]) {
                assert_eq!(
                    hears(&heard, *other),
                    own != other,
                    "{own} Hz hears {other}"
                );
            }
        }
    }

    #[test]
    fn one_far_end_is_passed_through_unchanged_and_nobody_is_silence() {
        let mut party = Party::default();
        let mut ear = [0.0; BLOCK];
        party.exchange(&[0.9; BLOCK], &mut ear);
        assert_eq!(ear, [0.0; BLOCK]);
        let (line, heard) = person(500.0);
        party.attach(vec![line]);
        party.exchange(&[0.9; BLOCK], &mut ear);
        assert_eq!(heard.lock().expect("heard")[..], [0.9; BLOCK]);
        assert_eq!(ear, tone(500.0, 0));
    }

    #[test]
    fn everybody_hears_that_somebody_joined_and_that_somebody_left() {
        // Notes of the chime, and what is left of the first when the second sounds.
        let notes = |pcm: &[f32]| {
            let first = &pcm[BLOCK..11 * BLOCK];
            let second = &pcm[14 * BLOCK..28 * BLOCK];
            [659.26, 783.99].map(|frequency| {
                [first, second].map(|part| tone_level(part, 48_000, frequency) > -26.0)
            })
        };
        let (up, down) = (
            [[true, false], [false, true]],
            [[false, true], [true, false]],
        );
        let mut party = Party::default();
        // Silent people, so that nothing but the chime is heard.
        let silent = || {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let line = Person {
                frequency: 0.0,
                at: 0,
                heard: Arc::clone(&heard),
            };
            (Box::new(line) as Box<dyn Line>, heard)
        };
        for (people, expected) in [
            (1, None),
            (2, Some(up)),
            (3, Some(up)),
            (2, Some(down)),
            (1, Some(down)),
            (0, None),
        ] {
            let (lines, heard): (Vec<_>, Vec<_>) = (0..people).map(|_| silent()).unzip();
            party.attach(lines);
            let mut ear = Vec::new();
            for _ in 0..60 {
                let mut block = [0.0; BLOCK];
                party.exchange(&[0.0; BLOCK], &mut block);
                ear.extend(block);
            }
            let theirs = heard
                .iter()
                .map(|heard| heard.lock().expect("heard").clone());
            for pcm in theirs.chain([ear]) {
                match expected {
                    Some(expected) => assert_eq!(notes(&pcm), expected, "{people} people"),
                    None => assert!(dbov(&pcm) < -100.0, "{people} people"),
                }
                assert!(dbov(&pcm[40 * BLOCK..]) < -100.0, "once, and then no more");
            }
        }
    }

    #[test]
    fn a_loud_party_does_not_overflow() {
        let mut party = Party::default();
        let (lines, heard): (Vec<_>, Vec<_>) = (0..8).map(|_| person(500.0)).unzip();
        party.attach(lines);
        let mut ear = [0.0; BLOCK];
        for n in 0..10 {
            ear.fill(0.0);
            party.exchange(&tone(500.0, n * BLOCK), &mut ear);
        }
        assert!(ear.iter().all(|sample| sample.abs() <= 1.0));
        let heard = heard[0].lock().expect("heard");
        assert!(heard.iter().all(|sample| sample.abs() <= 1.0));
        assert!(dbov(&heard) > -12.0);
    }
}
