//! Fields of the answer.

use super::{
    super::{
        ast::{Aggregate, Field, Item, PathStep, Read, Value},
        catalog::Relation,
        error::QueryError,
    },
    Sql, lite, quote,
};

/// One field of the answer.
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its value.
    pub text: String,
    /// SQLite: how the value becomes JSON.
    pub form: lite::Form,
    /// Whether it is computed from many rows.
    pub aggregate: bool,
    /// Columns of the row that it is computed from, when it is not a column itself.
    pub above: Vec<String>,
}

impl Sql<'_> {
    pub(super) fn outputs(
        &mut self,
        relation: &Relation,
        alias: &str,
        read: &Read,
    ) -> Result<Vec<Output>, QueryError> {
        let mut all = Vec::new();
        for item in &read.items {
            match item {
                Item::All => {
                    for column in &relation.columns {
                        let text = format!("{alias}.{}", quote(&column.name)?);
                        let form = lite::Form::of(&column.kind);
                        all.push(Output::plain(column.name.clone(), text, form));
                    }
                }
                Item::Value(value) => all.push(self.value(relation, alias, value)?),
                Item::Embed(embed) => all.extend(self.embed(relation, alias, embed)?),
            }
        }
        Ok(all)
    }

    fn value(
        &mut self,
        relation: &Relation,
        alias: &str,
        value: &Value,
    ) -> Result<Output, QueryError> {
        let Some(field) = value.field.as_ref().filter(|f| !is_count(relation, value, f)) else {
            let count = self.cast_if("count(*)".into(), value.aggregate_cast())?;
            let name = value.alias.clone().unwrap_or_else(|| "count".into());
            return Ok(Output { aggregate: true, ..Output::plain(name, count, lite::Form::Plain) });
        };
        let mut form = lite::Form::of(&relation.column(&field.column)?.kind);
        if !field.path.is_empty() {
            form = if field.text { lite::Form::Plain } else { lite::Form::Json };
        }
        let place = self.place(relation, alias, field, false)?;
        let mut text = self.cast_if(place, value.cast.as_deref())?;
        if let Some(cast) = &value.cast {
            form = lite::Form::of(cast);
        }
        if let Some((aggregate, cast)) = &value.aggregate {
            text = self.cast_if(format!("{}({text})", word(*aggregate)), cast.as_deref())?;
            if !matches!(aggregate, Aggregate::Min | Aggregate::Max) {
                form = lite::Form::Plain;
            }
        }
        let name = value.alias.clone().unwrap_or_else(|| default_name(field, value));
        Ok(Output { aggregate: value.aggregate.is_some(), ..Output::plain(name, text, form) })
    }

    fn cast_if(&self, text: String, to: Option<&str>) -> Result<String, QueryError> {
        to.map_or_else(|| Ok(text.clone()), |to| self.cast(&text, to))
    }
}

impl Output {
    /// One that is a column, or computed from one row.
    pub fn plain(name: String, text: String, form: lite::Form) -> Self {
        Self { name, text, form, aggregate: false, above: Vec::new() }
    }
}

impl Value {
    fn aggregate_cast(&self) -> Option<&str> {
        let of = self.aggregate.as_ref().and_then(|(_, cast)| cast.as_deref());
        of.or(self.cast.as_deref())
    }
}

/// `count` alone counts, as long as no column has that name.
fn is_count(relation: &Relation, value: &Value, field: &Field) -> bool {
    field.column == "count"
        && field.path.is_empty()
        && value.aggregate.is_none()
        && relation.find("count").is_none()
}

fn word(aggregate: Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Count => "count",
        Aggregate::Sum => "sum",
        Aggregate::Avg => "avg",
        Aggregate::Min => "min",
        Aggregate::Max => "max",
    }
}

fn default_name(field: &Field, value: &Value) -> String {
    if let Some((aggregate, _)) = value.aggregate {
        return word(aggregate).to_owned();
    }
    let key = |path_step: &PathStep| match path_step {
        PathStep::Key(key) => Some(key.clone()),
        PathStep::Index(_) => None,
    };
    field.path.iter().rev().find_map(key).unwrap_or_else(|| field.column.clone())
}

/// What is selected beside an aggregate says which rows go together.
pub fn grouping(outputs: &[Output]) -> String {
    if !outputs.iter().any(|o| o.aggregate) {
        return String::new();
    }
    let mut by: Vec<&str> = Vec::new();
    for output in outputs.iter().filter(|o| !o.aggregate) {
        if output.above.is_empty() {
            by.push(&output.text);
        } else {
            by.extend(output.above.iter().map(String::as_str));
        }
    }
    if by.is_empty() { String::new() } else { format!(" group by {}", by.join(", ")) }
}
