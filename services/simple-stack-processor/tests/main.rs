//! The processor on a real Postgres.

#![allow(clippy::unwrap_used, reason = "tests")]

mod hang_up;
