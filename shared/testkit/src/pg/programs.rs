//! Finds the server's programs and a user that may run them.

use std::{
    env,
    fs::{self, File},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

use super::{Error, io};

/// Where `initdb` and `postgres` are, and as whom they run.
#[derive(Clone, Debug)]
pub struct Programs {
    bin: PathBuf,
    user: Option<User>,
    setpriv: bool,
}

/// Someone who is not root.
#[derive(Clone, Copy, Debug)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
}

impl Programs {
    /// Looks in `PG_BIN`, on `PATH`, and where Debian keeps them (newest version first).
    pub fn find() -> Result<Self, Error> {
        let wanted = env::var_os("PG_BIN").map(PathBuf::from);
        let path = env::var_os("PATH").unwrap_or_default();
        let on_path: Vec<PathBuf> = env::split_paths(&path).collect();
        let complete = |d: &PathBuf| d.join("initdb").is_file() && d.join("postgres").is_file();
        let all = wanted.into_iter().chain(on_path.iter().cloned()).chain(debian());
        let bin = all.into_iter().find(complete).ok_or(Error::NotInstalled)?;
        let user = if is_root()? { Some(unprivileged()?) } else { None };
        Ok(Self { bin, user, setpriv: on_path.iter().any(|d| d.join("setpriv").is_file()) })
    }

    /// The user to hand the data folder to, when that is not who we are.
    pub fn user(&self) -> Option<User> {
        self.user
    }

    /// A command for one of the programs.
    pub fn command(&self, program: &str) -> Command {
        self.as_user(Command::new(self.place(program)))
    }

    /// Client programs may lie elsewhere than the server's.
    fn place(&self, program: &str) -> PathBuf {
        let beside = std::iter::once(self.bin.clone()).chain(debian()).map(|d| d.join(program));
        beside.into_iter().find(|p| p.is_file()).unwrap_or_else(|| program.into())
    }

    /// A command for `program`, which must not outlive the thread that starts it.
    pub fn mortal_command(&self, program: &str) -> Command {
        if !self.setpriv {
            return self.command(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "QUIT", "--"]).arg(self.bin.join(program));
        self.as_user(command)
    }

    fn as_user(&self, mut command: Command) -> Command {
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        // The caller's PG* variables must not reach into the throw-away server.
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").current_dir("/");
        command
    }
}

fn debian() -> Vec<PathBuf> {
    let version = |p: &PathBuf| -> f64 {
        p.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse().ok()).unwrap_or_default()
    };
    let found = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = found.map(|e| e.path()).collect();
    versions.sort_by(|a, b| version(b).total_cmp(&version(a)));
    versions.into_iter().map(|v| v.join("bin")).collect()
}

/// Whoever owns a file that we make is who we are; asking the system needs unsafe code.
fn is_root() -> Result<bool, Error> {
    let probe = env::temp_dir().join(format!("tasker-pg-probe-{}", std::process::id()));
    let what = || format!("cannot write {}", probe.display());
    let owner = File::create(&probe).and_then(|f| f.metadata()).map_err(io(what()))?.uid();
    let _ = fs::remove_file(&probe);
    Ok(owner == 0)
}

fn unprivileged() -> Result<User, Error> {
    let users = fs::read_to_string("/etc/passwd").map_err(io("cannot read /etc/passwd"))?;
    ["postgres", "nobody"].iter().find_map(|name| user(&users, name)).ok_or(Error::NoUser)
}

fn user(users: &str, name: &str) -> Option<User> {
    let line = users.lines().find(|l| l.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some(User { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
}

/// Whether anyone may walk through each folder of `path`.
pub fn enterable(path: &Path) -> bool {
    path.ancestors().all(|p| fs::metadata(p).is_ok_and(|m| m.mode() & 0o001 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_passwd_lines() {
        let users = "root:x:0:0::/root:/bin/sh\npostgres:x:104:110:PG:/var/lib:/bin/sh\n";
        let found = user(users, "postgres").unwrap();
        assert_eq!((found.uid, found.gid), (104, 110));
        assert!(user(users, "post").is_none());
    }
}
