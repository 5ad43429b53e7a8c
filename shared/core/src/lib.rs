//! The pure part of tasker: no I/O, no clock, no async. Time, ids and owners are passed in.
//!
//! * [`chain`] is the state machine of one run: a root row (the task) and its host calls.
//! * [`journal`] is what a cold resume replays.
//! * [`step`] is what a warm run writes with each call, decided in advance.
//! * [`wire`] holds the body of every `/functions/v1/...` route that tasker's own parts exchange.
//! * [`blame`] says when a row whose holders keep dying is given up.
//! * [`source`] shows people a place in code.
//! * [`call`], [`model`], [`status`], [`ids`], [`json`], [`error`] are the words they share.

pub mod blame;
pub mod call;
pub mod chain;
pub mod error;
pub mod ids;
pub mod journal;
pub mod json;
pub mod model;
pub mod source;
pub mod status;
pub mod step;
pub mod time;
pub mod wire;

pub use call::HostCall;
pub use error::TaskError;
pub use ids::{StackRunId, TaskRunId};
pub use json::Json;
pub use model::{Kind, LogLine, StackRun, TaskFunction, TaskRun};
pub use status::Status;
