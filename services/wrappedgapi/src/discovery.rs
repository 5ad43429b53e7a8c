//! The catalogue of discovery documents: 24 embedded ones, and those of a directory if given.

use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::document::Document;

/// The documents that calls are dispatched over.
#[derive(Debug, Default)]
pub struct Catalogue {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    version: String,
    bytes: &'static [u8],
    parsed: OnceLock<Arc<Document>>,
}

/// A directory of discovery documents that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The directory or a file in it cannot be read.
    #[error("GAPI_DISCOVERY_DIR: cannot read {path}: {source}")]
    Read {
        /// File or directory.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file is no discovery document.
    #[error("GAPI_DISCOVERY_DIR: {path} is no discovery document: {source}")]
    Parse {
        /// File.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl Catalogue {
    /// The embedded documents. Each is parsed when first used.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: LazyLock<Catalogue> = LazyLock::new(Catalogue::from_embedded);
        &EMBEDDED
    }

    /// The embedded documents plus every `*.json` of `directory`, which come first: a file there
    /// replaces the embedded document of the same API and version.
    ///
    /// # Errors
    /// When the directory cannot be read or a file in it is no discovery document.
    pub fn with_directory(directory: &Path) -> Result<Self, CatalogueError> {
        let read = |path: &Path, source| CatalogueError::Read { path: shown(path), source };
        let mut files = std::fs::read_dir(directory)
            .and_then(|list| {
                list.map(|item| item.map(|i| i.path())).collect::<io::Result<Vec<_>>>()
            })
            .map_err(|source| read(directory, source))?;
        files.retain(|path| path.extension().is_some_and(|ext| ext == "json"));
        files.sort();
        let mut entries = Vec::new();
        for path in files {
            let bytes = std::fs::read(&path).map_err(|source| read(&path, source))?;
            let document = Document::parse(&bytes)
                .map_err(|source| CatalogueError::Parse { path: shown(&path), source })?;
            entries.push(Entry::parsed(document));
        }
        let mut embedded = Self::from_embedded().entries;
        embedded.retain(|e| !entries.iter().any(|d| d.name == e.name && d.version == e.version));
        entries.extend(embedded);
        Ok(Self { entries })
    }

    /// Every document of an API in the order in which a path is looked up: `admin` has several.
    pub fn documents(&self, name: &str) -> impl Iterator<Item = Arc<Document>> {
        self.entries.iter().filter(move |e| e.name == name).map(Entry::document)
    }

    /// API names, each once, in order.
    pub fn services(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.entries.iter().map(|e| e.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Every document, parsed.
    pub fn all(&self) -> impl Iterator<Item = Arc<Document>> {
        self.entries.iter().map(Entry::document)
    }

    /// The embedded documents alone.
    pub fn from_embedded() -> Self {
        let entries = EMBEDDED.iter().map(|(name, version, bytes)| Entry {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            bytes,
            parsed: OnceLock::new(),
        });
        Self { entries: entries.collect() }
    }
}

impl Entry {
    fn parsed(document: Document) -> Self {
        let (name, version) = (document.name.clone(), document.version.clone());
        Self { name, version, bytes: &[], parsed: OnceLock::from(Arc::new(document)) }
    }

    fn document(&self) -> Arc<Document> {
        let parse = || Document::parse(self.bytes).expect("embedded documents parse (tested)");
        Arc::clone(self.parsed.get_or_init(|| Arc::new(parse())))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

macro_rules! documents {
    ($(($name:literal, $version:literal)),* $(,)?) => {
        &[$(($name, $version,
             include_bytes!(concat!("../discovery/", $name, ".", $version, ".json")))),*]
    };
}

type Embedded = (&'static str, &'static str, &'static [u8]);

// The order within `admin` decides `channels.stop`, which two of its documents have.
const EMBEDDED: &[Embedded] = documents![
    ("admin", "directory_v1"),
    ("admin", "datatransfer_v1"),
    ("admin", "reports_v1"),
    ("alertcenter", "v1beta1"),
    ("calendar", "v3"),
    ("chat", "v1"),
    ("classroom", "v1"),
    ("cloudidentity", "v1"),
    ("docs", "v1"),
    ("drive", "v3"),
    ("driveactivity", "v2"),
    ("forms", "v1"),
    ("gmail", "v1"),
    ("groupssettings", "v1"),
    ("keep", "v1"),
    ("licensing", "v1"),
    ("meet", "v2"),
    ("oauth2", "v2"),
    ("people", "v1"),
    ("script", "v1"),
    ("sheets", "v4"),
    ("slides", "v1"),
    ("tasks", "v1"),
    ("vault", "v1"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_documents_parse_and_hold_all_methods() {
        let catalogue = Catalogue::embedded();
        assert_eq!(catalogue.all().count(), 24);
        assert_eq!(catalogue.all().map(|d| d.methods.len()).sum::<usize>(), 728);
        for (entry, document) in catalogue.entries.iter().zip(catalogue.all()) {
            assert_eq!((&entry.name, &entry.version), (&document.name, &document.version));
        }
    }

    #[test]
    fn a_directory_adds_and_replaces_documents() {
        let dir = std::env::temp_dir().join(format!("gapi-discovery-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let extra = r#"{"name":"books","version":"v1","rootUrl":"https://books.googleapis.com/",
            "methods":{"ping":{"id":"books.ping","httpMethod":"GET","path":"ping"}}}"#;
        std::fs::write(dir.join("books.json"), extra).unwrap();
        let catalogue = Catalogue::with_directory(&dir).unwrap();
        assert!(crate::resolve(&catalogue, "books.ping").is_ok());
        assert_eq!(catalogue.all().count(), 25);

        std::fs::write(dir.join("bad.json"), "{}").unwrap();
        let error = Catalogue::with_directory(&dir).unwrap_err().to_string();
        assert!(error.contains("bad.json is no discovery document"), "{error}");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
