//! Sorts a call's arguments into path, query, body and media, and refuses what does not fit.

use std::collections::BTreeMap;

use google_apis_common::remove_json_null_values;
use serde_json::{Map, Value};

use crate::defaults;
use crate::document::Parameter;
use crate::options::{self, Media, Options};
use crate::resolve::Target;
use crate::values;

/// Checked arguments of one call.
#[derive(Debug, Default)]
pub struct Arguments {
    /// Path parameters by name.
    pub path: BTreeMap<String, String>,
    /// Query parameters; repeated ones appear several times.
    pub query: Vec<(String, String)>,
    /// JSON body.
    pub body: Option<Value>,
    /// Media to upload.
    pub media: Option<Media>,
    /// Options of the call.
    pub options: Options,
}

/// The three names under which a JSON body may be given, as in Google's own clients.
const BODY_NAMES: [&str; 3] = ["requestBody", "resource", "body"];

/// Parameters that all methods share but that this service sets itself, or that would carry a
/// credential in the URL.
const RESERVED: [&str; 6] =
    ["access_token", "oauth_token", "callback", "uploadType", "upload_protocol", "$.xgafv"];

/// Checks and sorts `args` (parameters, then options) for a method.
///
/// # Errors
/// A sentence naming the parameter and the fix.
pub fn prepare(target: &Target, args: Vec<Value>) -> Result<Arguments, String> {
    let mut args = args.into_iter();
    let mut params = match args.next() {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => return Err("first argument (parameters) must be an object".to_owned()),
    };
    let mut options = options::parse(args.next())?;
    if args.next().is_some() {
        return Err("at most two arguments are taken: parameters and options".to_owned());
    }
    // A null parameter is an absent one, before defaults apply. A body keeps its nulls: PATCH
    // clears fields with them, and Sheets skips cells.
    params.retain(|name, value| !value.is_null() || takes_body_field(target, name));
    defaults::fill(target, &mut params);

    let mut arguments = Arguments::default();
    let mut rest = Map::new();
    let inline_media = target.method.media_upload.as_ref().and_then(|_| params.remove("media"));
    for (name, mut value) in params {
        match find(target, &name)? {
            Some(parameter) => {
                remove_json_null_values(&mut value);
                place(target, &name, parameter, &value, &mut arguments)?;
            }
            None => drop(rest.insert(name, value)),
        }
    }
    check_required(target, &arguments)?;
    arguments.body = body(target, rest)?;
    if let Some(value) = options.media.take().or(inline_media) {
        arguments.media = Some(media(target, value)?);
    }
    check_options(target, &options)?;
    arguments.options = options;
    Ok(arguments)
}

fn takes_body_field(target: &Target, name: &str) -> bool {
    target.method.request.is_some() && !is_parameter(target, name) && !BODY_NAMES.contains(&name)
}

fn is_parameter(target: &Target, name: &str) -> bool {
    target.method.parameters.contains_key(name) || target.document.parameters.contains_key(name)
}

fn find<'a>(target: &'a Target, name: &str) -> Result<Option<&'a Parameter>, String> {
    if let Some(parameter) = target.method.parameters.get(name) {
        return Ok(Some(parameter));
    }
    match target.document.parameters.get(name) {
        Some(_) if RESERVED.contains(&name) => {
            Err(format!("parameter \"{name}\" is set by wrappedgapi; leave it out"))
        }
        shared => Ok(shared),
    }
}

fn place(
    target: &Target,
    name: &str,
    parameter: &Parameter,
    value: &Value,
    arguments: &mut Arguments,
) -> Result<(), String> {
    let parameter = defaults::bounded(target, name, parameter);
    let texts = values::texts(name, &parameter, value)?;
    if name == "alt" {
        check_alt(target, &texts)?;
    }
    if parameter.location == "path" {
        arguments.path.extend(texts.into_iter().map(|text| (name.to_owned(), text)));
    } else {
        arguments.query.extend(texts.into_iter().map(|text| (name.to_owned(), text)));
    }
    Ok(())
}

fn check_alt(target: &Target, texts: &[String]) -> Result<(), String> {
    let allowed = |text: &String| {
        text == "json" || (text == "media" && target.method.supports_media_download)
    };
    if texts.iter().all(allowed) {
        return Ok(());
    }
    let media = if target.method.supports_media_download { " or \"media\"" } else { "" };
    Err(format!("parameter \"alt\" must be \"json\"{media} for {}", target.path))
}

fn check_required(target: &Target, arguments: &Arguments) -> Result<(), String> {
    let given = |name: &String| {
        arguments.path.contains_key(name) || arguments.query.iter().any(|(n, _)| n == name)
    };
    let required = target.method.parameters.iter().filter(|(_, p)| p.required);
    let missing: Vec<&str> =
        required.map(|(name, _)| name).filter(|name| !given(name)).map(String::as_str).collect();
    match missing.as_slice() {
        [] => Ok(()),
        // The original's words.
        ["id"] if target.path == "gmail.users.messages.get" => {
            Err("Message ID is required (parameter \"id\")".to_owned())
        }
        [one] => Err(format!("missing required parameter \"{one}\"")),
        many => Err(format!("missing required parameters \"{}\"", many.join("\", \""))),
    }
}

fn body(target: &Target, mut rest: Map<String, Value>) -> Result<Option<Value>, String> {
    if target.method.request.is_none() {
        return if rest.is_empty() { Ok(None) } else { Err(unknown(target, &rest)) };
    }
    // `body` and `resource` may also be plain fields of a body, so only an object counts there.
    let is_body = |name: &&str| match rest.get(*name) {
        Some(value) => *name == "requestBody" || value.is_object(),
        None => false,
    };
    let named: Vec<&str> = BODY_NAMES.into_iter().filter(is_body).collect();
    match named.as_slice() {
        [] if rest.is_empty() => Ok(None),
        [] => Ok(Some(Value::Object(rest))),
        [name] => {
            let value = rest.remove(*name);
            if !rest.is_empty() {
                return Err(format!(
                    "{} (the body is already given as \"{name}\")",
                    unknown(target, &rest)
                ));
            }
            Ok(value.filter(|value| !value.is_null()))
        }
        several => Err(format!("give the body once, not as \"{}\"", several.join("\" and \""))),
    }
}

fn unknown(target: &Target, rest: &Map<String, Value>) -> String {
    let names: Vec<&str> = rest.keys().map(String::as_str).collect();
    let shared = target.document.parameters.keys().filter(|n| !RESERVED.contains(&n.as_str()));
    let mut allowed: Vec<&str> =
        target.method.parameters.keys().chain(shared).map(String::as_str).collect();
    allowed.dedup();
    let plural = if names.len() == 1 { "" } else { "s" };
    format!(
        "unknown parameter{plural} \"{}\"; allowed: {}",
        names.join("\", \""),
        allowed.join(", ")
    )
}

fn media(target: &Target, value: Value) -> Result<Media, String> {
    let Some(upload) = &target.method.media_upload else {
        return Err(format!("{} takes no media; leave out option \"media\"", target.path));
    };
    let media = options::media(value)?;
    let limit = upload.max_size.as_deref().and_then(|size| size.parse::<u64>().ok());
    let size = media.data.len() as u64;
    if let Some(limit) = limit.filter(|limit| size > *limit) {
        return Err(format!(
            "option \"media\" has {size} bytes; {} takes at most {limit}",
            target.path
        ));
    }
    let accepted = |pattern: &String| {
        let prefix = pattern.trim_end_matches('*');
        pattern == "*/*" || media.content_type.starts_with(prefix)
    };
    if !upload.accept.is_empty() && !upload.accept.iter().any(accepted) {
        let accept = upload.accept.join(", ");
        return Err(format!("option \"media\": {} takes only {accept}", target.path));
    }
    Ok(media)
}

fn check_options(target: &Target, options: &Options) -> Result<(), String> {
    let paged = target.method.is_idempotent() && target.method.parameters.contains_key("pageToken");
    if options.all_pages && !paged {
        return Err(format!("{} has no pages; leave out option \"allPages\"", target.path));
    }
    Ok(())
}
