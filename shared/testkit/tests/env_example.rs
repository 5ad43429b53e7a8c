//! `.env.example` names every environment variable that a binary reads, and no other; what a service
//! reads it is given in containers too, and no secret goes to one that has no use for it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tasker_core::call::SERVICES;
use tasker_testkit::process::bin_dir;

type Names = BTreeSet<String>;

/// Variables that `--help` lists and that no container is given, and why.
const NOT_IN_CONTAINERS: [(&str, &str); 6] = [
    ("TASKER_DEV_ORIGINS", "others reach a container, so it has keys"),
    ("TASKER_FUNCTIONS_URL", "TASKER_SERVICE_URLS says where each service is"),
    ("TASKER_MASTER_KEY_FILE", "four containers would have to share the file: TASKER_MASTER_KEY"),
    ("TASKER_WORKER_PROGRAM", "the executor's workers are the executor's own binary"),
    ("TASKER_SOCKET", "containers do not share a folder for it, and reach each other by name"),
    ("GAPI_DISCOVERY_DIR", "the documents are in the binary"),
];
/// Settings that the manifests of Kubernetes alone leave out, and why.
const NOT_IN_KUBERNETES: [(&str, &str); 1] =
    [("TASKER_SUPABASE_CONFIG", "a file: FUNCTIONS_VERIFY_JWT says the same without one")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The words of capitals that follow `before` in `text`.
fn after(text: &str, before: &str) -> Names {
    let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.split(before)
        .skip(1)
        .map(|rest| rest.split(|c| !upper(c)).next().unwrap().to_owned())
        .filter(|name| name.len() > 1)
        .collect()
}

fn sources(dir: &Path, into: &mut String) {
    for entry in fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, into);
        } else if entry.extension().is_some_and(|e| e == "rs") {
            into.push_str(&fs::read_to_string(entry).unwrap());
        }
    }
}

/// What the source of the shipped crates reads: hidden settings are in no help text.
fn in_source() -> Names {
    let mut text = String::new();
    for group in ["services", "shared", "tools"] {
        for entry in fs::read_dir(root().join(group)).unwrap().map(|e| e.unwrap().path()) {
            // Those two only drive tests.
            let for_tests = ["testkit", "workspace-emulator"].iter().any(|n| entry.ends_with(n));
            if entry.join("src").is_dir() && !for_tests {
                sources(&entry.join("src"), &mut text);
            }
        }
    }
    let mut found = Names::new();
    for before in ["env = \"", "env::var(\"", "env::var_os(\"", " env(\""] {
        found.extend(after(&text, before));
    }
    // A switch of test builds and no setting: what is shipped does not read it.
    found.remove("TASKER_FAULT");
    found
}

fn in_help(program: &str, args: &[&str]) -> Names {
    in_help_as(program, args, |_| true)
}

/// Variables in a help text after whose name comes what is asked for: `=` and a value, or nothing.
fn in_help_as(program: &str, args: &[&str], ends: impl Fn(char) -> bool) -> Names {
    let out = Command::new(bin_dir().unwrap().join(program)).args(args).arg("--help").output();
    let text = String::from_utf8(out.unwrap().stdout).unwrap();
    let mut found = after(&text, "[env: ");
    found.retain(|name| {
        let shown = format!("[env: {name}");
        let all = text.match_indices(&shown);
        all.filter_map(|(at, _)| text[at + shown.len()..].chars().next())
            .any(|end| (end == '=' || end == ']') && ends(end))
    });
    found
}

#[test]
fn it_names_what_the_binaries_read() {
    let example = names(&read(".env.example"));
    let mut wanted = in_source();
    for service in SERVICES {
        let named = in_help(service, &[]);
        assert!(named.contains("DATABASE_URL"), "{service} --help names no variable");
        wanted.extend(named);
    }
    wanted.extend(in_help("tasker", &["migrate"]));
    wanted.extend(in_help("tasker-dev", &[]));
    let missing: Vec<_> = wanted.difference(&example).collect();
    assert!(
        missing.is_empty(),
        ".env.example lacks {missing:?}: add them, with their usual values"
    );
}

#[test]
fn it_names_nothing_that_nobody_reads() {
    let compose = read("docker-compose.yml");
    let mut read_by_us = in_source();
    read_by_us.extend(after(&compose, "${"));
    read_by_us.extend(["COMPOSE_PROFILES", "RUST_LOG"].map(str::to_owned));
    let example = names(&read(".env.example"));
    let stale: Vec<_> = example.difference(&read_by_us).collect();
    assert!(stale.is_empty(), ".env.example names {stale:?}, which nothing reads");
}

#[test]
fn compose_hands_on_what_the_example_offers() {
    let example = read(".env.example");
    let (offered, _) = example.split_once("# --- Outside of containers").unwrap();
    let compose = read("docker-compose.yml");
    for name in names(offered) {
        let handed = [format!("{name}:"), format!("${{{name}")];
        let there = handed.iter().any(|h| compose.contains(h.as_str()));
        assert!(there || name == "COMPOSE_PROFILES", "docker-compose.yml does not hand on {name}");
    }
}

/// Names of `NAME=value` lines, be they commented out.
fn names(text: &str) -> Names {
    let line = |l: &str| Some(l.trim_start_matches('#').split_once('=')?.0.to_owned());
    let name = |n: &String| {
        !n.is_empty() && n.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    text.lines().filter_map(line).filter(name).collect()
}

/// Whether a service has a use for a variable that all of them accept.
fn concerns(service: &str, variable: &str) -> bool {
    match variable {
        "DATABASE_URL" => !["wrappedgapi", "wrappedfetch"].contains(&service),
        "TASKER_MASTER_KEY" | "TASKER_KEYSTORE" => {
            ["tasks", "simple-stack-processor", "deno-executor", "wrappedkeystore"]
                .contains(&service)
        }
        "TASKER_SERVICES" | "TASKER_SERVICE_TOKENS" => service == "simple-stack-processor",
        _ => true,
    }
}

fn listed(reasons: &[(&str, &str)], variable: &str) -> bool {
    reasons.iter().any(|(name, _)| *name == variable)
}

#[test]
fn compose_gives_each_service_what_it_reads_and_no_secret_beside() {
    let compose: serde_json::Value = serde_saphyr::from_str(&read("docker-compose.yml")).unwrap();
    for service in SERVICES {
        let given = compose["services"][service]["environment"].as_object().unwrap();
        let given: Names = given.keys().cloned().collect();
        let read = in_help(service, &[]);
        for variable in &read {
            let wanted = concerns(service, variable) && !listed(&NOT_IN_CONTAINERS, variable);
            let has = given.contains(variable);
            assert_eq!(has, wanted, "docker-compose.yml: {variable} of {service}");
        }
        // RUST_LOG and what --help hides are read, too.
        let unread: Vec<_> =
            given.difference(&read).filter(|v| !in_source().contains(*v)).collect();
        assert!(unread.iter().all(|v| *v == "RUST_LOG"), "{service} does not read {unread:?}");
    }
}

/// Each pod is given the ConfigMap of `settings.env` and the Secret of `keys.env` whole; which pods
/// know the other secrets `make check-deploy` looks at.
#[test]
fn kubernetes_offers_what_the_services_read() {
    let dir = "tools/deploy/k8s";
    let settings = names(&read(&format!("{dir}/settings.env")));
    let mut secrets = names(&read(&format!("{dir}/keys.env.example")));
    let mut offered = settings.clone();
    for entry in fs::read_dir(root().join(dir)).unwrap().map(|e| e.unwrap().path()) {
        let text = fs::read_to_string(&entry).unwrap();
        offered.extend(after(&text, "name: "));
        secrets.extend(after(&text, "key: "));
    }
    offered.extend(secrets.iter().cloned());
    for service in SERVICES {
        for variable in in_help(service, &[]) {
            let excused =
                listed(&NOT_IN_CONTAINERS, &variable) || listed(&NOT_IN_KUBERNETES, &variable);
            assert!(offered.contains(&variable) != excused, "{dir}: {variable} of {service}");
        }
        // clap shows no values of what is secret, not even an empty one.
        let secret = in_help_as(service, &[], |end| end == ']');
        assert!(secret.contains("TASKER_MASTER_KEY") && !secret.contains("TASKER_MASTER_KEY_FILE"));
        let missing: Vec<_> = secret.difference(&secrets).collect();
        assert!(missing.is_empty(), "{dir}: {missing:?} of {service} belong into a Secret");
        let shown: Vec<_> = secret.intersection(&settings).collect();
        assert!(shown.is_empty(), "{dir}/settings.env: {shown:?} are secrets");
    }
    let read_by_us = in_source();
    // The pod's address is read by the manifests themselves.
    let others = ["RUST_LOG", "POD_IP"];
    let unread = |n: &&String| !read_by_us.contains(*n) && !others.contains(&n.as_str());
    let stale: Vec<_> = offered.iter().filter(unread).collect();
    assert!(stale.is_empty(), "{dir} offers {stale:?}, which nothing reads");
}
