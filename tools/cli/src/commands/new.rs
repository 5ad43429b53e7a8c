//! `tasker new`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, ensure};

use crate::{
    args::{New, NewService, NewTask},
    screen::Screen,
};

const JAVASCRIPT: &str = include_str!("../../templates/task.js");
const TYPESCRIPT: &str = include_str!("../../templates/task.ts");
/// A member of the workspace itself, so that it compiles, is linted and tested like the others.
const SERVICE: [(&str, &str); 3] = [
    ("Cargo.toml", include_str!("../../templates/service/Cargo.toml")),
    ("src/main.rs", include_str!("../../templates/service/src/main.rs")),
    ("src/methods.rs", include_str!("../../templates/service/src/methods.rs")),
];
/// Its names: the crate's and the one that task code says.
const TEMPLATE: (&str, &str) = ("wrappedtemplate", "template");
/// What the names of wrapped services begin with.
const WRAPPED: &str = "wrapped";

/// Writes what was asked for; nothing that is there is written over.
pub fn run(args: &New) -> anyhow::Result<ExitCode> {
    match args {
        New::Task(args) => task(args)?,
        New::Service(args) => service(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn task(args: &NewTask) -> anyhow::Result<()> {
    let name = &args.name;
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(
        name.len() <= 200
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(good),
        "'{name}' must be letters, digits, '-', '_' and '.', and begin with a letter or digit"
    );
    let (extension, template) =
        if args.typescript { ("ts", TYPESCRIPT) } else { ("js", JAVASCRIPT) };
    let file = args.dir.join(format!("{name}.{extension}"));
    write(&file, &template.replace("{{name}}", name))?;
    let shown = file.display();
    Screen::Stdout.line(format_args!(
        "{shown} is written. `make dev` publishes it when it is saved; or:\n  \
         tasker publish {shown}\n  tasker submit {name} --watch"
    ))?;
    Ok(())
}

fn service(args: &NewService) -> anyhow::Result<()> {
    let name = args.name.strip_prefix(WRAPPED).unwrap_or(&args.name);
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(
        name.len() <= 60
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(good),
        "'{}' must be lower case letters, digits and '-', and begin with a letter",
        args.name
    );
    let workspace = workspace(&args.dir)?;
    let crate_name = format!("{WRAPPED}{name}");
    let dir = args.dir.join(&crate_name);
    ensure!(!dir.exists(), "{} is there already", dir.display());
    for (file, template) in SERVICE {
        let text = template.replace(TEMPLATE.0, &crate_name).replace(TEMPLATE.1, name);
        write(&dir.join(file), &text)?;
    }
    Screen::Stdout.line(format_args!(
        "{} is written, a member of {}. Its methods are in src/methods.rs.\n  \
         cargo build --release -p {crate_name}\n  \
         target/release/{crate_name} --port 9100 &\n  \
         target/release/tasker-dev --service {crate_name}=http://127.0.0.1:9100/{crate_name}\n\
         Task code calls it: await __callHostTool__(\"{name}\", \"echo\", [\"hi\"])",
        dir.display(),
        workspace.display(),
    ))?;
    Ok(())
}

/// The checkout of tasker that `dir` is in: the crate needs its shared ones.
fn workspace(dir: &Path) -> anyhow::Result<PathBuf> {
    let parent =
        dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let manifest = std::fs::read_to_string(parent.join("Cargo.toml")).unwrap_or_default();
    ensure!(
        manifest.contains("tasker-http") && manifest.contains("[workspace"),
        "{} is not in a checkout of tasker, whose crates the service would use. Go there, or write \
         the service in any language: docs/plugins.md says what it has to answer",
        dir.display()
    );
    parent.canonicalize().with_context(|| format!("cannot read {}", parent.display()))
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", file.display());
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir).with_context(cannot)?;
    }
    let made = std::fs::File::options().write(true).create_new(true).open(file);
    std::io::Write::write_all(&mut made.with_context(cannot)?, text.as_bytes()).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("tasker-new-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn a_task_is_written_once() {
        let dir = empty("task");
        let args =
            |name: &str, typescript| NewTask { name: name.into(), typescript, dir: dir.clone() };
        task(&args("greet", false)).unwrap();
        let text = std::fs::read_to_string(dir.join("greet.js")).unwrap();
        assert!(text.contains("from greet`") && !text.contains("{{"), "{text}");
        std::fs::write(dir.join("greet.js"), "mine").unwrap();
        assert!(task(&args("greet", false)).is_err());
        assert_eq!(std::fs::read_to_string(dir.join("greet.js")).unwrap(), "mine");
        task(&args("greet", true)).unwrap();
        for wrong in ["", "../up", "a/b", ".hidden", "a b"] {
            assert!(task(&args(wrong, false)).is_err(), "{wrong}");
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_service_needs_a_checkout() {
        let dir = empty("service");
        let args = |name: &str| NewService { name: name.into(), dir: dir.join("services") };
        let refused = service(&args("mail")).unwrap_err().to_string();
        assert!(refused.contains("docs/plugins.md"), "{refused}");
        std::fs::write(dir.join("Cargo.toml"), "[workspace.dependencies]\ntasker-http = 1")
            .unwrap();
        service(&args("wrappedmail")).unwrap();
        let manifest =
            std::fs::read_to_string(dir.join("services/wrappedmail/Cargo.toml")).unwrap();
        assert!(
            manifest.contains("name = \"wrappedmail\"\ndescription = \"mail for"),
            "{manifest}"
        );
        assert!(service(&args("mail")).is_err());
        assert!(service(&args("Mail")).is_err() && service(&args("../x")).is_err());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
