//! What must happen outside a run because of an event, and why that may not count.

use super::{
    row::{Row, Seq},
    state::End,
};

/// What must happen outside the run.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A row can be claimed: tell a processor.
    Wake,
    /// From so many milliseconds on a row may be claimed; an abandoned one counts as lost then.
    Due(Row, i64),
    /// The call is leased to the processor that asked for it.
    Handed(Seq),
    /// A row is not tried any more: whoever worked on it died, so often in a row. A call ended with
    /// that as its error, anything else ended its run with it.
    GivenUp(Row, u32),
    /// The run ended.
    Finished(End),
}

/// Why an event does not count. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The lease was lost: another holder works on the row, or it ended.
    #[error("the lease on this row was lost")]
    Fenced,
    /// The row cannot be claimed as it is.
    #[error("this row is not ready to be claimed")]
    NotReady,
    /// A run's root has no outcome of its own and becomes no other run.
    #[error("this row is the root of a run, not one of its calls")]
    NotACall,
    /// The code ran on an older journal than the recorded one.
    #[error("the journal has grown since this code ran")]
    Outdated,
    /// The code is suspended, has not ended and waits for nothing.
    #[error("the task waits for nothing that can happen")]
    Deadlock,
    /// The run ended before.
    #[error("the run has already ended: {0}")]
    Ended(crate::Status),
    /// Only a run that ended without a result can be tried again.
    #[error("only a run that failed or was cancelled can be retried; this one is {0}")]
    NotFailed(crate::Status),
    /// The code is between two suspension points.
    #[error("the task's code is running this very moment: try again")]
    Busy,
    /// The call does not wait for a person.
    #[error("this call does not wait for a person: it is not needs_attention")]
    NotWaiting,
}

/// What the state machine insists on. Everything, but in experiments that must notice what is
/// missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A write counts only under the lease that its row has now.
    pub fenced: bool,
    /// A row that keeps losing its holders is given up.
    pub gives_up: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { fenced: true, gives_up: true }
    }
}
