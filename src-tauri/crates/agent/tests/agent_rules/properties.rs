//! Whatever happens, in whatever order: what must never be.

use crate::desk::{Desk, deeds};
use crate::world::World;
use proptest::prelude::*;
use serde_json::json;
use sidetone_agent::{Command, Input, TimerId};

/// Events of one long run.
const MANY: usize = 10_000;

#[test]
fn no_ten_thousand_events_break_a_rule() {
    let mut joined = 0;
    for seed in 1..=3 {
        let mut world = World::new();
        let mut dice = Dice(seed);
        for event in 0..MANY {
            if let Err(broken) = world.step(dice.roll()) {
                panic!(
                    "seed {seed}, event {event}: {broken}\nlast events: {:#?}",
                    world.last_events()
                );
            }
        }
        assert!(
            world.reached_everything(),
            "seed {seed}: {:?}",
            world.reached()
        );
        joined += world.reached().get("joined").copied().unwrap_or(0);
    }
    // Two calls that can be joined are rarer than all else.
    assert!(joined >= 3, "joined {joined} times in all");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The same in short runs, which shrink to the few events that matter.
    #[test]
    fn no_few_events_break_a_rule(script in proptest::collection::vec(any::<u64>(), 1..120)) {
        let mut world = World::new();
        for roll in script {
            if let Err(broken) = world.step(roll) {
                let events = world.last_events();
                prop_assert!(false, "{broken}: {events:#?}");
            }
        }
        if let Err(broken) = world.end_every_call() {
            prop_assert!(false, "{broken}");
        }
    }
}

#[test]
fn a_call_that_nobody_helps_to_end_is_ended_by_the_clock() {
    let mut desk = Desk::ready(json!({}));
    let call = desk.talk();
    assert!(!deeds(desk.command(Command::HangUp { call })).is_empty());
    desk.wait(5_000);
    desk.give(Input::Timer(TimerId::Overdue(call)));
    desk.give(Input::Timer(TimerId::CardEnd(call)));
    assert_eq!(desk.view().calls, []);
}

/// Numbers that are the same at every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
