//! A flow: states and the transitions between them, in XState's vocabulary, as JSON.
//!
//! [`Flow::parse`] checks one and says what is wrong where; [`Flow::task_code`] makes a task of it,
//! which runs like any other: each transition follows from an outcome in the run's journal, so a
//! flow is as durable as a task. [`Flow::svg`] and [`Flow::mermaid`] draw it.
//!
//! No I/O here.

mod check;
mod compile;
mod draw;
mod duration;
mod expression;
mod mermaid;
mod model;
mod parse;

pub use model::{Flow, Invoke, Kind, Node, Problem, Problems, Source, Transition};
