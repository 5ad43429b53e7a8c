//! The second argument of a call: how to call, as opposed to what.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

/// Options of one call.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// Follow `nextPageToken` and answer all items in one list.
    #[serde(default)]
    pub all_pages: bool,
    /// With `allPages`: stop once this many items were read. Page sizes are chosen to meet it; an
    /// API that ignores the page size gives a page's worth more.
    pub max_items: Option<usize>,
    /// Act as this user instead of the default one.
    pub impersonate: Option<String>,
    /// Media to upload.
    pub media: Option<Value>,
}

/// Media to upload, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Media {
    /// Media type, such as `message/rfc822`.
    pub content_type: String,
    /// The bytes.
    pub data: Bytes,
    /// Whether to use the resumable protocol even for small media.
    pub resumable: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawMedia {
    #[serde(alias = "mimeType")]
    content_type: Option<String>,
    data: Option<String>,
    body: Option<String>,
    #[serde(default)]
    resumable: bool,
}

/// Reads the options argument; absent and null mean none.
///
/// # Errors
/// A sentence naming the wrong option.
pub fn parse(value: Option<Value>) -> Result<Options, String> {
    let options: Options = match value {
        None | Some(Value::Null) => return Ok(Options::default()),
        Some(value @ Value::Object(_)) => serde_json::from_value(value)
            .map_err(|error| format!("second argument (options): {error}"))?,
        Some(_) => return Err("second argument (options) must be an object".to_owned()),
    };
    if options.max_items.is_some() && !options.all_pages {
        return Err("option \"maxItems\" needs \"allPages\": true".to_owned());
    }
    if options.max_items == Some(0) {
        return Err("option \"maxItems\" must be at least 1".to_owned());
    }
    if options.impersonate.as_deref().is_some_and(|user| !user.contains('@')) {
        return Err("option \"impersonate\" must be an email address".to_owned());
    }
    Ok(options)
}

/// Decodes `{contentType, data: <base64>}` or `{contentType, body: <text>}`; `mimeType` is
/// accepted for `contentType`.
///
/// # Errors
/// A sentence naming the wrong field.
pub fn media(value: Value) -> Result<Media, String> {
    let raw: RawMedia =
        serde_json::from_value(value).map_err(|error| format!("option \"media\": {error}"))?;
    let data = match (raw.data, raw.body) {
        (Some(data), None) => decode(&data)
            .ok_or_else(|| "option \"media\": \"data\" must be base64".to_owned())?
            .into(),
        (None, Some(body)) => Bytes::from(body),
        _ => {
            return Err("option \"media\" needs either \"data\" (base64) or \"body\" (text)".into());
        }
    };
    let content_type = raw.content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    if http::HeaderValue::from_str(&content_type).is_err() || !content_type.contains('/') {
        return Err("option \"media\": \"contentType\" must be a media type".to_owned());
    }
    Ok(Media { content_type, data, resumable: raw.resumable })
}

/// Standard or URL-safe base64, padded or not: Gmail itself uses the URL-safe alphabet.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok().or_else(|| {
        let url = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
        URL_SAFE_NO_PAD.decode(url).ok()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_are_checked_by_name() {
        assert!(parse(Some(json!({"allPages": true, "maxItems": 5}))).unwrap().all_pages);
        let error = |value: Value| parse(Some(value)).unwrap_err();
        assert!(error(json!({"allpages": true})).contains("allpages"));
        assert!(error(json!({"maxItems": 5})).contains("allPages"));
        assert!(error(json!({"allPages": true, "maxItems": 0})).contains("maxItems"));
        assert!(error(json!({"impersonate": "me"})).contains("impersonate"));
        assert!(error(json!([])).contains("must be an object"));
    }

    #[test]
    fn media_is_decoded() {
        let bytes = |value: Value| media(value).unwrap().data;
        assert_eq!(bytes(json!({"mimeType": "a/b", "data": "-_8="})), vec![0xfb, 0xff]);
        assert_eq!(bytes(json!({"contentType": "a/b", "data": "+/8"})), vec![0xfb, 0xff]);
        assert_eq!(bytes(json!({"body": "hé"})), "hé".as_bytes());
        assert!(media(json!({"data": "%"})).unwrap_err().contains("base64"));
        assert!(media(json!({})).unwrap_err().contains("either"));
        assert!(media(json!({"body": "x", "contentType": "a/b\r\nX: y"})).is_err());
    }
}
