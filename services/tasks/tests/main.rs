//! All integration tests of this crate: one program, because each costs a minute to link.

#![allow(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod common;
mod control;
mod execute;
mod owners;
mod reads;
