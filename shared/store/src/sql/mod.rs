//! Every statement of the engine, once for both databases (see [`crate::dialect`]).

mod claims;
mod control;
mod lost;
mod reads;
mod runs;
mod steps;
mod submit;

pub use claims::*;
pub use control::*;
pub use lost::*;
pub use reads::*;
pub use runs::*;
pub use steps::*;
pub use submit::*;
pub use tasker_tables::{FORGET_SENT, PRUNE_ANSWERS};
