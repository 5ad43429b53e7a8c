//! Keys, installations and the table of the tests with Supabase's clients.
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::{digest, hmac};
use serde_json::{Value, json};

const JWT_SECRET: &str = "a-secret-of-tests-with-more-than-32-characters";

/// One of each kind.
pub struct Keys(Value);

impl Keys {
    /// Keys as a project has them, and tokens of a user.
    pub fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let key = |role: &str| token(&json!({ "iss": "test", "role": role, "exp": now + 3600 }));
        let user = |exp: u64| {
            let sub = "3f6f1f6e-58a1-4f52-8a43-0d2a3a9a8b11";
            token(
                &json!({ "role": "authenticated", "aud": "authenticated", "sub": sub, "exp": exp }),
            )
        };
        Self(json!({
            "publishable": "sb_publishable_of_the_tests_0123456789",
            "secret": "sb_secret_of_the_tests_0123456789",
            "anon": key("anon"),
            "service_role": key("service_role"),
            "user": user(now + 3600),
            "expired": user(now - 3600),
        }))
    }

    /// All of them by name.
    pub fn all(&self) -> &Value {
        &self.0
    }

    /// The key that may do everything.
    pub fn secret(&self) -> &str {
        self.0["secret"].as_str().unwrap()
    }

    /// As the services are told.
    pub fn env(&self) -> Vec<(String, String)> {
        let of = |name: &str| self.0[name].as_str().unwrap().to_owned();
        let named = |name: &str| json!({ "default": of(name) }).to_string();
        vec![
            ("SUPABASE_JWT_SECRET".into(), JWT_SECRET.into()),
            ("SUPABASE_ANON_KEY".into(), of("anon")),
            ("SUPABASE_SERVICE_ROLE_KEY".into(), of("service_role")),
            ("SUPABASE_PUBLISHABLE_KEYS".into(), named("publishable")),
            ("SUPABASE_SECRET_KEYS".into(), named("secret")),
        ]
    }
}

/// An HS256 token.
fn token(claims: &Value) -> String {
    let part = |text: String| BASE64_URL_SAFE_NO_PAD.encode(text);
    let header = json!({ "alg": "HS256", "typ": "JWT" }).to_string();
    let signed = format!("{}.{}", part(header), part(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, JWT_SECRET.as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// A folder of this test's own.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("clients-{name}-{}", std::process::id()))
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/supabase")
}

/// Where what `pins` asks for is installed, and whether it is already. Its programs name their own
/// place, so a folder that was moved is another one.
fn kept(name: &str, pins: &str) -> (PathBuf, bool) {
    let place = env!("CARGO_TARGET_TMPDIR");
    let digest = digest::digest(&digest::SHA256, format!("{place}\n{pins}").as_bytes());
    let short = BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..9]);
    let folder = Path::new(place).join(format!("supabase-{name}-{short}"));
    let there = folder.join("installed").exists();
    (folder, there)
}

fn install(step: &mut Command, needs: &str) {
    let output = step.output().unwrap_or_else(|e| panic!("{step:?}: {e}; this test needs {needs}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{step:?} failed; this test needs {needs}\n{said}");
}

/// The folder with the clients for Node and Deno; `None` where there is no Node.
pub fn node_modules() -> Option<PathBuf> {
    let present = |name: &str| Command::new(name).arg("--version").output().is_ok();
    if !present("node") || !present("npm") {
        eprintln!("no node and npm here: supabase-js was not tried");
        return None;
    }
    let from = here().join("node");
    let lock = fs::read_to_string(from.join("package-lock.json")).unwrap();
    let (folder, there) = kept("node", &lock);
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(&from).unwrap().map(|e| e.unwrap()) {
        fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    if !there {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
        install(&mut npm, "the npm registry");
        fs::write(folder.join("installed"), "").unwrap();
    }
    Some(folder)
}

/// The virtual environment with what a file of requirements lists.
pub fn venv(name: &str, requirements: &Path) -> PathBuf {
    // Two tests at once make it once.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap();
    let (venv, there) = kept(name, &fs::read_to_string(requirements).unwrap());
    if !there {
        let needs = "python3 with its venv module (Debian: python3-venv) and PyPI";
        install(Command::new("python3").args(["-m", "venv"]).arg(&venv), needs);
        let mut pip = Command::new(venv.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "-r"]).arg(requirements);
        install(&mut pip, needs);
        fs::write(venv.join("installed"), "").unwrap();
    }
    venv
}

/// What a client's checks came to.
pub struct Done {
    name: &'static str,
    /// Whether it held, and what was checked.
    pub checks: Vec<(bool, String)>,
    ended_well: bool,
    said: String,
    seconds: f64,
}

/// Runs a client with `given` on its standard input.
pub fn client(name: &'static str, mut command: Command, given: &str) -> Done {
    let began = Instant::now();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), given.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let line = |l: &str| {
        let (word, what) = l.split_once('\t')?;
        ["ok", "FAIL"].contains(&word).then(|| (word == "ok", what.to_owned()))
    };
    Done {
        name,
        checks: String::from_utf8_lossy(&output.stdout).lines().filter_map(line).collect(),
        ended_well: output.status.success(),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
        seconds: began.elapsed().as_secs_f64(),
    }
}

/// All checks as a table, and how many failed.
pub fn table(done: &[Done]) -> (String, usize) {
    let (mut text, mut failed) = (String::from("\n"), 0);
    for Done { name, checks, ended_well, said, seconds } in done {
        let good = checks.iter().filter(|(good, _)| *good).count();
        text += &format!("{name}: {good} of {} checks green, {seconds:.1} s\n", checks.len());
        for (good, what) in checks {
            text += &format!("  {}  {what}\n", if *good { "ok  " } else { "FAIL" });
        }
        if !ended_well {
            text += &format!("{said}\n");
            failed += 1;
        }
        failed += checks.len() - good;
    }
    (text, failed)
}
