//! Puts the JavaScript of the engine's extensions into the binary.
//!
//! deno_core expects a snapshot, which not every engine can make; without one it reads these files
//! at run time from where they lay when the crate was compiled, so the binary would run on the
//! machine that built it and nowhere else.

use std::{env, error::Error, fmt::Write as _, fs, path::Path, process::Command};

/// Crates with extensions of the same name.
const CRATES: [&str; 2] = ["deno_web", "deno_webidl"];
const PRELUDE: &str = "src/prelude";

fn main() -> Result<(), Box<dyn Error>> {
    let here = env::var("CARGO_MANIFEST_DIR")?;
    let metadata = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version=1", "--filter-platform", &env::var("TARGET")?])
        .arg("--manifest-path")
        .arg(format!("{here}/Cargo.toml"))
        .output()?;
    if !metadata.status.success() {
        return Err(String::from_utf8_lossy(&metadata.stderr).into());
    }
    let metadata = String::from_utf8(metadata.stdout)?;
    let mut table = String::from("&[\n");
    for package in CRATES {
        list(&mut table, package, folder(&metadata, package).ok_or(package)?)?;
    }
    let prelude = Path::new(&here).join(PRELUDE);
    list(&mut table, "tasker_task", &prelude)?;
    list(&mut table, "tasker_task/fetch", &prelude.join("fetch"))?;
    table.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("sources.rs"), table)?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={PRELUDE}");
    println!("cargo::rerun-if-changed=../../Cargo.lock");
    Ok(())
}

/// Where the sources of a package lie: `<name>-<version>` in the registry, or `<name>` if vendored.
fn folder<'a>(metadata: &'a str, package: &str) -> Option<&'a Path> {
    let manifests = metadata.split("\"manifest_path\":\"").skip(1);
    let folders = manifests.filter_map(|rest| Path::new(rest.split('"').next()?).parent());
    folders.into_iter().find(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let version = name.strip_prefix(package);
        version.is_some_and(|v| v.is_empty() || v.starts_with("-0.") || v.starts_with("-1."))
    })
}

/// Adds the scripts in a folder under the specifiers that the extension gives them, folders below it left out.
fn list(table: &mut String, extension: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "js") {
            let name = path.file_name().ok_or("a file without a name")?.to_string_lossy();
            let specifier = format!("ext:{extension}/{name}");
            writeln!(table, "({specifier:?}, deno_core::ascii_str_include!({path:?})),")?;
        }
    }
    Ok(())
}
