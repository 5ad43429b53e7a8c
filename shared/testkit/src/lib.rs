//! What tests of several crates need.
//!
//! [`app`] sends requests to a service's routes. [`pg`] starts a throw-away Postgres, or uses the one that `TASKER_TEST_DATABASE_URL` names, and
//! makes a fresh database with tasker's schema for each test.

pub mod app;
pub mod bench;
pub mod chaos;
pub mod peaks;
pub mod pg;
pub mod process;
pub mod stack;
