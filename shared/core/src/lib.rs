//! The pure part of tasker: no I/O, no clock, no async. Time, ids and owners are passed in.
//!
//! * [`run`] is the state machine of one run: a root row (the task) and its host calls.
//! * [`journal`] is what a cold resume replays.
//! * [`wire`] holds the body of every `/functions/v1/...` route that tasker's own parts exchange.
//! * [`source`] shows people a place in code.
//! * [`call`], [`model`], [`status`], [`ids`], [`json`], [`error`] are the words they share.

pub mod call;
pub mod error;
pub mod ids;
pub mod journal;
pub mod json;
pub mod model;
pub mod run;
pub mod source;
pub mod status;
pub mod time;
pub mod wire;

pub use call::HostCall;
pub use error::TaskError;
pub use ids::{StackRunId, TaskRunId};
pub use json::Json;
pub use model::{Kind, LogLine, StackRun, TaskFunction, TaskRun};
pub use status::Status;
