//! The voice thread: a tick every 10 ms while there is something to do, asleep otherwise.

use std::sync::mpsc;

use super::DeviceDelay;
use super::desk::{Command, Desk};
use super::ports::Ports;
use crate::BLOCK;

/// Runs until the last owner of the voice is gone.
pub(super) fn run(
    mut ports: Ports,
    mut desk: Desk,
    inbox: &mpsc::Receiver<Command>,
    delay: &DeviceDelay,
) {
    #[cfg(any(windows, target_os = "macos"))]
    hurry();
    let mut microphone = [0.0; BLOCK];
    let mut ear = [0.0; BLOCK];
    let mut ringer = [0.0; BLOCK];
    loop {
        if desk.is_idle() {
            ports.need(desk.need());
            delay.set(None);
            let Ok(command) = inbox.recv() else {
                return;
            };
            desk.apply(command);
            ports.wake();
        }
        loop {
            match inbox.try_recv() {
                Ok(command) => desk.apply(command),
                Err(mpsc::TryRecvError::Empty) => break,
                Err(mpsc::TryRecvError::Disconnected) => return,
            }
        }
        if desk.is_idle() {
            continue;
        }
        ports.need(desk.need());
        if desk.take_attached() {
            ports.attached();
        }
        ports.wait();
        if let Some(route) = ports.route() {
            desk.set_route(route);
        }
        desk.set_presence(ports.presence());
        ports.capture(&mut microphone);
        desk.tick(&mut microphone, &mut ear, &mut ringer);
        ports.play(&mut ear, &ringer);
        delay.set(ports.delay_ms());
    }
}

/// Asks the system to run this thread before others; it sleeps most of the time. On Linux that takes D-Bus or a
/// right that ordinary users do not have.
#[cfg(any(windows, target_os = "macos"))]
fn hurry() {
    let promoted = audio_thread_priority::promote_current_thread_to_real_time(
        BLOCK as u32,
        crate::SAMPLE_RATE,
    );
    match promoted {
        // There is nothing to give back: the priority ends with the thread.
        Ok(_) => tracing::debug!("the voice runs at real-time priority"),
        Err(error) => tracing::debug!(%error, "the voice runs at normal priority"),
    }
}
