//! HAProxy: all services at one address, those that are several taking turns.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::ensure;

use crate::process::{Process, free_port};

/// Services by name, with the ports of their processes.
pub type Backends<'a> = [(&'a str, Vec<u16>)];

/// The program, if it is installed: Debian keeps it where not every user looks.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    places.map(|place| place.join("haproxy")).find(|program| program.is_file())
}

/// A running HAProxy; dropped, it is killed.
pub struct Balancer {
    /// The services' address, up to `/functions/v1`.
    pub url: String,
    _process: Process,
}

impl Balancer {
    /// Starts it on `port`, with its files in `dir`.
    pub async fn start(
        program: &Path,
        port: u16,
        backends: &Backends<'_>,
        dir: &Path,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let file = dir.join("haproxy.cfg");
        std::fs::write(&file, config(port, backends))?;
        let args = ["-db".to_owned(), "-f".to_owned(), file.display().to_string()];
        let mut process = Process::of(program, "haproxy", &args, &[], dir)?;
        let url = url(port);
        process.ready(&url).await?;
        ensure!(process.exited().is_none(), "haproxy ended; see {}", process.log.display());
        Ok(Self { url, _process: process })
    }
}

/// The address of services behind `port`.
pub fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/functions/v1")
}

/// A port for it.
pub fn port() -> anyhow::Result<u16> {
    free_port()
}

/// Each service is a backend of its own name, the fourth part of `/functions/v1/NAME`.
fn config(port: u16, backends: &Backends<'_>) -> String {
    let mut text = format!(
        "defaults\n  mode http\n  balance roundrobin\n  timeout connect 5s\n  \
         timeout client 10m\n  timeout server 10m\n\n\
         frontend all\n  bind 127.0.0.1:{port}\n  use_backend %[path,field(4,/)]\n"
    );
    for (name, ports) in backends {
        let _ = write!(text, "\nbackend {name}\n");
        for (k, port) in ports.iter().enumerate() {
            let _ = writeln!(text, "  server {name}-{k} 127.0.0.1:{port}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn haproxy_takes_the_configuration() {
        let backends = [("tasks", vec![12_000]), ("deno-executor", vec![12_001, 12_002, 12_003])];
        let text = config(12_010, &backends);
        assert!(text.contains("bind 127.0.0.1:12010\n"), "{text}");
        assert!(text.contains("server deno-executor-2 127.0.0.1:12003\n"), "{text}");
        // Where it is installed it says so itself.
        if let Some(program) = program() {
            let file = std::env::temp_dir().join(format!("haproxy-{}.cfg", std::process::id()));
            std::fs::write(&file, &text).unwrap();
            let done = std::process::Command::new(program).arg("-c").arg("-f").arg(&file).output();
            let done = done.unwrap();
            std::fs::remove_file(&file).unwrap();
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(done.status.success() && !said.contains("WARNING"), "{said}");
        }
    }
}
