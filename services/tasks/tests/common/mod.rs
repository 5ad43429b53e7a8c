//! What the tests share: the service as it is mounted, over SQLite in memory.

#[allow(dead_code, reason = "each test file uses a part")]
pub mod service;

pub use tasker_testkit::app::{Answer, request, send};
