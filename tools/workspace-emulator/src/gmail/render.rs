//! A message as Gmail's JSON, in its four formats.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Map, Value, json};

use super::parts::{Content, Part, tree};
use super::raw;
use crate::error::ApiError;
use crate::gate::Caller;
use crate::world::{Header, Message, escape};

/// How much of a message is wanted.
#[derive(Debug)]
pub(super) enum Format {
    Minimal,
    Full,
    Raw,
    /// With the header names, lower case; none means all.
    Metadata(Vec<String>),
}

impl Format {
    /// Reads `format` and `metadataHeaders`; checks them against the token's scopes.
    pub(super) fn of(caller: &Caller) -> Result<Self, ApiError> {
        let params = &caller.params;
        let name = params.get("format").filter(|name| !name.is_empty());
        let format = match name.unwrap_or("full").to_lowercase().as_str() {
            "minimal" => Self::Minimal,
            "full" => Self::Full,
            "raw" => Self::Raw,
            "metadata" => {
                Self::Metadata(params.all("metadataHeaders").map(str::to_lowercase).collect())
            }
            other => {
                let message = format!("Invalid value for format: {other:?}");
                return Err(ApiError::parameter("format", message));
            }
        };
        if matches!(format, Self::Full | Self::Raw) && super::metadata_only(caller) {
            let name = name.unwrap_or("full").to_uppercase();
            let message = format!("Metadata scope doesn't allow format {name}");
            return Err(ApiError::new(403, "forbidden", message));
        }
        Ok(format)
    }
}

/// The JSON of a message.
pub(super) fn message(message: &Message, format: &Format) -> Value {
    let mut value = json!({
        "id": message.id,
        "threadId": message.thread_id,
        "labelIds": message.labels,
        "snippet": snippet(message),
    });
    match format {
        Format::Minimal => {}
        Format::Full => value["payload"] = part(&tree(message)),
        Format::Raw => value["raw"] = Value::from(URL_SAFE.encode(raw::bytes(message))),
        Format::Metadata(names) => value["payload"] = metadata(message, names),
    }
    value["sizeEstimate"] = json!(message.size_estimate());
    value["historyId"] = json!(message.history_id.to_string());
    value["internalDate"] = json!(message.internal_date.to_string());
    value
}

/// The first words of the text, HTML-escaped as live Gmail does it.
pub(super) fn snippet(message: &Message) -> String {
    let text = message.text();
    let mut snippet = String::new();
    for word in text.split_whitespace() {
        if snippet.chars().count() + word.chars().count() > 150 {
            break;
        }
        if !snippet.is_empty() {
            snippet.push(' ');
        }
        snippet.push_str(word);
    }
    escape(&snippet)
}

fn metadata(message: &Message, names: &[String]) -> Value {
    let wanted = |header: &&Header| {
        names.is_empty() || names.iter().any(|name| header.name.eq_ignore_ascii_case(name))
    };
    let list: Vec<Value> = message.headers.iter().filter(wanted).map(header).collect();
    let mut payload = json!({ "mimeType": tree(message).mime });
    // No match, no key: clients must cope.
    if !list.is_empty() {
        payload["headers"] = Value::from(list);
    }
    payload
}

fn part(part: &Part<'_>) -> Value {
    let headers: Vec<Value> = part.headers.iter().map(header).collect();
    let filename = match part.content {
        Content::File(file) => file.filename.as_str(),
        _ => "",
    };
    let mut value = json!({
        "partId": part.id, "mimeType": part.mime, "filename": filename, "headers": headers,
    });
    match &part.content {
        Content::Text(text) => value["body"] = body(text),
        Content::File(file) => {
            value["body"] = json!({ "attachmentId": file.id, "size": file.size });
        }
        Content::Parts(_, parts) => {
            value["body"] = json!({ "size": 0 });
            value["parts"] = parts.iter().map(self::part).collect();
        }
    }
    value
}

fn body(text: &str) -> Value {
    let mut body = Map::new();
    body.insert("size".to_owned(), json!(text.len()));
    if !text.is_empty() {
        body.insert("data".to_owned(), json!(URL_SAFE.encode(text)));
    }
    Value::Object(body)
}

fn header(header: &Header) -> Value {
    json!({ "name": header.name, "value": header.value })
}
