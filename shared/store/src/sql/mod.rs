//! Every statement of the engine, once for both databases (see [`tasker_sql::Dialect`]).

mod control;
mod reads;
mod runs;
mod steps;

pub use control::*;
pub use reads::*;
pub use runs::*;
pub use steps::*;
pub use tasker_tables::{FORGET_SENT, PRUNE_ANSWERS};
