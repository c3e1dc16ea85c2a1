use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::*;
use crate::device::line::{Capture, Gauge, Playback, ring_size};
use crate::{BLOCK, Block};

const TICK: Duration = Duration::from_millis(10);
const RATE: u32 = 48_000;

/// Sound cards in memory, on a clock of their own.
#[derive(Clone)]
struct World(Rc<Inside>);

struct Inside {
    start: Instant,
    time: Cell<Duration>,
    cards: RefCell<Vec<Card>>,
    /// What is open now, and the ends of the devices in it.
    open: RefCell<Vec<(u64, Plug)>>,
    numbers: Cell<u64>,
}

struct Card {
    name: &'static str,
    input: bool,
    plugged: bool,
    refuses: Option<ErrorKind>,
    /// Sound that came out of it lately, or went in.
    played: f32,
}

struct Plug {
    card: &'static str,
    room: Room,
    end: End,
    gauge: Arc<Gauge>,
    failed: Box<dyn FnMut(Error) + Send>,
}

enum End {
    Microphone(rtrb::Producer<f32>),
    Speaker(rtrb::Consumer<f32>),
}

struct Stream {
    world: World,
    number: u64,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut open = self.world.0.open.borrow_mut();
        open.retain(|(number, _)| *number != self.number);
    }
}

impl Running for Stream {
    fn runs_within(&self, _: Duration) -> bool {
        true
    }

    fn is_stuck(&mut self) -> bool {
        false
    }
}

impl World {
    fn new() -> Self {
        let card = |name, input| Card {
            name,
            input,
            plugged: true,
            refuses: None,
            played: 0.0,
        };
        Self(Rc::new(Inside {
            start: Instant::now(),
            time: Cell::new(Duration::ZERO),
            cards: RefCell::new(vec![
                card("Built-in microphone", true),
                card("Built-in speaker", false),
                card("Headset microphone", true),
                card("Headset", false),
            ]),
            open: RefCell::new(Vec::new()),
            numbers: Cell::new(0),
        }))
    }

    /// Pulls or plugs the headset, both ends of it; who uses it is told as sound systems do.
    fn plug(&self, plugged: bool) {
        for card in self.0.cards.borrow_mut().iter_mut() {
            if card.name.starts_with("Headset") {
                card.plugged = plugged;
            }
        }
        if !plugged {
            for (_, plug) in self.0.open.borrow_mut().iter_mut() {
                if plug.card.starts_with("Headset") {
                    (plug.failed)(ErrorKind::DeviceNotAvailable.into());
                }
            }
        }
    }

    /// An open device was interrupted often.
    fn interrupt(&self, name: &str) {
        for (_, plug) in self.0.open.borrow_mut().iter_mut() {
            if plug.card == name {
                (plug.failed)(ErrorKind::Xrun.into());
            }
        }
    }

    /// Length of the callbacks of an open device.
    fn chunk_ms(&self, name: &str) -> Option<u32> {
        let open = self.0.open.borrow();
        let plug = open.iter().find(|(_, plug)| plug.card == name)?;
        Some(plug.1.room.chunk_ms())
    }

    fn refuse(&self, name: &str, refuses: Option<ErrorKind>) {
        for card in self.0.cards.borrow_mut().iter_mut() {
            if card.name == name {
                card.refuses = refuses;
            }
        }
    }

    /// Ten milliseconds: what is plugged takes and gives sound.
    fn tick(&self) {
        self.0.time.set(self.0.time.get() + TICK);
        let mut cards = self.0.cards.borrow_mut();
        for card in cards.iter_mut() {
            card.played = 0.0;
        }
        for (_, plug) in self.0.open.borrow_mut().iter_mut() {
            let Some(card) = cards.iter_mut().find(|card| card.name == plug.card) else {
                continue;
            };
            if !card.plugged {
                continue;
            }
            plug.gauge.saw(BLOCK);
            for _ in 0..BLOCK {
                match &mut plug.end {
                    End::Microphone(ring) => {
                        let _ = ring.push(0.25);
                    }
                    End::Speaker(ring) => {
                        card.played = card.played.max(ring.pop().unwrap_or(0.0).abs());
                    }
                }
            }
        }
    }

    fn is_playing(&self, name: &str) -> bool {
        let cards = self.0.cards.borrow();
        cards
            .iter()
            .any(|card| card.name == name && card.played > 0.1)
    }

    fn open(
        &self,
        name: &&'static str,
        room: Room,
        end: End,
        gauge: &Arc<Gauge>,
        failed: impl FnMut(Error) + Send + 'static,
    ) -> Result<Stream, Error> {
        let cards = self.0.cards.borrow();
        let card = cards.iter().find(|card| card.name == *name && card.plugged);
        match card.map(|card| card.refuses) {
            None => return Err(ErrorKind::DeviceNotAvailable.into()),
            Some(Some(refuses)) => return Err(refuses.into()),
            Some(None) => {}
        }
        let number = self.0.numbers.get();
        self.0.numbers.set(number + 1);
        let plug = Plug {
            card: name,
            room,
            end,
            gauge: Arc::clone(gauge),
            failed: Box::new(failed),
        };
        self.0.open.borrow_mut().push((number, plug));
        Ok(Stream {
            world: self.clone(),
            number,
        })
    }
}

impl System for World {
    type Device = &'static str;
    type Stream = Stream;

    fn now(&self) -> Instant {
        self.0.start + self.0.time.get()
    }

    fn look(&self) -> Vec<Listed<&'static str>> {
        let cards = self.0.cards.borrow();
        let mut defaults = [true, true];
        let plugged = cards.iter().filter(|card| card.plugged);
        plugged
            .map(|card| Listed {
                info: DeviceInfo {
                    id: card.name.to_owned(),
                    name: card.name.to_owned(),
                    input: card.input,
                    default: std::mem::take(&mut defaults[usize::from(card.input)]),
                },
                device: card.name,
            })
            .collect()
    }

    fn open_input(
        &self,
        device: &&'static str,
        room: Room,
        failed: impl FnMut(Error) + Send + 'static,
    ) -> Result<(Stream, Capture), Error> {
        let (producer, consumer) = rtrb::RingBuffer::new(ring_size(RATE));
        let gauge = Arc::new(Gauge::default());
        let stream = self.open(device, room, End::Microphone(producer), &gauge, failed)?;
        Ok((stream, Capture::new(consumer, RATE, gauge)))
    }

    fn open_output(
        &self,
        device: &&'static str,
        room: Room,
        failed: impl FnMut(Error) + Send + 'static,
    ) -> Result<(Stream, Playback), Error> {
        let (producer, consumer) = rtrb::RingBuffer::new(ring_size(RATE));
        let gauge = Arc::new(Gauge::default());
        let stream = self.open(device, room, End::Speaker(consumer), &gauge, failed)?;
        Ok((stream, Playback::new(producer, RATE, gauge)))
    }
}

/// An agent in a call, with a headset chosen.
struct Call {
    world: World,
    keeper: Keeper<World>,
    inbox: mpsc::Receiver<Message>,
    lines: mpsc::Receiver<Opened>,
    faults: watch::Receiver<Option<String>>,
    stepped: Duration,
    speaker: Option<Playback>,
    microphone: Option<Capture>,
    heard: bool,
}

impl Call {
    fn begin(world: World) -> Self {
        let (messages, inbox) = mpsc::channel();
        let (lines_out, lines) = mpsc::channel();
        let (faults_out, faults) = watch::channel(None);
        let selection = DeviceSelection {
            microphone: Some("Headset microphone".to_owned()),
            speaker: Some("Headset".to_owned()),
            ..DeviceSelection::default()
        };
        let list = Arc::new(Mutex::new(Vec::new()));
        let mut keeper = Keeper::new(
            world.clone(),
            selection,
            messages,
            lines_out,
            faults_out,
            list,
        );
        keeper.step(Some(Message::Need(Need {
            microphone: true,
            speaker: true,
            ringer: false,
        })));
        Self {
            world,
            keeper,
            inbox,
            lines,
            faults,
            stepped: Duration::ZERO,
            speaker: None,
            microphone: None,
            heard: false,
        }
    }

    /// Ten milliseconds of the voice, of the devices and, when something is due, of the device thread.
    fn tick(&mut self) {
        while let Ok(message) = self.inbox.try_recv() {
            self.keeper.step(Some(message));
        }
        self.stepped += TICK;
        if self.stepped >= self.keeper.pause().max(TICK) {
            self.stepped = Duration::ZERO;
            self.keeper.step(None);
        }
        while let Ok(opened) = self.lines.try_recv() {
            match opened {
                Opened::Speaker(speaker) => self.speaker = speaker,
                Opened::Microphone(microphone) => self.microphone = microphone,
                Opened::Ringer(_) | Opened::SecondRinger(_) => {}
            }
        }
        let mut block: Block = [0.0; BLOCK];
        if let Some(microphone) = &mut self.microphone {
            microphone.pull(&mut block);
        }
        self.heard = block.iter().all(|&sample| sample > 0.2);
        if let Some(speaker) = &mut self.speaker {
            while speaker.is_hungry() {
                speaker.push(&[0.5; BLOCK]);
            }
        }
        self.world.tick();
    }

    /// Time until the customer is heard on this device and hears the agent.
    fn until(&mut self, device: &str) -> Duration {
        for n in 0..3_000 {
            if self.world.is_playing(device) && self.heard {
                return TICK * n;
            }
            self.tick();
        }
        panic!(
            "nothing on {device} for half a minute: {:?}",
            *self.faults.borrow()
        );
    }
}

#[test]
fn a_thousand_pulled_plugs_in_a_call_cost_no_sound_and_no_memory() {
    let world = World::new();
    let mut call = Call::begin(world.clone());
    call.until("Headset");
    let (mut longest, mut longest_back) = (Duration::ZERO, Duration::ZERO);
    let mut held = 0;
    for cycle in 0..1_000 {
        world.plug(false);
        call.heard = false;
        let gone = call.until("Built-in speaker");
        longest = longest.max(gone);
        {
            let fault = call.faults.borrow();
            let fault = fault.as_deref().expect("the agent is told");
            assert!(
                fault.contains("Headset") && fault.contains("used meanwhile"),
                "{fault}"
            );
        }
        world.plug(true);
        // The device thread looks again soon; the call goes on meanwhile, which is not simulated.
        let before = world.0.time.get();
        world.0.time.set(before + LOOK - 2 * TICK);
        call.stepped += LOOK;
        call.until("Headset");
        longest_back = longest_back.max(world.0.time.get() - before);
        assert_eq!(*call.faults.borrow(), None, "cycle {cycle}");
        assert_eq!(world.0.open.borrow().len(), 2, "what was left is closed");
        match cycle {
            100 => held = crate::allocation::held(),
            999 => {
                let more = crate::allocation::held() - held;
                println!("{more} bytes more after 899 cycles");
                assert!(more.abs() < 16_384, "{more} bytes");
            }
            _ => {}
        }
    }
    println!("on the other device after {longest:?} at most, back after {longest_back:?}");
    assert!(longest <= Duration::from_millis(300), "{longest:?}");
    assert!(longest_back <= Duration::from_secs(3), "{longest_back:?}");
}

#[test]
fn a_device_that_is_taken_or_forbidden_is_named_with_the_reason_and_another_one_serves() {
    let reasons = [
        (ErrorKind::DeviceBusy, "in use by another program"),
        (ErrorKind::PermissionDenied, "privacy settings"),
        (ErrorKind::UnsupportedConfig, "no sound format"),
    ];
    for (kind, words) in reasons {
        let world = World::new();
        world.refuse("Headset microphone", Some(kind));
        let mut call = Call::begin(world.clone());
        call.until("Headset");
        let fault = call.faults.borrow().clone().expect("told");
        for part in [
            "Headset microphone",
            words,
            "“Built-in microphone” is used meanwhile",
        ] {
            assert!(fault.contains(part), "{part} in {fault}");
        }
        // Nothing else is left either: the agent is told what it means.
        world.refuse("Built-in microphone", Some(kind));
        for (_, plug) in world.0.open.borrow_mut().iter_mut() {
            if plug.card == "Built-in microphone" {
                (plug.failed)(kind.into());
            }
        }
        for _ in 0..300 {
            call.tick();
        }
        let fault = call.faults.borrow().clone().expect("told");
        assert!(fault.contains("the customer cannot hear you"), "{fault}");
        world.refuse("Headset microphone", None);
        call.until("Headset");
        for _ in 0..300 {
            call.tick();
        }
        assert_eq!(*call.faults.borrow(), None, "over by itself");
    }
}

#[test]
fn a_device_that_is_interrupted_often_gets_a_larger_buffer_and_keeps_it_for_a_while() {
    let world = World::new();
    let mut call = Call::begin(world.clone());
    call.until("Headset");
    let both = |world: &World| {
        ["Headset", "Headset microphone"].map(|name| world.chunk_ms(name).unwrap_or_default())
    };
    assert_eq!(both(&world), [10, 10]);
    for larger in [20, 40, 60, 60] {
        world.interrupt("Headset");
        call.tick();
        call.until("Headset");
        assert_eq!(both(&world), [larger, 10]);
    }
    // The next call begins with what was learnt.
    let pause = |call: &mut Call, time: Duration| {
        call.keeper.step(Some(Message::Need(Need::default())));
        for _ in 0..LINGER.as_millis() / TICK.as_millis() + 100 {
            call.tick();
        }
        assert_eq!(call.world.chunk_ms("Headset"), None, "closed");
        call.world.0.time.set(call.world.0.time.get() + time);
        call.keeper.step(Some(Message::Need(Need {
            microphone: true,
            speaker: true,
            ringer: false,
        })));
        call.until("Headset");
    };
    pause(&mut call, Duration::ZERO);
    assert_eq!(both(&world), [60, 10]);
    pause(&mut call, FORGET);
    assert_eq!(both(&world), [40, 10]);
    pause(&mut call, FORGET);
    pause(&mut call, FORGET);
    assert_eq!(both(&world), [10, 10]);
}
