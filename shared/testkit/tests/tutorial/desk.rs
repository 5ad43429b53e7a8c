//! A newcomer's desk: an empty home folder, two terminals, and somebody who does what a document says.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tasker_testkit::process::bin_dir;
use tokio::process::Child;

use super::{
    document::{self, Block, Terminal, What},
    screen,
};

/// How long one block of commands may take, and a line may take to appear.
const PATIENCE: Duration = Duration::from_secs(60);
const CHECKOUT: &str = "tasker";
/// What there is of tasker once it is built.
const NEEDED: [&str; 5] = [".gitignore", "Makefile", "taskcode", "tools/engine", "tools/setup"];

/// The desk. Dropped, what runs in the first terminal is killed.
pub struct Desk {
    home: PathBuf,
    env: Vec<(String, String)>,
    /// What the reader types instead: their port, their address.
    instead: Vec<(String, String)>,
    first: Option<Child>,
    /// Lines of the first terminal that were looked for already.
    seen: usize,
    /// What the second terminal showed last.
    shown: String,
}

/// What somebody did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub commands: usize,
    pub files: usize,
    pub lines: usize,
}

impl Desk {
    /// An empty home in `dir`, with the programs on its path.
    pub fn new(dir: &Path, env: &[(&str, &str)], instead: &[(&str, &str)]) -> anyhow::Result<Self> {
        let _ = fs::remove_dir_all(dir);
        for (terminal, at) in [(Terminal::First, "first"), (Terminal::Second, "second")] {
            let state = dir.join(at);
            fs::create_dir_all(&state)?;
            fs::write(state.join("cwd"), dir.display().to_string())?;
            fs::write(state.join("env"), "")?;
            ensure!(at == name(terminal), "a terminal's folder has its name");
        }
        let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        let mut env: Vec<_> = env.iter().map(owned).collect();
        let path = std::env::var("PATH").unwrap_or_default();
        env.push(("PATH".into(), format!("{}:{path}", dir.join("bin").display())));
        env.push(("HOME".into(), dir.display().to_string()));
        env.extend([("LANG", "C.UTF-8"), ("TERM", "dumb")].iter().map(owned));
        let instead = instead.iter().map(owned).collect();
        let home = dir.to_owned();
        Ok(Self { home, env, instead, first: None, seen: 0, shown: String::new() })
    }

    /// What to clone instead of `REPOSITORY`, with the files in `source`, and a `make` that finds
    /// everything built: recipes are the Makefile's own, but for the one that compiles.
    pub fn with_repository(mut self, source: &Path) -> anyhow::Result<Self> {
        let origin = self.home.join("origin");
        for part in NEEDED {
            copy(&source.join(part), &origin.join(part))?;
        }
        let git = "git init -q && git add -A && \
                   git -c user.name=test -c user.email=test@localhost commit -qm tasker";
        let made = Command::new("bash").args(["-ec", git]).current_dir(&origin).output()?;
        ensure!(made.status.success(), "git: {}", String::from_utf8_lossy(&made.stderr));
        self.instead.push(("REPOSITORY".into(), origin.display().to_string()));
        let (bin, built) = (self.home.join("bin"), self.home.join("built"));
        for dir in [&bin, &built] {
            fs::create_dir_all(dir)?;
        }
        for program in fs::read_dir(bin_dir()?)?.flatten().filter(|f| f.path().is_file()) {
            std::os::unix::fs::symlink(program.path(), built.join(program.file_name()))?;
        }
        // With the test the terminal dies, and what runs in it.
        let dies = "exec setpriv --pdeathsig KILL --";
        let dev = built.join("tasker-dev");
        let real = fs::read_link(&dev).context("tasker-dev is not built: run `make build`")?;
        fs::remove_file(&dev)?;
        script(&dev, &format!("{dies} '{}' \"$@\"", real.display()))?;
        let make = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .map(|dir| dir.join("make"))
            .find(|make| make.exists())
            .context("there is no make")?;
        let link = format!("mkdir -p target && ln -sfn '{}' target/release", built.display());
        script(&bin.join("make"), &format!("{link}\n{dies} '{}' -o build \"$@\"", make.display()))?;
        Ok(self)
    }

    /// The checkout.
    pub fn checkout(&self) -> PathBuf {
        self.home.join(CHECKOUT)
    }

    /// Does what a document says; fails where the reader would be stuck.
    pub async fn follow(&mut self, text: &str) -> anyhow::Result<Done> {
        let mut done = Done::default();
        for block in document::read(text)? {
            let place = || format!("line {}", block.line);
            self.block(&block, &mut done).await.with_context(place)?;
        }
        self.ctrl_c().await.context("at the end")?;
        Ok(done)
    }

    async fn block(&mut self, block: &Block, done: &mut Done) -> anyhow::Result<()> {
        let text = self.typed(&block.text);
        match &block.what {
            What::Save { path } => {
                let path = self.checkout().join(path);
                fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
                fs::write(path, text)?;
                done.files += 1;
            }
            What::Type { terminal, fails } => {
                done.commands += text.lines().filter(|l| !l.trim().is_empty()).count();
                match terminal {
                    Terminal::First => self.start(&text).await?,
                    Terminal::Second => self.run(&text, *fails).await?,
                }
            }
            What::See { terminal } => {
                done.lines += text.lines().filter(|l| !l.trim().is_empty()).count();
                self.see(*terminal, &text).await?;
            }
            What::Scopes => {}
        }
        Ok(())
    }

    fn typed(&self, text: &str) -> String {
        self.instead.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    /// Types into the first terminal, where the last command goes on.
    async fn start(&mut self, commands: &str) -> anyhow::Result<()> {
        self.ctrl_c().await?;
        self.first = Some(self.shell(Terminal::First, commands, "DEBUG")?);
        Ok(())
    }

    async fn run(&mut self, commands: &str, fails: bool) -> anyhow::Result<()> {
        let mut shell = self.shell(Terminal::Second, commands, "EXIT")?;
        let status = tokio::time::timeout(PATIENCE, shell.wait()).await;
        self.shown = fs::read_to_string(self.home.join("second/screen"))?;
        let status = status.with_context(|| format!("goes on and on:\n{}", self.shown))??;
        let as_said = status.success() != fails;
        ensure!(as_said, "{status}, after\n{commands}{}\n{}", self.shown, self.tail());
        Ok(())
    }

    async fn see(&mut self, terminal: Terminal, expected: &str) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let more = terminal == Terminal::First && self.goes_on() && Instant::now() < until;
            let shown = self.lines(terminal)?;
            match screen::find(expected, &shown) {
                Ok(lines) => {
                    ensure!(screen::each_line_counts(expected, &shown), "lines that check nothing");
                    if terminal == Terminal::First {
                        self.seen += lines;
                    }
                    return Ok(());
                }
                Err(line) => {
                    let all = shown.join("\n");
                    let name = name(terminal);
                    ensure!(more, "the {name} terminal does not show\n  {line}\nbut\n{all}");
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn goes_on(&mut self) -> bool {
        self.first.as_mut().is_some_and(|shell| matches!(shell.try_wait(), Ok(None)))
    }

    fn lines(&self, terminal: Terminal) -> anyhow::Result<Vec<String>> {
        Ok(match terminal {
            Terminal::Second => screen::lines(&self.shown),
            Terminal::First => {
                let shown = fs::read(self.home.join("first/screen"))?;
                screen::lines(&String::from_utf8_lossy(&shown)).split_off(self.seen)
            }
        })
    }

    fn tail(&self) -> String {
        let lines = self.lines(Terminal::First).unwrap_or_default();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// A shell where the last one of this terminal left off. `when` it notes where it is.
    fn shell(&self, terminal: Terminal, commands: &str, when: &str) -> anyhow::Result<Child> {
        let state = self.home.join(name(terminal));
        let at = state.display();
        let file = state.join("commands");
        let text = format!(
            ". '{at}/env'\ncd \"$(cat '{at}/cwd')\"\n\
             trap 'pwd > \"{at}/cwd\"; export -p > \"{at}/env\"' {when}\n{commands}"
        );
        fs::write(&file, text)?;
        let screen = match terminal {
            Terminal::First => {
                fs::File::options().create(true).append(true).open(state.join("screen"))?
            }
            Terminal::Second => fs::File::create(state.join("screen"))?,
        };
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "bash", "-e", "-o", "pipefail"]).arg(file);
        command.env_clear().envs(self.env.iter().cloned()).process_group(0);
        command.stdin(Stdio::null()).stdout(screen.try_clone()?).stderr(screen);
        Ok(tokio::process::Command::from(command).kill_on_drop(true).spawn()?)
    }

    /// What the key does: everything in the first terminal is interrupted, and ends.
    async fn ctrl_c(&mut self) -> anyhow::Result<()> {
        let Some(mut shell) = self.first.take() else { return Ok(()) };
        signal("INT", &shell);
        let ended = tokio::time::timeout(PATIENCE, shell.wait()).await;
        signal("KILL", &shell);
        ended.with_context(|| format!("Ctrl-C does not end it:\n{}", self.tail()))??;
        Ok(())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(shell) = &self.first {
            signal("KILL", shell);
        }
    }
}

fn name(terminal: Terminal) -> &'static str {
    match terminal {
        Terminal::First => "first",
        Terminal::Second => "second",
    }
}

/// To all processes of a terminal, if they have not ended.
fn signal(name: &str, shell: &Child) {
    if let Some(id) = shell.id() {
        let _ = Command::new("kill").args([&format!("-{name}"), "--", &format!("-{id}")]).status();
    }
}

fn script(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, format!("#!/usr/bin/env bash\nset -e\n{text}\n"))?;
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(0o755))?)
}

/// A file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if from.is_dir() {
        for entry in fs::read_dir(from)?.flatten() {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    fs::create_dir_all(to.parent().context("it is in a folder")?)?;
    fs::copy(from, to).with_context(|| from.display().to_string()).map(drop)
}
