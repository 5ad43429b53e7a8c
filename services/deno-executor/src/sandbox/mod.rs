//! The sandbox of task code. A worker asks the kernel for memory, for the time and to write to its
//! socket; everything else is refused, layer by layer, so that a hole in the engine is not one in the
//! machine. A layer that the host does not have is left out, and said to be, unless the sandbox is
//! required.
//!
//! The template [`enclose`]s itself, and with it all of its copies; what it needs itself but they do
//! not, each gives up when it begins ([`Filter::enter`]).

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod system;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use system::{Filter, enclose};

/// Whether task code is sandboxed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub enum Mode {
    /// In whichever layers the host has.
    #[default]
    Auto,
    /// In all layers; where one is missing the executor does not start.
    Required,
    /// Not at all.
    Off,
}

/// A layer of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Layer {
    /// No program that it starts, could it start one, has more rights than it has.
    NoNewPrivileges,
    /// An empty file system and a network without interfaces, in a user namespace of its own.
    Namespaces,
    /// Landlock: no file, no TCP, no abstract socket and no signal to processes outside.
    Landlock,
    /// Numbers of open files and processes, size of files and of core dumps.
    Limits,
    /// Seccomp: system calls on a list.
    Seccomp,
}

impl Layer {
    /// All of them, in the order in which they are put on.
    pub const ALL: [Self; 5] =
        [Self::NoNewPrivileges, Self::Limits, Self::Namespaces, Self::Landlock, Self::Seccomp];
}

/// What became of each layer: nothing to say of one that is on; why another is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers(pub BTreeMap<Layer, Option<String>>);

impl Layers {
    /// Layers that are not on, and why.
    pub fn missing(&self) -> impl Iterator<Item = (Layer, &str)> {
        self.0.iter().filter_map(|(layer, why)| Some((*layer, why.as_deref()?)))
    }
}
