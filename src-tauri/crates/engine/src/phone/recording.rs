//! Calls that are recorded.

use sidetone_agent::{CallId, Input, RecordingState};
use sidetone_profile::RecordingFormat;

use super::Phone;
use crate::call::Call;
use crate::clock::wall_ms;
use crate::{private, recordings};

impl Phone {
    /// Records both sides of a call from now on.
    pub(super) fn record(&mut self, id: CallId, format: RecordingFormat, label: &str) {
        let state = match self.begin_recording(id, format, label) {
            Ok(()) => RecordingState::On,
            Err(fault) => {
                tracing::warn!(call = id.0, fault, "not recorded");
                RecordingState::Failed { fault }
            }
        };
        self.handle(Input::Recording { call: id, state });
    }

    fn begin_recording(
        &self,
        id: CallId,
        format: RecordingFormat,
        label: &str,
    ) -> Result<(), String> {
        let session = self.calls.get(&id).and_then(Call::session);
        let session = session.ok_or("the call has no sound")?;
        let folder = recordings::folder(self.recordings.as_deref(), self.settings.dir());
        let recording = recordings::plan(folder.as_deref(), wall_ms(), label, format)?;
        let path = recording.path.clone();
        session
            .record(recording)
            .map_err(|fault| fault.to_string())?;
        // The folder is the owner's alone already.
        if let Err(fault) = private::file(&path) {
            tracing::debug!(%fault, "the recording's file mode");
        }
        Ok(())
    }

    /// Keeps what is said out of a recording, or goes on with it.
    pub(super) fn pause_recording(&mut self, id: CallId, on: bool) {
        let Some(session) = self.calls.get(&id).and_then(Call::session) else {
            return;
        };
        session.pause_recording(on);
        let state = if on {
            RecordingState::Paused
        } else {
            RecordingState::On
        };
        self.handle(Input::Recording { call: id, state });
    }

    /// Ends a recording.
    pub(super) fn stop_recording(&mut self, id: CallId) {
        if let Some(session) = self.calls.get(&id).and_then(Call::session).cloned() {
            // It waits for the disk.
            tokio::task::spawn_blocking(move || {
                if let Some(done) = session.stop_recording() {
                    tracing::info!(duration_ms = done.duration_ms, "recorded");
                }
            });
        }
        self.handle(Input::Recording {
            call: id,
            state: RecordingState::Off,
        });
    }
}
