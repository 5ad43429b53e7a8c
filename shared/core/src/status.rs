//! The states of a task run and of a stack run, in the original's words.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// State of a row of `task_runs` or `stack_runs`, as stored and as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waiting for a processor (or for its due time).
    Pending,
    /// Leased by a processor, which works on it now.
    Processing,
    /// Waiting for a row below it.
    SuspendedWaitingChild,
    /// A result has been recorded for it; it waits for a processor to resume it.
    PendingResume,
    /// Ended with a result.
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended because nobody needs it any more.
    Cancelled,
    /// A call with an unknown outcome that must not be repeated blindly: a person decides.
    NeedsAttention,
}

impl Status {
    /// Every status, for checks and documentation.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Processing,
        Self::SuspendedWaitingChild,
        Self::PendingResume,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::NeedsAttention,
    ];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::SuspendedWaitingChild => "suspended_waiting_child",
            Self::PendingResume => "pending_resume",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::NeedsAttention => "needs_attention",
        }
    }

    /// True once nothing can change the row any more.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is not a status.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not a status")]
pub struct UnknownStatus(pub String);

impl FromStr for Status {
    type Err = UnknownStatus;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|v| v.as_str() == s).ok_or_else(|| UnknownStatus(s.to_owned()))
    }
}
