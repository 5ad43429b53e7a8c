//! What a process says when it starts, and when it does not.

use crate::common;

use std::{collections::HashMap, net::IpAddr};

use clap::Parser as _;
use common::{LOOPBACK, SECRET_KEY, app, ask, config, every_key, services, start};
use http::StatusCode;
use serde_json::json;
use tasker_http::{CommonArgs, Gate, GateArgs, Peers};

fn refused(args: &GateArgs, host: &str) -> String {
    let host: IpAddr = host.parse().unwrap();
    Gate::new(args, host).err().map(|e| format!("{e:#}")).unwrap_or_default()
}

#[test]
fn without_keys_only_on_loopback() {
    let none = config("");
    for host in ["127.0.0.1", "127.5.5.5", "::1"] {
        assert!(Gate::new(&none, host.parse().unwrap()).unwrap().is_open(), "{host}");
    }
    for host in ["0.0.0.0", "10.0.0.7", "::", "192.168.1.2"] {
        let why = refused(&none, host);
        assert!(why.contains(host) && why.contains("SUPABASE_SERVICE_ROLE_KEY"), "{why}");
        assert_eq!(refused(&every_key(), host), "", "{host}");
    }
    let empty =
        GateArgs { jwt_secret: Some(" ".into()), anon_key: Some("".into()), ..none.clone() };
    assert!(refused(&empty, "0.0.0.0").contains("no keys"), "empty variables are none");
    // An address of the project alone asks nobody for anything.
    let url = GateArgs { supabase_url: Some("http://127.0.0.1:54321".into()), ..none };
    assert!(Gate::new(&url, LOOPBACK).unwrap().is_open());
}

#[tokio::test]
async fn development_mode_lets_everything_pass() {
    let app = app(&config(""));
    for path in ["/tasks/publish", "/wrappedkeystore", "/functions/v1/deno-executor/resume"] {
        let answer = ask(&app, "POST", path, &[("x-tasker-parent", "{}")]).await;
        assert_eq!(
            (answer.status, &answer.json()["role"]),
            (StatusCode::OK, &json!("service_role"))
        );
        assert!(answer.json()["headers"].to_string().contains("x-tasker-parent"));
    }
}

#[test]
fn settings_that_cannot_be_meant() {
    let none = config("");
    let key = || Some(SECRET_KEY.into());
    let base = GateArgs { secret_key: key(), ..none.clone() };
    let file =
        |text: &str| GateArgs { supabase_config: config(text).supabase_config, ..none.clone() };
    let missing = GateArgs { supabase_config: Some("/nowhere/config.toml".into()), ..none.clone() };
    let cases = [
        (GateArgs { anon_key: key(), ..none.clone() }, "SUPABASE_SECRET_KEYS"),
        (GateArgs { publishable_key: key(), ..base.clone() }, "another role"),
        (
            GateArgs { secret_keys: Some(SECRET_KEY.into()), ..base.clone() },
            "SUPABASE_SECRET_KEYS must be JSON",
        ),
        (
            GateArgs { publishable_keys: Some("{\"a\":1}".into()), ..base.clone() },
            "SUPABASE_PUBLISHABLE_KEYS",
        ),
        (GateArgs { anon_key: Some("short".into()), ..base.clone() }, "SUPABASE_ANON_KEY"),
        (GateArgs { jwt_secret: Some("short".into()), ..base.clone() }, "SUPABASE_JWT_SECRET"),
        (GateArgs { jwks: Some("{}".into()), ..base.clone() }, "SUPABASE_JWKS"),
        (GateArgs { jwks_url: Some("file:///etc/passwd".into()), ..base.clone() }, "http://"),
        (GateArgs { verify_jwt: Some("off".into()), ..base }, "true or false"),
        (file("[functions.tasks]\nverify_jwt = \"no\""), "line 2"),
        (file("[functions\n"), "line 1"),
        (missing, "/nowhere/config.toml"),
    ];
    for (args, word) in cases {
        let why = refused(&args, "127.0.0.1");
        assert!(why.contains(word), "'{why}' does not say {word}");
        assert!(!why.contains(SECRET_KEY), "{why}");
    }
}

#[test]
fn the_projects_own_config_is_readable() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../supabase/config.toml");
    let args = GateArgs { supabase_config: Some(path.into()), ..every_key() };
    assert!(!Gate::new(&args, LOOPBACK).unwrap().is_open());
}

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
}

#[test]
fn keys_are_in_no_debug_output_and_no_help() {
    let args = ["x", "--secret-key", SECRET_KEY, "--jwt-secret", common::SECRET];
    let cli = Cli::try_parse_from(args).unwrap();
    let shown = format!("{:?}", cli.common);
    assert!(!shown.contains(SECRET_KEY) && !shown.contains(common::SECRET), "{shown}");
    assert_eq!(cli.common.gate.service_key().as_deref(), Some(SECRET_KEY));
    let both = format!("{{\"other\":\"sb_secret_other_0000000\",\"default\":\"{SECRET_KEY}\"}}");
    let cli = Cli::try_parse_from(["x", "--secret-keys", &both]).unwrap();
    assert_eq!(cli.common.gate.service_key().as_deref(), Some(SECRET_KEY));
}

/// Services reach one another through the gate, whichever kind of key they have.
#[tokio::test]
async fn peers_pass_the_gate() {
    let legacy = GateArgs { secret_keys: None, ..every_key() };
    let current = GateArgs { service_role_key: None, ..every_key() };
    for args in [legacy, current] {
        let routes = tasker_http::with_gate(services(), Gate::new(&args, LOOPBACK).unwrap());
        let url = format!("http://{}/functions/v1", start(routes).await);
        for (key, expected) in [(args.service_key(), 200), (None, 401)] {
            let peers = Peers::at(&url, HashMap::new(), key).unwrap();
            let wait = std::time::Duration::from_secs(5);
            let reply = peers.post("wrappedkeystore", "", &json!({}), &[], wait).await.unwrap();
            assert_eq!(reply.status.as_u16(), expected);
        }
    }
}
