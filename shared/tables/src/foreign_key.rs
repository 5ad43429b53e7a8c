//! Foreign keys, which relationships are made of.

use serde::Deserialize;

/// A foreign key.
#[derive(Clone, Debug, Deserialize)]
pub struct ForeignKey {
    /// Name of the constraint.
    pub name: String,
    /// Table that has it.
    pub from: String,
    /// Table that it names rows of.
    pub to: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The columns they name.
    pub refs: Vec<String>,
    /// Primary key of the table that has it.
    pub key: Vec<String>,
    /// Other columns of it that are unique together.
    pub uniques: Vec<Vec<String>>,
    /// Whether it is that of a table behind a view: then only the view's name means it.
    #[serde(default)]
    pub derived: bool,
}

impl ForeignKey {
    /// Whether at most one row names the same row.
    pub fn is_unique(&self) -> bool {
        let same = |other: &Vec<String>| {
            other.len() == self.columns.len() && other.iter().all(|c| self.columns.contains(c))
        };
        same(&self.key) || self.uniques.iter().any(same)
    }
}
