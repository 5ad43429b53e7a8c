//! Builds the HTTP request for checked arguments. Sends nothing.

use bytes::Bytes;
use http::Method;
use reqwest::Url;

use crate::args::Arguments;
use crate::config::Roots;
use crate::multipart;
use crate::options::Media;
use crate::resolve::Target;
use crate::template;

/// A request to Google, complete but for the token.
#[derive(Debug, Clone)]
pub struct GoogleRequest {
    /// HTTP method.
    pub method: Method,
    /// Full address.
    pub url: Url,
    /// Body.
    pub payload: Payload,
    /// How the answer is read.
    pub answer: AnswerKind,
    /// Whether a lost answer may be asked for again.
    pub idempotent: bool,
}

/// Body of a request.
#[derive(Debug, Clone)]
pub enum Payload {
    /// No body.
    Empty,
    /// One body with its media type.
    Bytes(String, Bytes),
    /// A resumable upload: metadata first, then the media in chunks.
    Resumable {
        /// JSON metadata.
        metadata: Bytes,
        /// The media.
        media: Media,
    },
}

/// How an answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// JSON, passed on as it is.
    Json,
    /// Bytes, passed on as `{contentType, data}`.
    Media,
}

/// Uploads above this size use the resumable protocol, as Google advises from 5 MB on.
const RESUMABLE_FROM: usize = 5 << 20;
const JSON: &str = "application/json";

/// Builds the request.
///
/// # Errors
/// A sentence naming the parameter that cannot be part of a path.
pub fn build(
    target: &Target,
    arguments: &Arguments,
    roots: &Roots,
) -> Result<GoogleRequest, String> {
    let document = &target.document;
    let root = roots.root(&document.name, &document.root_url);
    let payload = payload(target, arguments)?;
    let upload = arguments.media.is_some();
    let path = match upload_path(target).filter(|_| upload) {
        Some(path) => path.trim_start_matches('/').to_owned(),
        None => format!("{}{}", document.service_path.trim_start_matches('/'), target.method.path),
    };
    let path = template::expand(&path, &arguments.path, &target.method.parameters)?;
    let mut query = arguments.query.clone();
    if upload {
        query.push(("uploadType".to_owned(), upload_type(&payload, arguments).to_owned()));
    }
    Ok(GoogleRequest {
        method: Method::from_bytes(target.method.http_method.as_bytes())
            .map_err(|_| "the API's HTTP method is broken".to_owned())?,
        url: url(&root, &path, &query)?,
        payload,
        answer: answer_kind(target, &query),
        idempotent: target.method.is_idempotent(),
    })
}

fn url(root: &str, path: &str, query: &[(String, String)]) -> Result<Url, String> {
    let parse =
        |text: &str| Url::parse(text).map_err(|error| format!("cannot build the URL: {error}"));
    let mut url = parse(&format!("{root}{path}"))?;
    // If parsing has changed the path, the call would reach another resource than it names.
    if url.path() != format!("{}{path}", parse(root)?.path()) {
        return Err("a path parameter does not survive URL parsing".to_owned());
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

fn upload_path(target: &Target) -> Option<&str> {
    let simple = target.method.media_upload.as_ref()?.protocols.simple.as_ref()?;
    Some(&simple.path)
}

fn upload_type(payload: &Payload, arguments: &Arguments) -> &'static str {
    match payload {
        Payload::Resumable { .. } => "resumable",
        _ if arguments.body.is_some() => "multipart",
        _ => "media",
    }
}

fn payload(target: &Target, arguments: &Arguments) -> Result<Payload, String> {
    let json = arguments.body.as_ref().map(|body| Bytes::from(body.to_string()));
    let Some(media) = &arguments.media else {
        return Ok(json.map_or(Payload::Empty, |json| Payload::Bytes(JSON.to_owned(), json)));
    };
    let resumable =
        target.method.media_upload.as_ref().is_some_and(|u| u.protocols.resumable.is_some());
    if resumable && (media.resumable || media.data.len() > RESUMABLE_FROM) {
        let metadata = json.unwrap_or_else(|| Bytes::from_static(b"{}"));
        return Ok(Payload::Resumable { metadata, media: media.clone() });
    }
    Ok(match json {
        Some(json) => {
            let (content_type, body) = multipart::related(&json, media);
            Payload::Bytes(content_type, body)
        }
        None => Payload::Bytes(media.content_type.clone(), media.data.clone()),
    })
}

/// Drive's export lists no JSON answer: it answers bytes even without `alt=media`.
fn answer_kind(target: &Target, query: &[(String, String)]) -> AnswerKind {
    let alt_media = query.iter().any(|(name, value)| name == "alt" && value == "media");
    let bytes_only = target.method.supports_media_download && target.method.response.is_none();
    if alt_media || bytes_only { AnswerKind::Media } else { AnswerKind::Json }
}
