//! Values and rows between the verbs and the two drivers.

use tasker_core::{Json, StackRunId, Status, TaskRunId, json};
use tasker_seal::Place;

use crate::{Result, StoreError};

/// A column or parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL null.
    Null,
    /// Any integer.
    Int(i64),
    /// Any floating point number.
    Real(f64),
    /// Text, varchar, json.
    Text(String),
    /// Boolean (0 or 1 in SQLite).
    Bool(bool),
    /// Values of one kind, for a statement about many rows. Postgres alone.
    List(Vec<Value>),
    /// JSON that a transaction seals for its place before it is sent.
    Secret(Place, Hidden),
    /// Text that is sent as it is, and shown by no log.
    Hidden(Hidden),
}

/// A [`Value::Secret`] came to a driver: its transaction is not a sealing one.
pub const UNSEALED: &str = "a secret must be sealed before it is sent";

/// A text that does not print itself.
#[derive(Clone, PartialEq)]
pub struct Hidden(pub String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

macro_rules! from {
    ($($t:ty => |$v:ident| $e:expr),* $(,)?) => { $(
        impl From<$t> for Value { fn from($v: $t) -> Self { $e } }
    )* };
}
from! {
    i64 => |v| Self::Int(v),
    u32 => |v| Self::Int(v.into()),
    bool => |v| Self::Bool(v),
    f64 => |v| Self::Real(v),
    &str => |v| Self::Text(v.to_owned()),
    String => |v| Self::Text(v),
    &String => |v| Self::Text(v.clone()),
    Json => |v| Self::Text(v.get().to_owned()),
    &Json => |v| Self::Text(v.get().to_owned()),
    Hidden => |v| Self::Hidden(v),
    StackRunId => |v| Self::Int(v.0),
    TaskRunId => |v| Self::Int(v.0),
    Status => |v| Self::Text(v.as_str().to_owned()),
}
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}

/// A row, read from left to right.
#[derive(Debug)]
pub struct Row(pub std::vec::IntoIter<Value>);

impl Row {
    fn corrupt<T>(what: &str, got: &Value) -> Result<T> {
        Err(StoreError::Corrupt(format!("expected {what}, found {got:?}")))
    }

    /// The next column as it is.
    pub fn value(&mut self) -> Result<Value> {
        self.0.next().ok_or_else(|| StoreError::Corrupt("too few columns".into()))
    }

    /// The next column, an integer.
    pub fn int(&mut self) -> Result<i64> {
        match self.value()? {
            Value::Int(n) => Ok(n),
            other => Self::corrupt("an integer", &other),
        }
    }

    /// The next column, a count.
    pub fn count(&mut self) -> Result<u32> {
        u32::try_from(self.int()?).map_err(|e| StoreError::Corrupt(e.to_string()))
    }

    /// The next column, the number of a call in its run; 0 for the root, which stands before them.
    pub fn seq(&mut self) -> Result<u32> {
        let seq = self.int()?.max(0);
        u32::try_from(seq).map_err(|e| StoreError::Corrupt(e.to_string()))
    }

    /// The next column, an integer or null.
    pub fn maybe_int(&mut self) -> Result<Option<i64>> {
        match self.value()? {
            Value::Null => Ok(None),
            Value::Int(n) => Ok(Some(n)),
            other => Self::corrupt("an integer or null", &other),
        }
    }

    /// The next column, a boolean.
    pub fn bool(&mut self) -> Result<bool> {
        match self.value()? {
            Value::Bool(b) => Ok(b),
            Value::Int(n) => Ok(n != 0),
            other => Self::corrupt("a boolean", &other),
        }
    }

    /// The next column, text.
    pub fn text(&mut self) -> Result<String> {
        match self.value()? {
            Value::Text(s) => Ok(s),
            other => Self::corrupt("text", &other),
        }
    }

    /// The next column, text or null.
    pub fn maybe_text(&mut self) -> Result<Option<String>> {
        match self.value()? {
            Value::Null => Ok(None),
            Value::Text(s) => Ok(Some(s)),
            other => Self::corrupt("text or null", &other),
        }
    }

    /// The next column, a JSON document or null.
    pub fn maybe_json(&mut self) -> Result<Option<Json>> {
        self.maybe_text()?
            .map(|s| json::parse(s).map_err(|e| StoreError::Corrupt(e.to_string())))
            .transpose()
    }

    /// The next column, one of the statuses.
    pub fn status(&mut self) -> Result<Status> {
        self.text()?.parse().map_err(|e| StoreError::Corrupt(format!("{e}")))
    }
}
