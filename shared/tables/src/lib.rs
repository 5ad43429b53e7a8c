//! Requests of task code on its own tables, in PostgREST's sense, as SQL.
//!
//! A [`Query`] is what a supabase-js chain means, already parsed. `run` turns it into statements in
//! one transaction: the catalogue says what the names are (`catalog`, `relate`), `guard` keeps the
//! engine's own tables and the systems' schemas out of reach, `render` writes the text.
//!
//! **Invariant**: no text of a caller becomes SQL. Values are bound; names are looked up in the
//! catalogue and quoted; types are named by the database itself.

mod answer;
mod ast;
mod catalog;
mod condition;
mod error;
mod foreign_key;
mod function;
mod functions;
mod guard;
mod lenient;
mod once;
mod relate;
mod render;
mod request_answers;
mod run;
mod sql;

pub use answer::{Answer, Data};
pub use ast::{
    Action, Aggregate, Asker, Compare, Condition, Conflict, Count, Embed, Explain, Field, Fields,
    Format, Insert, Item, Join, Logic, Operand, Order, OrderBy, PathStep, Plan, Quantifier, Query,
    Read, Test, Value as SelectedValue, Words,
};
pub use error::QueryError;
pub use functions::add as add_functions;
pub use once::{Known, LONGEST_ANSWER, Once, begin, end};
pub use request_answers::{FORGET_SENT, PRUNE_ANSWERS};
pub use run::run;
pub use tasker_sql::SqlError;

/// Reads JSON; what a [`serde_json::Value`] cannot hold is replaced.
///
/// # Errors
/// It is not JSON.
pub fn lenient(text: &str) -> Result<serde_json::Value, serde_json::Error> {
    lenient::parse(text)
}

/// Fields of a JSON object in their order, the values byte for byte.
///
/// # Errors
/// It is no JSON object.
pub fn fields_of(object: &str) -> Result<Fields, QueryError> {
    answer::fields(object)
}

/// Refuses what no caller may reach: the systems' schemas, secrets, changes of the engine's tables.
///
/// # Errors
/// 42501, with the name.
pub fn allow(schema: Option<&str>, relation: &str, writes: bool) -> Result<(), QueryError> {
    schema.map_or(Ok(()), guard::schema)?;
    guard::relation(relation, writes)
}

/// Refuses functions that no caller may reach: those of the systems' schemas and the engine's.
///
/// # Errors
/// 42501, with the name.
pub fn allow_function(schema: Option<&str>, name: &str) -> Result<(), QueryError> {
    schema.map_or(Ok(()), guard::schema)?;
    guard::function(name)
}

/// Tables that the migrations make: readable ones, and all of them. For tests.
pub use guard::{own, readable};
