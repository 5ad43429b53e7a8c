//! `storage.from('<bucket>')`: files.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    Forward, Sent,
    draft::{Draft, sent},
    shape::Files as Shape,
    step,
    text::encode_uri,
};
use crate::{
    chain::{Args, ChainError, Link, Options, js, names::Files},
    fault::Fault,
};

const UPLOAD: [&str; 5] = ["cacheControl", "contentType", "upsert", "metadata", "duplex"];
const TRANSFORM: [&str; 5] = ["width", "height", "resize", "format", "quality"];

/// Reads the links after `from`.
pub fn files(bucket: &str, links: &[Link], project: &Forward) -> Result<Sent, Fault> {
    let Some((link, rest)) = links.split_first() else {
        let known = Files::NAMES.join(", ");
        return Err(ChainError::Format(format!("after from must come one of {known}")).into());
    };
    if let Some(extra) = rest.first() {
        return Err(extra.misplaced(&format!("nothing follows {}", link.name)).into());
    }
    let method = Files::parse(&link.name).ok_or_else(|| link.unknown(Files::NAMES))?;
    let (at, args) = (step(bucket)?, link.args());
    if method == Files::GetPublicUrl {
        return Ok(Sent::Known(public_url(bucket, args, project)?));
    }
    sent(draft(method, bucket, &at, args)?, project)
}

/// A file's path, encoded, without a slash at its beginning.
fn path(args: Args<'_>, i: usize) -> Result<(String, String), Fault> {
    let path = args.text(i, "the file's path")?;
    let path = path.trim_start_matches('/').to_owned();
    Ok((encoded(&path)?, path))
}

fn encoded(path: &str) -> Result<String, Fault> {
    // Folders without a name are let through: the server says what it thinks of them.
    let steps = path.split('/').map(|s| if s.is_empty() { Ok(String::new()) } else { step(s) });
    Ok(steps.collect::<Result<Vec<_>, _>>()?.join("/"))
}

fn draft(method: Files, bucket: &str, at: &str, args: Args<'_>) -> Result<Draft, Fault> {
    let post = |path: String, shape| Draft::new(Method::POST, path, shape);
    Ok(match method {
        Files::Upload | Files::Update | Files::UploadToSignedUrl => {
            return upload(method, at, args);
        }
        Files::Download => download(at, args)?,
        Files::List => list(at, args)?,
        Files::ListV2 => {
            let body = args.value(0);
            let none = json!({});
            let body = if body.is_object() { body } else { &none };
            post(format!("/object/list-v2/{at}"), Shape::Json).json(body)
        }
        Files::Move => post("/object/move".into(), Shape::Json).json(&from_to(bucket, args)?),
        Files::Copy => post("/object/copy".into(), Shape::Copied).json(&from_to(bucket, args)?),
        Files::Remove => {
            let all: Vec<Value> = args.list(0, "paths")?.iter().map(js::part).collect();
            Draft::new(Method::DELETE, format!("/object/{at}"), Shape::Json)
                .json(&json!({ "prefixes": all }))
        }
        Files::CreateSignedUrl => {
            let options = args.options(2, &["download", "transform", "cacheNonce"])?;
            let mut body = json!({ "expiresIn": args.given(1, "seconds until it expires")? });
            if let Some(transform) = options.get("transform") {
                body["transform"] = transform.clone();
            }
            let path = path(args, 0)?.0;
            post(format!("/object/sign/{at}/{path}"), Shape::Signed(after(&options))).json(&body)
        }
        Files::CreateSignedUrls => {
            let all: Vec<Value> = args.list(0, "paths")?.iter().map(js::part).collect();
            let options = args.options(2, &["download", "cacheNonce"])?;
            let expires = args.given(1, "seconds until they expire")?;
            post(format!("/object/sign/{at}"), Shape::AllSigned(after(&options)))
                .json(&json!({ "expiresIn": expires, "paths": all }))
        }
        Files::CreateSignedUploadUrl => signed_upload(at, args)?,
        Files::Info => {
            Draft::new(Method::GET, format!("/object/info/{at}/{}", path(args, 0)?.0), Shape::Camel)
        }
        Files::Exists | Files::GetPublicUrl => {
            Draft::new(Method::HEAD, format!("/object/{at}/{}", path(args, 0)?.0), Shape::Exists)
        }
    })
}

/// What is moved or copied, and where to.
fn from_to(bucket: &str, args: Args<'_>) -> Result<Value, Fault> {
    let (from, to) = (args.text(0, "the file's path")?, args.text(1, "its new path")?);
    let mut body = json!({ "bucketId": bucket, "sourceKey": from, "destinationKey": to });
    if let Some(other) = args.options(2, &["destinationBucket"])?.get("destinationBucket") {
        body["destinationBucket"] = other.clone();
    }
    Ok(body)
}

fn signed_upload(at: &str, args: Args<'_>) -> Result<Draft, Fault> {
    let (encoded, plain) = path(args, 0)?;
    let upsert = args.options(1, &["upsert"])?.flag("upsert")? == Some(true);
    let path = format!("/object/upload/sign/{at}/{encoded}");
    let mut draft = Draft::new(Method::POST, path, Shape::UploadUrl(plain));
    if upsert {
        draft.headers.push(("x-upsert".into(), "true".into()));
    }
    Ok(draft.json(&json!({})))
}

/// What follows a signed address.
fn after(options: &Options<'_>) -> String {
    let mut query = reqwest::Url::parse("a:b").ok();
    if let Some(url) = &mut query {
        let mut pairs = url.query_pairs_mut();
        match options.get("download") {
            Some(Value::Bool(true)) => {
                pairs.append_pair("download", "");
            }
            Some(Value::String(name)) if !name.is_empty() => {
                pairs.append_pair("download", name);
            }
            _ => {}
        }
        if let Some(nonce) = options.get("cacheNonce") {
            pairs.append_pair("cacheNonce", &js::text(nonce));
        }
    }
    query.and_then(|u| u.query().map(str::to_owned)).unwrap_or_default()
}

fn list(at: &str, args: Args<'_>) -> Result<Draft, Fault> {
    let prefix = args.value(0);
    let options = args.options(1, &["limit", "offset", "sortBy", "search"])?;
    let mut sort = json!({ "column": "name", "order": "asc" });
    if let Some(Value::Object(by)) = options.get("sortBy") {
        for (name, value) in by {
            sort[name.as_str()] = value.clone();
        }
    }
    let mut body = json!({ "limit": 100, "offset": 0, "sortBy": sort });
    for name in ["limit", "offset", "search"] {
        if let Some(value) = options.get(name) {
            body[name] = value.clone();
        }
    }
    body["prefix"] = prefix.as_str().unwrap_or_default().into();
    Ok(Draft::new(Method::POST, format!("/object/list/{at}"), Shape::Json).json(&body))
}

/// `{width, ...}` as parameters; whether there are any.
fn transformed(mut draft: Draft, options: &Options<'_>) -> (Draft, bool) {
    let mut any = false;
    if let Some(Value::Object(transform)) = options.get("transform") {
        for name in TRANSFORM {
            if let Some(value) = transform.get(name).filter(|v| !v.is_null()) {
                draft = draft.query(name, js::text(value));
                any = true;
            }
        }
    }
    (draft, any)
}

fn download(at: &str, args: Args<'_>) -> Result<Draft, Fault> {
    let options = args.options(1, &["transform", "cacheNonce"])?;
    let path = path(args, 0)?.0;
    let draft = Draft::new(Method::GET, String::new(), Shape::Download);
    let (mut draft, any) = transformed(draft, &options);
    let place = if any { "render/image/authenticated" } else { "object" };
    draft.path = format!("/{place}/{at}/{path}");
    Ok(match options.get("cacheNonce") {
        Some(nonce) => draft.query("cacheNonce", js::text(nonce)),
        None => draft,
    })
}

/// A file: text, or `{"base64": "..."}`, or JSON.
fn content(args: Args<'_>, i: usize) -> Result<Vec<u8>, Fault> {
    match args.given(i, "the file: text, or {\"base64\": \"...\"}")? {
        Value::String(text) => Ok(text.clone().into_bytes()),
        Value::Object(o) if o.len() == 1 && o.get("base64").is_some_and(Value::is_string) => {
            let text = o["base64"].as_str().unwrap_or_default();
            STANDARD.decode(text).map_err(|_| args.wrong("base64 is not base64").into())
        }
        _ => Ok(args.raw(i).map(|r| r.get().as_bytes().to_vec()).unwrap_or_default()),
    }
}

fn upload(method: Files, at: &str, args: Args<'_>) -> Result<Draft, Fault> {
    let signed = method == Files::UploadToSignedUrl;
    let (file, set) = if signed { (2, 3) } else { (1, 2) };
    let options = args.options(set, &UPLOAD)?;
    let path = args.text(0, "the file's path")?;
    // Folders without a name are left out, as the client does.
    let clean: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let clean = clean.join("/");
    let place = if signed { "/object/upload/sign" } else { "/object" };
    let to = format!("{place}/{at}/{}", encoded(&clean)?);
    let http = if method == Files::Upload { Method::POST } else { Method::PUT };
    let mut draft = Draft::new(http, to, Shape::Uploaded(clean, !signed));
    if signed {
        draft = draft.query("token", args.text(1, "the token")?);
    }
    let mut add = |name: &str, value: String| draft.headers.push((name.to_owned(), value));
    if method != Files::Update {
        add("x-upsert", (options.flag("upsert")? == Some(true)).to_string());
    }
    let age = options.get("cacheControl").map_or_else(|| "3600".into(), js::text);
    add("cache-control", format!("max-age={age}"));
    let kind = options.text("contentType")?.unwrap_or("text/plain;charset=UTF-8");
    add("content-type", kind.to_owned());
    if let Some(metadata) = options.get("metadata") {
        add("x-metadata", STANDARD.encode(metadata.to_string()));
    }
    if draft.headers.iter().any(|(_, v)| http::HeaderValue::from_str(v).is_err()) {
        let bad = StatusCode::BAD_REQUEST;
        let message = "cacheControl and contentType must be plain text of one line".to_owned();
        return Err(Fault::new(bad, bad, "INVALID_CHAIN_FORMAT", message));
    }
    draft.body = Some(content(args, file)?);
    Ok(draft)
}

fn public_url(bucket: &str, args: Args<'_>, project: &Forward) -> Result<Value, Fault> {
    let path = args.text(0, "the file's path")?;
    let path = path.trim_start_matches('/');
    let options = args.options(1, &["download", "transform", "cacheNonce"])?;
    let (draft, any) = transformed(Draft::new(Method::GET, String::new(), Shape::Json), &options);
    let place = if any { "render/image" } else { "object" };
    let mut rest: Vec<String> = Vec::new();
    let first = after(&options);
    rest.extend((!first.is_empty()).then_some(first));
    if let Ok(mut url) = reqwest::Url::parse("a:b")
        && any
    {
        url.query_pairs_mut().extend_pairs(&draft.query);
        rest.extend(url.query().map(str::to_owned));
    }
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    let url = format!("{}/storage/v1/{place}/public/{bucket}/{path}", project.base);
    Ok(json!({ "data": { "publicUrl": format!("{}{query}", encode_uri(&url)) } }))
}
