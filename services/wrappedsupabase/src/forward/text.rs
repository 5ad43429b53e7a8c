//! Text of answers, and in addresses.

use serde_json::Value;

use super::Reply;

/// A JSON answer.
pub fn body(reply: &Reply) -> Option<Value> {
    serde_json::from_slice(&reply.body).ok()
}

/// The text of an error, under whichever name it comes.
pub fn message(said: &Value) -> String {
    let names = ["msg", "message", "error_description", "error"];
    let text = names.iter().find_map(|n| said[*n].as_str());
    let text = text.or_else(|| said["error"]["message"].as_str());
    text.map_or_else(|| said.to_string(), str::to_owned)
}

/// `encodeURI`.
pub fn encode_uri(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'%')
        .add(b'<')
        .add(b'>')
        .add(b'[')
        .add(b'\\')
        .add(b']')
        .add(b'^')
        .add(b'`')
        .add(b'{')
        .add(b'|')
        .add(b'}');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}
