//! What the tests share: the service as it is mounted, over SQLite in memory.

pub mod service;

pub use tasker_testkit::app::{Answer, request, send};
