//! Every statement of the engine, once for both databases (see [`crate::dialect`]).

mod reads;
mod runs;

pub use reads::*;
pub use runs::*;
