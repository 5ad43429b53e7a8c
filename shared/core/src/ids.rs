//! Row ids as distinct types, so that a task run's id cannot be passed where a stack run's is meant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                s.parse().map(Self)
            }
        }

        /// Clients of the original send ids both as numbers and as decimal strings.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                #[derive(Deserialize)]
                #[serde(untagged)]
                enum Either {
                    Number(i64),
                    Text(String),
                }
                match Either::deserialize(d)? {
                    Either::Number(n) => Ok(Self(n)),
                    Either::Text(s) => s.parse().map_err(|_| {
                        serde::de::Error::custom(format!("'{s}' is not an id (a whole number)"))
                    }),
                }
            }
        }
    };
}

id!(
    /// Id of a row of `task_runs`.
    TaskRunId
);
id!(
    /// Id of a row of `stack_runs`.
    StackRunId
);
