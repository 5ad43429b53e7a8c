//! Every statement of the engine, once for both databases (see [`crate::dialect`]).

mod answers;
mod control;
mod keys;
mod reads;
mod runs;
mod steps;

pub use answers::*;
pub use control::*;
pub use keys::*;
pub use reads::*;
pub use runs::*;
pub use steps::*;
