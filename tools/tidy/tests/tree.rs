//! The files of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::blank;

/// A file of Rust.
pub struct Source {
    /// From the root of the repository, with `/`.
    pub path: String,
    /// As it is written.
    pub text: String,
    /// Without comments and strings, line by line the same.
    pub code: String,
}

impl Source {
    /// The line of a place in `code`, counted from 1.
    pub fn line(&self, place: usize) -> usize {
        1 + self.code[..place].matches('\n').count()
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The manifest of every package, by path.
pub fn manifests() -> Vec<String> {
    let root = root();
    let mut files = Vec::new();
    walk(&root, "Cargo.toml", &mut files);
    let mut paths: Vec<String> = files.iter().map(|file| relative(&root, file)).collect();
    paths.retain(|path| path != "Cargo.toml");
    paths.sort();
    assert!(paths.len() > 10, "the repository is not at {}", root.display());
    paths
}

/// Every file of Rust, by path.
pub fn sources() -> &'static [Source] {
    static ALL: OnceLock<Vec<Source>> = OnceLock::new();
    ALL.get_or_init(|| {
        let root = root();
        let mut files = Vec::new();
        walk(&root, ".rs", &mut files);
        files.sort();
        assert!(files.len() > 100, "the repository is not at {}", root.display());
        files.iter().map(|file| read(&root, file)).collect()
    })
}

fn read(root: &Path, file: &Path) -> Source {
    let path = relative(root, file);
    let text = fs::read_to_string(file).unwrap();
    let code = blank::code(&text);
    Source { path, text, code }
}

/// A file's path from the root, with `/`.
fn relative(root: &Path, file: &Path) -> String {
    file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/")
}

/// Files whose names end so. Hidden folders are left out, and what builds and package managers make.
fn walk(folder: &Path, end: &str, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type().unwrap().is_dir() {
            let left_out = name.starts_with('.') || name == "target" || name == "node_modules";
            if !left_out {
                walk(&path, end, files);
            }
        } else if name.ends_with(end) {
            files.push(path);
        }
    }
}
