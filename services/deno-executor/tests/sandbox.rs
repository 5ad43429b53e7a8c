//! Each layer of the sandbox by itself: this program puts it on as a worker does, and tries to leave.
//! Without any layer every attempt succeeds, so each refusal is that layer's.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::{
        fd::AsFd as _,
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
};

use deno_executor::sandbox::{self, Layer};

/// What somebody would try who has taken over the engine.
const ATTEMPTS: [&str; 12] = [
    "read a file",
    "write a file",
    "connect to a port",
    "connect to an abstract socket",
    "open a socket",
    "fork",
    "start a program",
    "signal a process outside",
    "trace a process outside",
    "open many files",
    "get memory for machine code",
    "start programs with more rights",
];

/// What each layer refuses, whatever the others do.
fn refused_by(layer: Layer, attempt: &str) -> bool {
    match layer {
        Layer::NoNewPrivileges => attempt == "start programs with more rights",
        Layer::Namespaces => {
            matches!(
                attempt,
                "read a file"
                    | "write a file"
                    | "connect to a port"
                    | "connect to an abstract socket"
                    | "start a program"
                    | "trace a process outside"
            )
        }
        Layer::Landlock => matches!(
            attempt,
            "read a file"
                | "write a file"
                | "connect to a port"
                | "connect to an abstract socket"
                | "start a program"
                | "signal a process outside"
                | "trace a process outside"
        ),
        Layer::Limits => matches!(attempt, "write a file" | "open many files"),
        Layer::Seccomp => {
            attempt != "get memory for machine code" && attempt != "start programs with more rights"
                || attempt == "get memory for machine code" && cfg!(not(feature = "v8"))
        }
    }
}

/// Where attempts go to.
struct Outside {
    port: TcpListener,
    name: String,
    _named: UnixListener,
    file: PathBuf,
    victim: std::process::Child,
}

impl Outside {
    fn new() -> std::io::Result<Self> {
        let name = format!("tasker-sandbox-{}", std::process::id());
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(&name);
        std::fs::write(&file, "outside")?;
        Ok(Self {
            port: TcpListener::bind("127.0.0.1:0")?,
            _named: UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?,
            name,
            file,
            victim: Command::new("sleep").arg("60").spawn()?,
        })
    }

    /// Tries `attempt` in a process of its own that wears these layers; whether it succeeded.
    fn attempt(&self, layers: &[Layer], attempt: &str) -> std::io::Result<bool> {
        let port = self.port.local_addr()?.port();
        let mut child = Command::new(std::env::current_exe()?)
            .args(["inside", &serde_json::to_string(layers)?, attempt])
            .args([&port.to_string(), &self.name, &self.victim.id().to_string()])
            .arg(&self.file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut said = String::new();
        child
            .stdout
            .take()
            .into_iter()
            .try_for_each(|mut out| out.read_to_string(&mut said).map(drop))?;
        child.wait()?;
        match said.trim() {
            "left" => Ok(true),
            "refused" => Ok(false),
            // A signal ended it, as it does who writes more than a file may hold.
            "" => Ok(false),
            other => Err(std::io::Error::other(other.to_owned())),
        }
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        let _ = std::fs::remove_file(&self.file);
    }
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn inside(args: &[String]) -> Option<()> {
    let layers: Vec<Layer> = serde_json::from_str(args.first()?).ok()?;
    let (found, filter) = sandbox::enclose(&layers);
    if let Some((layer, why)) = found.missing().next() {
        say(&format!("not here: {layer:?}: {why}"));
        return None;
    }
    if let Some(Err(why)) = filter.map(|filter| filter.enter()) {
        say(&format!("not here: {why}"));
        return None;
    }
    let left = attempt(&args[1], &args[2..]).unwrap_or(false);
    say(if left { "left" } else { "refused" });
    Some(())
}

fn attempt(what: &str, args: &[String]) -> Option<bool> {
    let (port, name) = (args[0].parse::<u16>().ok()?, &args[1]);
    let (victim, file) = (args[2].parse::<i32>().ok()?, &args[3]);
    Some(match what {
        "read a file" => std::fs::read(file).is_ok(),
        "write a file" => std::fs::write(format!("{file}.new"), "inside").is_ok(),
        "connect to a port" => TcpStream::connect(("127.0.0.1", port)).is_ok(),
        "connect to an abstract socket" => {
            UnixStream::connect_addr(&SocketAddr::from_abstract_name(name).ok()?).is_ok()
        }
        "open a socket" => UnixStream::pair().is_ok(),
        "start a program" => Command::new("/bin/true").status().is_ok_and(|s| s.success()),
        "open many files" => {
            let one = std::io::stdout();
            let again = || one.as_fd().try_clone_to_owned().ok();
            (0..100).map_while(|_| again()).collect::<Vec<_>>().len() == 100
        }
        _ => by_hand(what, victim)?,
    })
}

#[expect(
    unsafe_code,
    reason = "system calls as somebody would make them who got out of the engine"
)]
fn by_hand(what: &str, victim: i32) -> Option<bool> {
    let done = match what {
        "fork" => match unsafe { libc::fork() } {
            0 => unsafe { libc::_exit(0) },
            child => child,
        },
        "signal a process outside" => unsafe { libc::kill(victim, 0) },
        "trace a process outside" => {
            let none = std::ptr::null_mut::<libc::c_void>();
            let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, victim, none, none) };
            i32::try_from(seized).ok()?
        }
        "get memory for machine code" => {
            let rights = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let got = unsafe { libc::mmap(std::ptr::null_mut(), 4096, rights, flags, -1, 0) };
            if got == libc::MAP_FAILED { -1 } else { 0 }
        }
        "start programs with more rights" => unsafe {
            match libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) {
                0 => 0,
                _ => -1,
            }
        },
        _ => return None,
    };
    Some(done >= 0)
}

fn outside() -> std::io::Result<Vec<String>> {
    let outside = Outside::new()?;
    let mut wrong = Vec::new();
    let mut missing = Vec::new();
    for attempt in ATTEMPTS {
        if !outside.attempt(&[], attempt)? {
            wrong.push(format!("without a sandbox: {attempt} fails"));
        }
        if outside.attempt(&Layer::ALL, attempt).unwrap_or(true)
            && !(cfg!(feature = "v8") && attempt == "get memory for machine code")
        {
            wrong.push(format!("in the whole sandbox: {attempt} succeeds, or a layer is missing"));
        }
    }
    for layer in Layer::ALL {
        // Without new privileges ruled out only root may put these on.
        let layers = match layer {
            Layer::Seccomp | Layer::Landlock => vec![Layer::NoNewPrivileges, layer],
            _ => vec![layer],
        };
        for attempt in ATTEMPTS {
            let due = layers.iter().any(|layer| refused_by(*layer, attempt));
            match outside.attempt(&layers, attempt) {
                Ok(left) if left == due => {
                    wrong.push(format!(
                        "{layer:?} alone: {attempt}: {}",
                        if left { "succeeds" } else { "fails" }
                    ));
                }
                Ok(_) => {}
                Err(why) => missing.push(format!("{layer:?}: {why}")),
            }
        }
    }
    missing.dedup();
    missing.iter().for_each(|why| say(&format!("skipped: {why}")));
    Ok(wrong)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == "inside") {
        return if inside(&args[1..]).is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match outside() {
        Ok(wrong) if wrong.is_empty() => {
            say(&format!(
                "sandbox: {} attempts, each layer by itself and all together",
                ATTEMPTS.len()
            ));
            ExitCode::SUCCESS
        }
        Ok(wrong) => {
            wrong.iter().for_each(|line| eprintln!("sandbox: {line}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}
