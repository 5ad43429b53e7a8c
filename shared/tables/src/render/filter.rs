//! Conditions.

use serde_json::Value as JsonValue;
use tasker_core::Json;

use super::{
    super::{
        ast::{Compare, Condition, Field, Logic, Operand, Plan, Quantifier, Read, Test, Words},
        catalog::{Relation, embeds},
        error::QueryError,
    },
    Sql,
};
use tasker_sql::Dialect;

impl Sql<'_> {
    /// A condition on rows of `relation`. `read` knows the embeds that may be tested for null.
    pub(super) fn condition(
        &mut self,
        relation: &Relation,
        alias: &str,
        read: &Read,
        condition: &Condition,
    ) -> Result<String, QueryError> {
        let (text, negated) = match condition {
            Condition::Several { logic, negated, all } => {
                let parts = all.iter().map(|c| self.condition(relation, alias, read, c));
                let parts = parts.collect::<Result<Vec<_>, _>>()?;
                let word = if *logic == Logic::And { " and " } else { " or " };
                (format!("({})", parts.join(word)), *negated)
            }
            Condition::Test { field, negated, test } => {
                if let Some(text) = self.null_embed(relation, alias, read, field, test)? {
                    (text, *negated)
                } else {
                    (self.test(relation, alias, field, test)?, *negated)
                }
            }
        };
        Ok(if negated { format!("(not {text})") } else { text })
    }

    /// `orders=is.null`: no related rows.
    fn null_embed(
        &mut self,
        relation: &Relation,
        alias: &str,
        read: &Read,
        field: &Field,
        test: &Test,
    ) -> Result<Option<String>, QueryError> {
        if relation.find(&field.column).is_some() || !field.path.is_empty() {
            return Ok(None);
        }
        let Some(embed) = embeds(read).find(|e| e.name() == field.column) else {
            return Ok(None);
        };
        let exists = self.exists(relation, alias, embed)?;
        match test {
            Test::Is(Words::Null) => Ok(Some(format!("(not {exists})"))),
            Test::Is(Words::NotNull) => Ok(Some(exists)),
            _ => {
                let message =
                    "Only is null or not is null filters are allowed on embedded resources";
                Err(QueryError::new("PGRST120", message))
            }
        }
    }

    fn test(
        &mut self,
        relation: &Relation,
        alias: &str,
        field: &Field,
        test: &Test,
    ) -> Result<String, QueryError> {
        let left = self.place(relation, alias, field, true)?;
        let column = relation.column(&field.column)?;
        let kind = if field.path.is_empty() { column.kind.as_str() } else { "" };
        if self.dialect() == Dialect::Sqlite {
            return self.lite_test(&left, kind, field, test);
        }
        let as_json = matches!(column.kind.as_str(), "json" | "jsonb")
            || (!field.path.is_empty() && !field.text);
        Ok(match test {
            Test::Compare(compare, quantifier, operand) => {
                let literal = match operand {
                    Operand::Text(text) => text.clone(),
                    Operand::List(all) if as_json && quantifier.is_none() => document(all),
                    Operand::List(all) => array_literal(all),
                };
                let right = self.bind(literal);
                match quantifier {
                    None => format!("{left} {} {right}", word(*compare)),
                    Some(Quantifier::Any) => format!("{left} {} any({right})", word(*compare)),
                    Some(Quantifier::All) => format!("{left} {} all({right})", word(*compare)),
                }
            }
            Test::In(all) => {
                let all: Vec<Json> = all.iter().map(tasker_core::json::of).collect();
                format!("{left} = any({})", self.bind(array_literal(&all)))
            }
            Test::Is(words) => format!("{left} is {}", is(*words)),
            Test::Distinct(text) => format!("{left} is distinct from {}", self.bind(text)),
            Test::Search { kind: plan, config, query } => {
                self.search(&left, kind == "tsvector", *plan, config.as_deref(), query)
            }
        })
    }

    fn search(
        &mut self,
        left: &str,
        is_vector: bool,
        plan: Plan,
        config: Option<&str>,
        query: &str,
    ) -> String {
        let config = config.map(|c| format!("{}::text::regconfig, ", self.bind(c)));
        let config = config.unwrap_or_default();
        let query = format!("{}::text", self.bind(query));
        let function = match plan {
            Plan::Query => "to_tsquery",
            Plan::Plain => "plainto_tsquery",
            Plan::Phrase => "phraseto_tsquery",
            Plan::Web => "websearch_to_tsquery",
        };
        let left = if is_vector { left.to_owned() } else { format!("to_tsvector({config}{left})") };
        format!("{left} @@ {function}({config}{query})")
    }
}

/// Postgres's operator.
fn word(compare: Compare) -> &'static str {
    match compare {
        Compare::Eq => "=",
        Compare::Neq => "<>",
        Compare::Gt => ">",
        Compare::Gte => ">=",
        Compare::Lt => "<",
        Compare::Lte => "<=",
        Compare::Like => "like",
        Compare::Ilike => "ilike",
        Compare::Match => "~",
        Compare::Imatch => "~*",
        Compare::Contains => "@>",
        Compare::Contained => "<@",
        Compare::Overlaps => "&&",
        Compare::StrictlyLeft => "<<",
        Compare::StrictlyRight => ">>",
        Compare::NotExtendsRight => "&<",
        Compare::NotExtendsLeft => "&>",
        Compare::Adjacent => "-|-",
    }
}

fn is(words: Words) -> &'static str {
    match words {
        Words::Null => "null",
        Words::NotNull => "not null",
        Words::True => "true",
        Words::False => "false",
        Words::Unknown => "unknown",
    }
}

/// Elements as a JSON array, byte for byte.
pub(super) fn document(all: &[Json]) -> String {
    let all: Vec<&str> = all.iter().map(|v| v.get()).collect();
    format!("[{}]", all.join(","))
}

/// Elements as Postgres writes arrays.
pub(super) fn array_literal(all: &[Json]) -> String {
    let one = |v: &Json| match serde_json::from_str::<JsonValue>(v.get()) {
        Ok(JsonValue::Null) => "NULL".to_owned(),
        Ok(JsonValue::String(text)) => quoted(&text),
        Ok(JsonValue::Array(_)) => {
            array_literal(&serde_json::from_str::<Vec<Json>>(v.get()).unwrap_or_default())
        }
        Ok(JsonValue::Object(_)) => quoted(v.get()),
        _ => v.get().to_owned(),
    };
    let all: Vec<String> = all.iter().map(one).collect();
    format!("{{{}}}", all.join(","))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_written_as_postgres_reads_them() {
        let all: Vec<Json> =
            serde_json::from_str(r#"["a,b","c\"d\\",null,1.50,true,[1,"x"]]"#).unwrap();
        assert_eq!(array_literal(&all), r#"{"a,b","c\"d\\",NULL,1.50,true,{1,"x"}}"#);
        assert_eq!(document(&all[3..4]), "[1.50]");
    }
}
