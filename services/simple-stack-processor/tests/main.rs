//! All integration tests of this crate, on a real Postgres: one program, because each costs a minute
//! to link.

#![allow(clippy::unwrap_used, reason = "tests")]

mod away;
mod common;
mod hang_up;
