//! A Postgres server of our own, in a folder of its own.

use std::{
    collections::VecDeque,
    env, fs,
    io::{BufRead, BufReader},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use super::{
    Error, io,
    programs::{Programs, enterable},
};

/// Folders are named so, then the process's id: a later run finds what a killed one left.
const PREFIX: &str = "tasker-pg-";
const READY: &str = "database system is ready to accept connections";
/// What a functional test does not need: it never sees the machine lose power.
const CARELESS: [&str; 5] = ["-F", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"];

/// Whether a commit survives a crash of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// No fsync: for functional tests.
    #[default]
    Careless,
    /// As in production: for benchmarks and crash tests.
    Full,
}

/// How to start a [`Cluster`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether commits are durable.
    pub durability: Durability,
    /// Also listen on this port of 127.0.0.1.
    pub port: Option<u16>,
}

/// A running server on a unix socket. Dropped, it is killed and its folder removed; if this
/// process is killed, the server dies too (where `setpriv` exists).
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    options: Options,
    folder: PathBuf,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Arc<Mutex<Child>>,
    keeper: JoinHandle<()>,
}

impl Cluster {
    /// Starts a server for functional tests. Takes about a second.
    pub fn start() -> Result<Self, Error> {
        Self::with(Options::default())
    }

    /// Starts a server.
    pub fn with(options: Options) -> Result<Self, Error> {
        let programs = Programs::find()?;
        let folder = new_folder(&programs)?;
        let cluster = Self { programs, options, folder, running: Mutex::default() };
        cluster.initdb()?;
        cluster.boot()?;
        Ok(cluster)
    }

    /// Address of a database on the unix socket.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        match self.options.port {
            Some(port) => format!("postgresql://postgres@{folder}:{port}/{database}"),
            None => format!("postgresql://postgres@{folder}/{database}"),
        }
    }

    /// One of Postgres's own programs, as the server's user.
    pub fn command(&self, program: &str) -> std::process::Command {
        self.programs.command(program)
    }

    /// Process id of the server, whose children are all its other processes; none while it is down.
    pub fn id(&self) -> Option<u32> {
        Some(self.running.lock().ok()?.as_ref()?.child.lock().ok()?.id())
    }

    /// The unix socket itself.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(format!(".s.PGSQL.{}", self.options.port.unwrap_or(5432)))
    }

    /// Address of a database on 127.0.0.1, when a port was asked for.
    pub fn tcp_url(&self, database: &str) -> Option<String> {
        self.options.port.map(|p| format!("postgresql://postgres@127.0.0.1:{p}/{database}"))
    }

    /// Ends the server as a crash would, and starts it again on the same data, to be recovered.
    pub fn crash_and_restart(&self) -> Result<(), Error> {
        self.crash();
        self.boot()
    }

    /// Ends the server as a crash would; the data stays. [`Cluster::boot`] starts it again.
    pub fn crash(&self) {
        let running = self.running.lock().ok().and_then(|mut r| r.take());
        let Some(Running { child, keeper }) = running else { return };
        if let Ok(mut child) = child.lock() {
            // QUIT: gone at once, no checkpoint, but its helpers are waited for.
            let pid = child.id().to_string();
            let asked = Command::new("kill").args(["-QUIT", &pid]).status();
            if !asked.is_ok_and(|s| s.success()) {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
        // The keeper ends when the last process of the server closed its log.
        let _ = keeper.join();
    }

    fn initdb(&self) -> Result<(), Error> {
        let mut initdb = self.programs.command("initdb");
        initdb.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-N", "-D"]);
        let done =
            initdb.arg(self.folder.join("data")).output().map_err(io("cannot run initdb"))?;
        if done.status.success() {
            return Ok(());
        }
        let output = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        Err(Error::Failed { program: "initdb", output })
    }

    /// Starts the server on its data and waits until it takes connections.
    pub fn boot(&self) -> Result<(), Error> {
        let (ready, wait) = mpsc::channel();
        let mut command = self.server();
        // The kernel ties the server's life to the thread that starts it: one that stays.
        let keeper = std::thread::Builder::new()
            .name("postgres-log".into())
            .spawn(move || keep(&mut command, &ready))
            .map_err(io("cannot start a thread"))?;
        let failed = |output| Error::Failed { program: "postgres", output };
        let child = wait.recv().map_err(|e| failed(e.to_string()))?.map_err(failed)?;
        if let Ok(mut running) = self.running.lock() {
            *running = Some(Running { child, keeper });
        }
        Ok(())
    }

    fn server(&self) -> Command {
        let mut postgres = self.programs.mortal_command("postgres");
        postgres.arg("-D").arg(self.folder.join("data"));
        postgres.arg("-k").arg(&self.folder).args(["-c", "logging_collector=off"]);
        // Eight processors and the other services, each with a pool of ten.
        postgres.args(["-c", "max_connections=250"]);
        match self.options.port {
            Some(port) => {
                postgres.args(["-c", "listen_addresses=127.0.0.1", "-p", &port.to_string()])
            }
            None => postgres.args(["-c", "listen_addresses="]),
        };
        if self.options.durability == Durability::Careless {
            postgres.args(CARELESS);
        }
        postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        postgres
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.crash();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

type Started = Result<Arc<Mutex<Child>>, String>;

/// Starts the server, tells when it is ready, and reads its log: a full pipe would stop it.
fn keep(command: &mut Command, ready: &mpsc::Sender<Started>) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return drop(ready.send(Err(e.to_string()))),
    };
    let Some(log) = child.stderr.take() else { return };
    let child = Arc::new(Mutex::new(child));
    let mut last: VecDeque<String> = VecDeque::new();
    let mut told = false;
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        if !told && line.contains(READY) {
            told = ready.send(Ok(child.clone())).is_ok();
        }
        last.push_back(line);
        if last.len() > 20 {
            last.pop_front();
        }
    }
    if !told {
        let _ = child.lock().map(|mut c| c.wait());
        let _ = ready.send(Err(last.make_contiguous().join("\n")));
    }
}

/// A short path (a socket's may have 107 bytes) that the server's user can enter.
fn new_folder(programs: &Programs) -> Result<PathBuf, Error> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let usable = |p: &PathBuf| {
        p.as_os_str().len() <= 70 && p.is_dir() && (programs.user().is_none() || enterable(p))
    };
    let places = [env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
    let place = places.into_iter().find(usable).unwrap_or_else(|| "/tmp".into());
    sweep(&place);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = place.join(format!("{PREFIX}{}-{count}", std::process::id()));
    let what = || format!("cannot make {}", folder.display());
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).map_err(io(what()))?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).map_err(io(what()))?;
    if let Some(user) = programs.user() {
        chown(&folder, Some(user.uid), Some(user.gid)).map_err(io(what()))?;
    }
    Ok(folder)
}

/// Removes the folders of processes that were killed before they could.
fn sweep(place: &Path) {
    if !Path::new("/proc/self").exists() {
        return;
    }
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|n| n.strip_prefix(PREFIX)?.split('-').next());
        if let Some(pid) = owner.and_then(|o| o.parse::<u32>().ok())
            && !Path::new(&format!("/proc/{pid}")).exists()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
