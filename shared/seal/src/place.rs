//! Where a sealed text is kept.

use std::fmt;

/// Where a sealed text is kept: bound to it as associated data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A value of the keystore.
    Key {
        /// Namespace of the row.
        namespace: String,
        /// Name of the row.
        name: String,
        /// How often the row was set.
        version: i64,
    },
    /// A column of a recorded call.
    Call {
        /// Root row of the run.
        root: i64,
        /// Number of the call in its run.
        seq: u32,
        /// `args` or `result`.
        column: &'static str,
    },
}

impl Place {
    /// Bytes that differ for every two places: each part with its length before it.
    pub(crate) fn bytes(&self, what: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let mut part = |bytes: &[u8]| {
            out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            out.extend_from_slice(bytes);
        };
        part(what.as_bytes());
        match self {
            Self::Key { namespace, name, version } => {
                part(b"keystore");
                part(namespace.as_bytes());
                part(name.as_bytes());
                part(&version.to_be_bytes());
            }
            Self::Call { root, seq, column } => {
                part(b"stack_runs");
                part(&root.to_be_bytes());
                part(&seq.to_be_bytes());
                part(column.as_bytes());
            }
        }
        out
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { namespace, name, .. } => write!(f, "secret {namespace}/{name}"),
            Self::Call { root, seq, column } => {
                write!(f, "{column} of call {seq} of stack run {root}")
            }
        }
    }
}
