//! `storage`: buckets.

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    Forward, Sent,
    draft::{Draft, sent},
    files,
    shape::Files,
    step,
};
use crate::{
    chain::{ChainError, Link, js, names::Buckets},
    fault::Fault,
};

/// Reads the links after `storage`.
pub fn storage(links: &[Link], project: &Forward) -> Result<Sent, Fault> {
    let Some((link, rest)) = links.split_first() else {
        let known = Buckets::NAMES.join(", ");
        return Err(ChainError::Format(format!("after storage must come one of {known}")).into());
    };
    let method = Buckets::parse(&link.name).ok_or_else(|| link.unknown(Buckets::NAMES))?;
    if method == Buckets::From {
        let bucket = link.args().text(0, "the bucket's name")?;
        return files::files(&bucket, rest, project);
    }
    if let Some(extra) = rest.first() {
        return Err(extra.misplaced(&format!("nothing follows {}", link.name)).into());
    }
    sent(buckets(method, link)?, project)
}

fn buckets(method: Buckets, link: &Link) -> Result<Draft, Fault> {
    let args = link.args();
    let id = || args.text(0, "the bucket's name");
    let one = || Ok::<_, Fault>(format!("/bucket/{}", step(&id()?)?));
    let empty = json!({});
    Ok(match method {
        Buckets::ListBuckets => {
            let known = ["limit", "offset", "search", "sortColumn", "sortOrder"];
            let options = args.options(0, &known)?;
            let mut draft = Draft::new(Method::GET, "/bucket".into(), Files::Json);
            for name in known {
                if let Some(value) = options.get(name) {
                    draft = draft.query(name, js::text(value));
                }
            }
            draft
        }
        Buckets::CreateBucket => {
            let mut body =
                attributes(link, &["public", "fileSizeLimit", "allowedMimeTypes", "type"])?;
            body.entry("public").or_insert(Value::Bool(false));
            Draft::new(Method::POST, "/bucket".into(), Files::Json).json(&Value::Object(body))
        }
        Buckets::UpdateBucket => {
            let body = attributes(link, &["public", "fileSizeLimit", "allowedMimeTypes"])?;
            Draft::new(Method::PUT, one()?, Files::Json).json(&Value::Object(body))
        }
        Buckets::EmptyBucket => {
            Draft::new(Method::POST, format!("{}/empty", one()?), Files::Json).json(&empty)
        }
        Buckets::DeleteBucket => Draft::new(Method::DELETE, one()?, Files::Json).json(&empty),
        Buckets::GetBucket | Buckets::From => Draft::new(Method::GET, one()?, Files::Json),
    })
}

/// A bucket's attributes in Storage's names.
fn attributes(link: &Link, known: &[&str]) -> Result<Map<String, Value>, ChainError> {
    let args = link.args();
    let id = args.text(0, "the bucket's name")?;
    let options = args.options(1, known)?;
    let mut body = Map::from_iter([("id".to_owned(), json!(id)), ("name".to_owned(), json!(id))]);
    let names = [
        ("type", "type"),
        ("public", "public"),
        ("fileSizeLimit", "file_size_limit"),
        ("allowedMimeTypes", "allowed_mime_types"),
    ];
    for (name, theirs) in names {
        if let Some(value) = options.get(name) {
            body.insert(theirs.to_owned(), value.clone());
        }
    }
    Ok(body)
}
