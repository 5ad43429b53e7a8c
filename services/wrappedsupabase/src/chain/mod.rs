//! A supabase-js call chain, read completely or refused.
//!
//! [`read`] parses `{"chain":[{"property","args"}]}` into links, sees which part of the client they
//! speak to, and hands them to it: [`rest`] is the query builder; `auth.admin` and `storage` are
//! built where they are sent (`crate::forward`).

mod args;
pub mod js;
pub mod names;
mod rest;

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use tasker_core::Json;

pub use args::{Args, Options};
pub use rest::{Accept, Exact, Kind, One, Param, RestCall, Verb};

use names::Root;

/// A chain that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The request or a link has the wrong shape or place; says which and the fix.
    #[error("{0}")]
    Format(String),
    /// A method there is not.
    #[error("{at}: method '{name}' is not supported")]
    Method {
        /// Which link.
        at: String,
        /// Its name.
        name: String,
        /// The names there are.
        known: &'static [&'static str],
    },
}

impl ChainError {
    /// The code in the answer, in the original's words.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Format(_) => "INVALID_CHAIN_FORMAT",
            Self::Method { .. } => "METHOD_NOT_FOUND",
        }
    }

    /// What can be done instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Format(_) => None,
            Self::Method { known, .. } => Some(format!("Supported methods: {}", known.join(", "))),
        }
    }
}

/// A link of a chain.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its place, for errors.
    pub at: String,
    /// Name of a method or property.
    pub name: String,
    /// Arguments, byte for byte; none of a plain property.
    pub args: Vec<Json>,
    /// The arguments as values; what a value cannot hold is replaced.
    pub values: Vec<Value>,
}

impl Link {
    /// Its arguments.
    pub fn args(&self) -> Args<'_> {
        Args::new(self)
    }

    /// The error of a name that is not known here.
    pub fn unknown(&self, known: &'static [&'static str]) -> ChainError {
        let name = self.name.chars().take(60).collect();
        ChainError::Method { at: self.at.clone(), name, known }
    }

    /// The error of a link in the wrong place.
    pub fn misplaced(&self, why: &str) -> ChainError {
        ChainError::Format(format!("{}: {why}", self.at))
    }
}

/// Which part of the client a chain speaks to.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The database.
    Rest(Box<RestCall>),
    /// `auth`: the links after it.
    Auth(Vec<Link>),
    /// `storage`: the links after it.
    Storage(Vec<Link>),
}

/// Reads a request's body.
///
/// # Errors
/// Names the link, counted from 0, and what it must be.
pub fn read(body: &HashMap<String, Json>) -> Result<Asked, ChainError> {
    let mut links = links(body.get("chain"))?;
    match Root::parse(&links[0].name) {
        Some(Root::Auth) => Ok(Asked::Auth(links.split_off(1))),
        Some(Root::Storage) => Ok(Asked::Storage(links.split_off(1))),
        Some(Root::From | Root::Schema | Root::Rpc) => {
            rest::build(&links).map(|call| Asked::Rest(Box::new(call)))
        }
        None if names::Rest::parse(&links[0].name).is_some() => {
            Err(links[0].misplaced("a chain begins with from('<table>')"))
        }
        None => Err(links[0].unknown(Root::NAMES)),
    }
}

fn links(chain: Option<&Json>) -> Result<Vec<Link>, ChainError> {
    let found = chain.and_then(|c| serde_json::from_str::<Vec<Json>>(c.get()).ok());
    let found = found.filter(|links| !links.is_empty()).ok_or_else(|| {
        ChainError::Format(
            "Invalid request format - expected chain array: {\"chain\":[{\"property\":\"from\",\
             \"args\":[\"<table>\"]},{\"property\":\"select\",\"args\":[\"*\"]}]}"
                .into(),
        )
    })?;
    found.iter().enumerate().map(|(i, link)| one(format!("chain[{i}]"), link)).collect()
}

fn one(at: String, link: &Json) -> Result<Link, ChainError> {
    #[derive(Deserialize)]
    struct Raw {
        property: Option<Json>,
        args: Option<Json>,
    }
    let wrong = |what: &str| ChainError::Format(format!("{at}{what}"));
    let shape = " must be an object {\"property\": \"<method>\", \"args\": [...]}";
    if !link.get().starts_with('{') {
        return Err(wrong(shape));
    }
    let raw: Raw = serde_json::from_str(link.get()).map_err(|_| wrong(shape))?;
    let name = raw.property.and_then(|p| serde_json::from_str(p.get()).ok());
    let name = name.ok_or_else(|| wrong(".property must be a string, a method's name"))?;
    let args: Vec<Json> = match raw.args {
        Some(args) if args.get() != "null" => {
            serde_json::from_str(args.get()).map_err(|_| wrong(".args must be an array"))?
        }
        _ => Vec::new(),
    };
    let values = args.iter().map(js::parse).collect::<Option<_>>();
    let values = values.ok_or_else(|| wrong(".args are nested too deeply (128 levels at most)"))?;
    Ok(Link { at, name, args, values })
}
