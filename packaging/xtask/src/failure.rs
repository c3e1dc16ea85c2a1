//! What went wrong: the step, the reason and the remedy.

use std::fmt;

/// A step that failed, or something that is missing.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) step: String,
    pub(crate) reason: String,
    pub(crate) remedy: String,
    missing: bool,
}

impl Failure {
    pub(crate) fn new(
        step: impl Into<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            step: step.into(),
            reason: reason.into(),
            remedy: remedy.into(),
            missing: false,
        }
    }

    /// Something this machine lacks.
    pub(crate) fn missing(
        step: impl Into<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            missing: true,
            ..Self::new(step, reason, remedy)
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        if self.missing { 3 } else { 1 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "failed:  {}", self.step)?;
        writeln!(f, "reason:  {}", self.reason)?;
        write!(f, "remedy:  {}", self.remedy)
    }
}
