//! From the words that task code writes to one method of one discovery document.

use std::sync::Arc;

use crate::discovery::Catalogue;
use crate::document::{Document, Method};

/// A method that was found.
#[derive(Debug, Clone)]
pub struct Target {
    /// The API it belongs to.
    pub document: Arc<Document>,
    /// The method.
    pub method: Arc<Method>,
    /// Canonical path without version, such as `gmail.users.messages.list`.
    pub path: String,
}

/// A path that names no method.
#[derive(Debug)]
pub struct Unknown {
    /// The path as it was given.
    pub path: String,
    /// Nearest method paths, best first.
    pub suggestions: Vec<String>,
}

/// True when the method is known and only reads (`GET`), so that a lost answer may be asked for
/// again. Unknown methods count as not idempotent.
///
/// `path` is what task code writes: `gmail.users.messages.list`, `drive:v3.files.list`.
pub fn is_idempotent(path: &str) -> bool {
    resolve(Catalogue::embedded(), path).is_ok_and(|target| target.method.is_idempotent())
}

/// Finds the method named by a dotted path. The version may be given as `drive:v3.files.list` or
/// `gmail.v1.users.getProfile`.
///
/// # Errors
/// [`Unknown`] with the nearest names.
pub fn resolve(catalogue: &Catalogue, path: &str) -> Result<Target, Unknown> {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, version) = head.split_once(':').map_or((head, None), |(n, v)| (n, Some(v)));
    let (name, version) = alias(name, version);
    catalogue
        .documents(name)
        .filter(|document| version.is_none_or(|wanted| names_version(document, wanted)))
        .find_map(|document| find(&document, rest))
        .or_else(|| versioned(catalogue, name, rest))
        .ok_or_else(|| Unknown { path: path.to_owned(), suggestions: suggest(catalogue, path) })
}

/// Some documents' own ids start with another word than the API's name; accept that spelling.
fn alias<'a>(name: &'a str, version: Option<&'a str>) -> (&'a str, Option<&'a str>) {
    match name {
        "directory" => ("admin", Some("directory")),
        "reports" => ("admin", Some("reports")),
        "datatransfer" => ("admin", Some("datatransfer")),
        "groupsSettings" => ("groupssettings", version),
        _ => (name, version),
    }
}

/// `gmail.v1.users.list`: tried only when the plain reading finds nothing, since `alertcenter` has
/// a resource that is called `v1beta1`.
fn versioned(catalogue: &Catalogue, name: &str, rest: &str) -> Option<Target> {
    let (version, rest) = rest.split_once('.')?;
    catalogue
        .documents(name)
        .filter(|document| names_version(document, version))
        .find_map(|document| find(&document, rest))
}

fn names_version(document: &Document, wanted: &str) -> bool {
    let short = document.version.split('_').next().unwrap_or_default();
    document.version == wanted || (document.name == "admin" && short == wanted)
}

fn find(document: &Arc<Document>, rest: &str) -> Option<Target> {
    let method = document.methods.get(rest)?;
    let path = format!("{}.{rest}", document.name);
    Some(Target { document: Arc::clone(document), method: Arc::clone(method), path })
}

const SUGGESTIONS: usize = 5;
// Paths longer than any method's cannot be a misspelling; comparing them would only cost time.
const LONGEST_COMPARED: usize = 120;

fn suggest(catalogue: &Catalogue, path: &str) -> Vec<String> {
    if path.is_empty() || path.len() > LONGEST_COMPARED {
        return Vec::new();
    }
    let wanted = path.to_lowercase();
    let limit = (wanted.len() / 2).max(3);
    let mut near: Vec<(usize, String)> = catalogue
        .all()
        .flat_map(|document| {
            let name = document.name.clone();
            document.methods.keys().map(|m| format!("{name}.{m}")).collect::<Vec<_>>()
        })
        .map(|known| (strsim::damerau_levenshtein(&wanted, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(SUGGESTIONS).map(|(_, known)| known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(path: &str) -> String {
        let target = resolve(Catalogue::embedded(), path).unwrap();
        format!("{} {} {}", target.document.version, target.method.id, target.path)
    }

    #[test]
    fn only_known_gets_are_idempotent() {
        assert!(is_idempotent("gmail.users.messages.list"));
        assert!(is_idempotent("drive:v3.files.list"));
        assert!(!is_idempotent("gmail.users.messages.send"));
        assert!(!is_idempotent("admin.users.delete"));
        assert!(!is_idempotent("no.such.method"));
    }

    #[test]
    fn finds_methods_by_document_and_resource_path_not_by_id() {
        assert_eq!(id("admin.users.list"), "directory_v1 directory.users.list admin.users.list");
        assert_eq!(id("admin.transfers.list").split(' ').next(), Some("datatransfer_v1"));
        assert_eq!(id("admin.activities.list").split(' ').next(), Some("reports_v1"));
        assert_eq!(
            id("groupssettings.groups.get").split(' ').nth(1),
            Some("groupsSettings.groups.get")
        );
        assert_eq!(id("oauth2.tokeninfo").split(' ').nth(1), Some("oauth2.tokeninfo"));
    }

    #[test]
    fn the_one_ambiguous_path_goes_to_directory_unless_a_version_is_given() {
        assert!(id("admin.channels.stop").starts_with("directory_v1 "));
        assert!(id("admin:reports_v1.channels.stop").starts_with("reports_v1 "));
        assert!(id("admin.reports_v1.channels.stop").starts_with("reports_v1 "));
        assert!(id("reports.channels.stop").starts_with("reports_v1 "));
        assert!(id("admin.directory.users.list").starts_with("directory_v1 "));
    }

    #[test]
    fn a_version_may_be_given_in_two_ways() {
        assert_eq!(id("drive:v3.files.list"), id("drive.files.list"));
        assert_eq!(id("gmail.v1.users.getProfile"), id("gmail.users.getProfile"));
        assert!(resolve(Catalogue::embedded(), "drive:v9.files.list").is_err());
    }

    #[test]
    fn a_resource_named_like_a_version_is_still_found() {
        assert!(id("alertcenter.v1beta1.getSettings").contains("getSettings"));
        assert_eq!(id("alertcenter.v1beta1.alerts.list"), id("alertcenter.alerts.list"));
    }

    #[test]
    fn unknown_paths_name_their_neighbours() {
        let near = |path: &str| resolve(Catalogue::embedded(), path).unwrap_err().suggestions;
        assert_eq!(near("gmail.users.mesages.list")[0], "gmail.users.messages.list");
        assert_eq!(near("gmial.users.messages.list")[0], "gmail.users.messages.list");
        assert_eq!(near("Admin.Users.List")[0], "admin.users.list");
        assert!(near("").is_empty());
        assert!(near(&"x".repeat(5000)).is_empty());
    }
}
