//! JSON that users own travels as raw text: key order, duplicate keys, big numbers and odd escapes
//! arrive as they were sent.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// One JSON document, byte for byte as its author wrote it.
pub type Json = Box<RawValue>;

/// The document `null`.
pub fn null() -> Json {
    RawValue::NULL.to_owned()
}

/// Serialises a value of ours. Our types have string keys only, so this cannot fail.
pub fn of<T: Serialize + ?Sized>(value: &T) -> Json {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| null())
}

/// Checks that `text` is one JSON document and keeps its bytes.
pub fn parse(text: String) -> Result<Json, serde_json::Error> {
    RawValue::from_string(text)
}

/// For `#[serde(default, deserialize_with = "json::present")]`: tells an absent field (`None`)
/// from one that is `null` (`Some("null")`), which a result may well be.
pub fn present<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(d).map(Some)
}
