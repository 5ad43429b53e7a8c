//! Arguments of a link.

use serde_json::{Map, Value};
use tasker_core::Json;

use super::{ChainError, Link};

/// Arguments of a link, and its name for errors.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    link: &'a Link,
}

impl<'a> Args<'a> {
    /// Those of a link.
    pub fn new(link: &'a Link) -> Self {
        Self { link }
    }

    /// What is wrong with them.
    pub fn wrong(&self, what: &str) -> ChainError {
        ChainError::Format(format!("{} ({}): {what}", self.link.at, self.link.name))
    }

    /// One, byte for byte. `null` counts as none.
    pub fn raw(&self, i: usize) -> Option<&'a Json> {
        self.link.args.get(i).filter(|a| a.get() != "null")
    }

    /// One as a value; none is null.
    pub fn value(&self, i: usize) -> &'a Value {
        self.link.values.get(i).unwrap_or(&Value::Null)
    }

    /// One that must be given, `null` being a value like others.
    pub fn given(&self, i: usize, what: &str) -> Result<&'a Value, ChainError> {
        if self.link.args.len() <= i {
            return Err(self.wrong(&format!("args[{i}] is missing: {what}")));
        }
        Ok(self.value(i))
    }

    /// A text that is not empty.
    pub fn text(&self, i: usize, what: &str) -> Result<String, ChainError> {
        match self.value(i) {
            Value::String(text) if !text.trim().is_empty() => Ok(text.clone()),
            _ => Err(self.wrong(&format!("args[{i}] must be a string: {what}"))),
        }
    }

    /// An array.
    pub fn list(&self, i: usize, what: &str) -> Result<Vec<Json>, ChainError> {
        let list = self.raw(i).and_then(|a| serde_json::from_str(a.get()).ok());
        list.ok_or_else(|| self.wrong(&format!("args[{i}] must be an array: {what}")))
    }

    /// A whole number, 0 or more.
    pub fn number(&self, i: usize) -> Result<u64, ChainError> {
        let number = self.value(i).as_u64();
        number.ok_or_else(|| self.wrong(&format!("args[{i}] must be a whole number, 0 or more")))
    }

    /// An object.
    pub fn object(&self, i: usize, what: &str) -> Result<Map<String, Value>, ChainError> {
        match self.value(i) {
            Value::Object(object) => Ok(object.clone()),
            _ => Err(self.wrong(&format!("args[{i}] must be an object: {what}"))),
        }
    }

    /// An options object that holds nothing but `known`. What is unset says nothing.
    pub fn options(&self, i: usize, known: &[&str]) -> Result<Options<'a>, ChainError> {
        let set = match self.value(i) {
            Value::Null => Map::new(),
            Value::Object(set) => set.clone(),
            _ => return Err(self.wrong(&format!("args[{i}] must be an object of options"))),
        };
        // `false` is the default of all of them but this one.
        let default = |name: &str, value: &Value| {
            value.is_null() || *value == Value::Bool(name == "defaultToNull")
        };
        match set.iter().find(|(n, v)| !known.contains(&n.as_str()) && !default(n, v)) {
            Some((name, _)) => {
                let name: String = name.chars().take(60).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Err(self.wrong(&format!("option '{name}' is not supported; there is: {known}")))
            }
            None => Ok(Options { args: *self, set }),
        }
    }
}

/// Options of a method.
pub struct Options<'a> {
    args: Args<'a>,
    set: Map<String, Value>,
}

impl Options<'_> {
    /// One as it is; null counts as none.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.set.get(name).filter(|v| !v.is_null())
    }

    /// True or false.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ChainError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.args.wrong(&format!("{name} must be true or false"))),
        }
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ChainError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.args.wrong(&format!("{name} must be a string"))),
        }
    }

    /// One of several words.
    pub fn word<'w>(&self, name: &str, words: &[&'w str]) -> Result<Option<&'w str>, ChainError> {
        let Some(given) = self.text(name)? else { return Ok(None) };
        let word = words.iter().find(|w| **w == given).copied();
        match word {
            Some(word) => Ok(Some(word)),
            None => Err(self.args.wrong(&format!("{name} must be one of {}", words.join(", ")))),
        }
    }

    /// The table that an option speaks of: `referencedTable`, once called `foreignTable`.
    pub fn referenced(&self) -> Result<Option<&str>, ChainError> {
        Ok(self.text("referencedTable")?.or(self.text("foreignTable")?))
    }
}
