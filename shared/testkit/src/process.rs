//! The project's own binaries as child processes that die with the test.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use rand::Rng as _;

/// Folder with the built binaries: `TASKER_BIN_DIR`, or where this test was built.
pub fn bin_dir() -> anyhow::Result<PathBuf> {
    if let Some(dir) = std::env::var_os("TASKER_BIN_DIR") {
        return Ok(dir.into());
    }
    let exe = std::env::current_exe()?;
    let dir = exe.parent().context("this program has no folder")?;
    // Tests are built into `deps`, one below the binaries.
    Ok(if dir.ends_with("deps") { dir.parent().unwrap_or(dir) } else { dir }.to_owned())
}

/// A free port of the loopback address, given to nobody before in this process, and below those that
/// outgoing connections get: it is still free when a service is started again.
pub fn free_port() -> anyhow::Result<u16> {
    static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    for _ in 0..1_000 {
        let port = rand::rng().random_range(12_000..30_000);
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        if !given.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            given.push(port);
            return Ok(port);
        }
    }
    bail!("no free port between 12000 and 30000")
}

/// A running binary. Dropped, it is killed.
pub struct Process {
    /// Name of the binary.
    pub name: String,
    /// Where its log goes.
    pub log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts `name` with its log in `dir`.
    pub fn spawn(
        name: &str,
        args: &[String],
        env: &[(String, String)],
        dir: &Path,
    ) -> anyhow::Result<Self> {
        let program = bin_dir()?.join(name);
        ensure!(program.exists(), "{} is not built: run `make build`", program.display());
        Self::of(&program, name, args, env, dir)
    }

    /// Starts any program, called `name` here.
    pub fn of(
        program: &Path,
        name: &str,
        args: &[String],
        env: &[(String, String)],
        dir: &Path,
    ) -> anyhow::Result<Self> {
        let log = dir.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log)?;
        let mut command = dying_with_us(program);
        command.args(args).envs(env.iter().cloned()).stdin(Stdio::null()).stderr(out);
        let child = command.stdout(Stdio::piped()).spawn()?;
        Ok(Self { name: name.to_owned(), log, child })
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The first line it prints.
    pub fn first_line(&mut self) -> anyhow::Result<String> {
        let out = self.child.stdout.take().context("its output was read before")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        ensure!(!line.is_empty(), "{} ended at its start; see {}", self.name, self.log.display());
        Ok(line.trim().to_owned())
    }

    /// Waits until `url` answers.
    pub async fn ready(&mut self, url: &str) -> anyhow::Result<()> {
        let until = Instant::now() + Duration::from_secs(30);
        while reqwest::get(url).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                bail!("{} ended with {status}: {log}", self.name);
            }
            ensure!(Instant::now() < until, "{} did not answer {url} in 30 s", self.name);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM; answers the exit code and how long it took.
    pub fn terminate(&mut self) -> anyhow::Result<(Option<i32>, Duration)> {
        let began = Instant::now();
        Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        let status = self.child.wait()?;
        Ok((status.code(), began.elapsed()))
    }

    /// How it ended, if it has.
    pub fn exited(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends a signal by name, e.g. `STOP`.
    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status()?;
        ensure!(sent.success(), "no process {} ({}) to send {name}", self.id(), self.name);
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where `setpriv` exists the child dies even when the test is killed with -9.
fn dying_with_us(program: &Path) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if !setpriv.exists() {
        return Command::new(program);
    }
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}
