//! Which files are task code, and which task each is.

use std::path::{Path, PathBuf};

/// What task files are called.
const EXTENSIONS: [&str; 3] = ["js", "mjs", "ts"];
/// Folders that hold other people's code.
const FOREIGN: &str = "node_modules";

/// The task that a file is: `taskcode/endpoints/hello-task.js` is `hello-task`. `None` for other
/// files, hidden ones (editors put theirs there) and declarations.
pub fn task(file: &Path, dir: &Path) -> Option<String> {
    let within = file.strip_prefix(dir).ok()?;
    let hidden = |part: &std::ffi::OsStr| {
        let part = part.to_string_lossy();
        part.starts_with('.') || part == FOREIGN
    };
    if within.iter().any(hidden) {
        return None;
    }
    let extension = file.extension()?.to_str()?;
    let stem = file.file_stem()?.to_str()?;
    let declares = extension == "ts" && stem.ends_with(".d");
    (EXTENSIONS.contains(&extension) && !declares).then(|| stem.to_owned())
}

/// All files in and below a folder, by name.
pub fn below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            // A link to a folder could lead back here.
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    if entry.file_name() != FOREIGN {
                        folders.push(path);
                    }
                }
                Ok(_) => found.push(path),
                Err(_) => {}
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editors_files_are_no_tasks() {
        let dir = Path::new("taskcode");
        let task = |file: &str| task(&dir.join(file), dir);
        assert_eq!(task("endpoints/hello-task.js").as_deref(), Some("hello-task"));
        assert_eq!(task("timer.v2.ts").as_deref(), Some("timer.v2"));
        for other in [
            ".#hello.js",
            ".hello.js.swp",
            "hello.js~",
            "hello.js___jb_tmp___",
            "4913",
            "types.d.ts",
            "notes.md",
            "node_modules/x/index.js",
            ".git/x.js",
            "#hello.js#",
        ] {
            assert_eq!(task(other), None, "{other}");
        }
    }
}
