//! What a request is answered.

use serde::{Deserialize, Serialize};
use tasker_core::{Json, json};

use super::error::QueryError;

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// What was read or written.
    pub data: Data,
    /// Rows there are, if they were counted.
    pub count: Option<u64>,
    /// Rows that were answered, changed, or added.
    pub affected: u64,
}

/// What was read or written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Data {
    /// Nothing was asked for.
    Nothing,
    /// Rows: JSON objects (or values, of a function that answers values), byte for byte.
    Rows(Vec<Json>),
    /// The one value of a function.
    Value(Json),
    /// Text: lines of CSV, or a plan.
    Text(String),
}

impl Answer {
    /// Rows as values; what a [`serde_json::Value`] cannot hold is replaced.
    ///
    /// # Errors
    /// The database answered something else than JSON.
    pub fn values(&self) -> Result<Vec<serde_json::Value>, QueryError> {
        let Data::Rows(rows) = &self.data else { return Ok(Vec::new()) };
        let parse = |row: &Json| crate::lenient::parse(row.get());
        let rows: Result<_, _> = rows.iter().map(parse).collect();
        rows.map_err(|e: serde_json::Error| QueryError::Corrupt(e.to_string()))
    }
}

/// JSON text of the database's own making.
pub fn document(text: String) -> Result<Json, QueryError> {
    json::parse(text).map_err(|e| QueryError::Corrupt(e.to_string()))
}

/// One line of CSV from a row's JSON, as Postgres writes records.
pub fn csv_line(row: &str) -> Result<String, QueryError> {
    let fields: Vec<String> = fields(row)?.into_iter().map(|(_, v)| csv_field(v.get())).collect();
    Ok(fields.join(","))
}

/// Names of a row's fields.
pub fn csv_names(row: &str) -> Result<String, QueryError> {
    Ok(fields(row)?.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(","))
}

fn csv_field(json: &str) -> String {
    let text = match json {
        "null" => return String::new(),
        "true" => return "t".into(),
        "false" => return "f".into(),
        other => serde_json::from_str::<String>(other).unwrap_or_else(|_| other.to_owned()),
    };
    let special = |c: char| c.is_ascii_whitespace() || matches!(c, ',' | '"' | '\\' | '(' | ')');
    if text.is_empty() || text.contains(special) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\"\""));
    }
    text
}

/// A row's fields in their order, twice the same name and all.
pub fn fields(row: &str) -> Result<Vec<(String, Json)>, QueryError> {
    struct Pairs;
    impl<'de> serde::de::Visitor<'de> for Pairs {
        type Value = Vec<(String, Json)>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut map: A,
        ) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(pair) = map.next_entry()? {
                all.push(pair);
            }
            Ok(all)
        }
    }
    let mut text = serde_json::Deserializer::from_str(row);
    let read = serde::Deserializer::deserialize_map(&mut text, Pairs);
    read.map_err(|e| QueryError::Corrupt(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_written_as_records_are() {
        let row = r#"{"a":1.50,"b":null,"c":"x, \"y\"","d":"","e":true,"f":{"g":1}}"#;
        assert_eq!(csv_line(row).unwrap(), r#"1.50,,"x, ""y""","",t,"{""g"":1}""#);
        assert_eq!(csv_names(row).unwrap(), "a,b,c,d,e,f");
    }
}
