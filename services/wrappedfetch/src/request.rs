//! What task code asks for.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::failure::Failure;

/// Headers that belong to one connection, or that this service writes itself. A `Host` of one's own
/// would lead past the allow list, where several sites share an address.
const OWN: [HeaderName; 10] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Sent unless the task says otherwise.
const DEFAULTS: [(HeaderName, &str); 4] = [
    (header::ACCEPT, "*/*"),
    (header::ACCEPT_LANGUAGE, "*"),
    (header::ACCEPT_ENCODING, "gzip, deflate, br"),
    (header::USER_AGENT, concat!("tasker/", env!("CARGO_PKG_VERSION"))),
];

/// One request.
#[derive(Debug)]
pub struct Asked {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    /// The body came from a stream: it cannot be sent a second time.
    pub streamed: bool,
    pub redirect: Redirect,
    /// An answer of 400 and more is answered as such, so that the engine can try again.
    pub retry: bool,
    pub timeout: Option<Duration>,
    pub integrity: Option<String>,
}

/// What to do with a redirect.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Redirect {
    /// Go there.
    #[default]
    Follow,
    /// Fail.
    Error,
    /// Answer it.
    Manual,
}

/// A body of the wrapped services' contract: a chain of one call, or a method and arguments.
#[derive(Deserialize)]
pub struct Call {
    #[serde(default)]
    chain: Vec<Link>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    args: Vec<Value>,
}

#[derive(Deserialize)]
struct Link {
    property: String,
    #[serde(default)]
    args: Option<Vec<Value>>,
}

/// The one argument.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    url: String,
    #[serde(default)]
    headers: Option<Headers>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    base64: Option<String>,
    #[serde(default)]
    streamed: bool,
    #[serde(default)]
    redirect: Redirect,
    #[serde(default)]
    retry: bool,
    #[serde(default)]
    timeout_ms: Option<u64>,
    #[serde(default)]
    integrity: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Headers {
    List(Vec<(String, String)>),
    Object(Map<String, Value>),
}

impl Call {
    /// Reads the request; the error names what is wrong.
    pub fn read(self) -> Result<Asked, Failure> {
        let (method, mut args) = match (self.chain.is_empty(), self.method) {
            (false, _) => {
                let names: Vec<_> = self.chain.iter().map(|l| l.property.as_str()).collect();
                let name = names.join(".");
                (
                    name,
                    self.chain.into_iter().filter_map(|l| l.args).next_back().unwrap_or_default(),
                )
            }
            (true, Some(method)) => (method, self.args),
            (true, None) => {
                return Err(wrong(
                    "say what to do: {\"chain\": [{\"property\": \"GET\", \"args\": [{\"url\": ...}]}]}",
                ));
            }
        };
        let method = Method::from_bytes(method.as_bytes())
            .ok()
            .filter(|m| ![Method::CONNECT, Method::TRACE].contains(m))
            .ok_or_else(|| wrong("the method is none that can be sent, such as GET or POST"))?;
        let first = if args.is_empty() { Value::Null } else { args.swap_remove(0) };
        let first = if first.is_string() { serde_json::json!({ "url": first }) } else { first };
        let options: Options = serde_json::from_value(first)
            .map_err(|e| wrong(&format!("the argument must be a URL or {{url, headers, text or base64, redirect, retry, timeoutMs, integrity}}: {e}")))?;
        options.read(method)
    }
}

impl Options {
    fn read(self, method: Method) -> Result<Asked, Failure> {
        let url = Url::parse(&self.url).map_err(|e| Failure::Url(e.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Failure::Url("it has a user name or password in it".into()));
        }
        let body = match (self.text, self.base64) {
            (Some(_), Some(_)) => return Err(wrong("give text or base64, not both")),
            (Some(text), None) => Some(Bytes::from(text)),
            (None, Some(text)) => {
                let bytes = STANDARD.decode(text).map_err(|_| wrong("base64 is not base64"))?;
                Some(Bytes::from(bytes))
            }
            (None, None) => None,
        };
        if body.is_some() && [Method::GET, Method::HEAD].contains(&method) {
            return Err(wrong("a request with GET or HEAD has no body"));
        }
        Ok(Asked {
            headers: headers(self.headers)?,
            method,
            url,
            body,
            streamed: self.streamed,
            redirect: self.redirect,
            retry: self.retry,
            timeout: self.timeout_ms.map(Duration::from_millis),
            integrity: self.integrity.filter(|i| !i.trim().is_empty()),
        })
    }
}

fn headers(given: Option<Headers>) -> Result<HeaderMap, Failure> {
    let list = match given {
        None => Vec::new(),
        Some(Headers::List(list)) => list,
        Some(Headers::Object(object)) => {
            let text = |v: Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            object.into_iter().map(|(name, value)| (name, text(value))).collect()
        }
    };
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        let unusable = || wrong(&format!("the header '{name}' cannot be sent"));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
        // A header's value is bytes; each character stands for one.
        let bytes: Option<Vec<u8>> =
            value.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        let value =
            HeaderValue::from_bytes(&bytes.ok_or_else(unusable)?).map_err(|_| unusable())?;
        if !OWN.contains(&key) {
            headers.append(key, value);
        }
    }
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    Ok(headers)
}

fn wrong(why: &str) -> Failure {
    Failure::Request(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Asked, Failure> {
        serde_json::from_str::<Call>(body).unwrap().read()
    }

    #[test]
    fn both_forms_and_both_bodies() {
        let a = read(r#"{"chain":[{"property":"POST","args":[{"url":"http://h/","text":"é","headers":[["X-A","ÿ"]]}]}]}"#).unwrap();
        assert_eq!((a.method, a.body.unwrap().as_ref()), (Method::POST, "é".as_bytes()));
        assert_eq!(a.headers["x-a"].as_bytes(), [0xff]);
        let b = read(r#"{"method":"GET","args":["http://h/"]}"#).unwrap();
        assert_eq!((b.url.as_str(), b.headers["accept"].as_bytes()), ("http://h/", &b"*/*"[..]));
        let dotted = read(r#"{"chain":[{"property":"a"},{"property":"b","args":["http://h/"]}]}"#);
        assert_eq!(dotted.unwrap().method.as_str(), "a.b");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, part) in [
            (r"{}", "say what to do"),
            (r#"{"method":"CONNECT","args":["http://h/"]}"#, "the method"),
            (r#"{"method":"GET","args":[]}"#, "the argument must be"),
            (r#"{"method":"GET","args":[{"url":"http://h/","headres":{}}]}"#, "headres"),
            (r#"{"method":"GET","args":["nonsense"]}"#, "URL"),
            (r#"{"method":"GET","args":["http://u:p@h/"]}"#, "password"),
            (r#"{"method":"GET","args":[{"url":"http://h/","text":"a"}]}"#, "no body"),
            (r#"{"method":"PUT","args":[{"url":"http://h/","base64":"%"}]}"#, "base64"),
            (r#"{"method":"GET","args":[{"url":"http://h/","headers":{"a":"b\nc"}}]}"#, "'a'"),
        ] {
            let error = read(body).unwrap_err().to_string();
            assert!(error.contains(part), "{body}: {error}");
        }
    }

    #[test]
    fn headers_of_the_connection_are_our_own() {
        let a = read(r#"{"method":"GET","args":[{"url":"http://h/","headers":{"Host":"evil","Connection":"x","X":"y"}}]}"#).unwrap();
        assert!(!a.headers.contains_key("host") && !a.headers.contains_key("connection"));
        assert_eq!(a.headers["x"], "y");
    }
}
