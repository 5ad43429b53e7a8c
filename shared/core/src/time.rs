//! Times cross tasker as whole milliseconds since the Unix epoch and leave it as ISO 8601 text.

use jiff::Timestamp;

/// `1700000000000` -> `2023-11-14T22:13:20.000Z`, the form JavaScript's `toISOString` prints.
pub fn iso(ms: i64) -> String {
    Timestamp::from_millisecond(ms)
        .map(|t| t.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
        .unwrap_or_default()
}

/// For `#[serde(with = "time::iso_ms")]` and its `opt` twin.
pub mod iso_ms {
    use serde::Serializer;

    /// Serialises milliseconds as ISO text.
    pub fn serialize<S: Serializer>(ms: &i64, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&super::iso(*ms))
    }

    /// Writes a time that may be absent (`null`).
    pub fn opt<S: Serializer>(ms: &Option<i64>, s: S) -> Result<S::Ok, S::Error> {
        match ms {
            Some(ms) => s.serialize_str(&super::iso(*ms)),
            None => s.serialize_none(),
        }
    }
}
