//! What is asked for when: what an agent waits for often, what an administrator changes now and then seldom.
//!
//! The agent's presence is asked for in every round, by whoever counts the rounds.

/// What a server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Work that waits to be taken.
    Interactions,
    /// The agent object.
    Profile,
    /// The agent's queues, and who waits in them.
    Queues,
    /// Contacts of preview calls.
    Previews,
    /// Who asked to be called back.
    Callbacks,
    /// What holds for all agents.
    Settings,
    /// Reasons of a pause.
    Pauses,
    /// It holds a secret, and changes seldom.
    SipAccount,
    /// What a call can have been about.
    Dispositions,
}

impl Subject {
    /// Whether it is asked for in this round; the first, number 0, asks for everything.
    pub(super) fn is_due(self, round: u64) -> bool {
        let (every, turn) = self.turn();
        round == 0 || round % every == turn
    }

    /// In each so many rounds once, and in which of them: not all in the same.
    fn turn(self) -> (u64, u64) {
        match self {
            Self::Interactions => (2, 0),
            Self::Profile => (3, 1),
            Self::Queues => (3, 2),
            Self::Previews => (6, 0),
            Self::Callbacks => (6, 3),
            Self::Settings => (9, 4),
            Self::Pauses => (9, 7),
            Self::SipAccount => (12, 5),
            Self::Dispositions => (18, 11),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Subject; 9] = [
        Subject::Interactions,
        Subject::Profile,
        Subject::Queues,
        Subject::Previews,
        Subject::Callbacks,
        Subject::Settings,
        Subject::Pauses,
        Subject::SipAccount,
        Subject::Dispositions,
    ];
    /// Seconds between two rounds, at the most: the longest wait that chance makes of it.
    const ROUND_S: u64 = 5;
    /// Rounds of a shift of eight hours.
    const SHIFT: u64 = 8 * 3600 / ROUND_S;

    #[test]
    fn the_first_round_asks_for_everything() {
        assert!(ALL.iter().all(|subject| subject.is_due(0)));
    }

    #[test]
    fn nothing_is_older_than_an_agent_can_bear() {
        for (subject, oldest_s) in [
            (Subject::Interactions, 10),
            (Subject::Profile, 15),
            (Subject::Queues, 15),
            (Subject::Previews, 30),
            (Subject::Callbacks, 30),
            (Subject::Settings, 45),
            (Subject::Pauses, 45),
            (Subject::SipAccount, 60),
            (Subject::Dispositions, 90),
        ] {
            let (mut asked_at_s, mut oldest) = (0, 0);
            for round in 1..SHIFT {
                if subject.is_due(round) {
                    oldest = oldest.max(round * ROUND_S - asked_at_s);
                    asked_at_s = round * ROUND_S;
                }
            }
            assert_eq!(oldest, oldest_s, "{subject:?}");
        }
    }

    #[test]
    fn a_round_asks_for_little_and_a_shift_for_a_quarter_of_everything() {
        let asked = |round| ALL.iter().filter(|subject| subject.is_due(round)).count();
        for round in 1..SHIFT {
            assert!(asked(round) <= 3, "{} in round {round}", asked(round));
        }
        let total: usize = (0..SHIFT).map(asked).sum();
        let everything = ALL.len() * usize::try_from(SHIFT).unwrap();
        assert!(total * 4 < everything, "{total} of {everything}");
    }
}
