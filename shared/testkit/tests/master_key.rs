//! A master key that is missing or wrong: refused at the start where keys are set, and elsewhere
//! told, with the fix, to whoever waits for a result. Secrets that were in clear are sealed.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tasker_core::call::SERVICES;
use tasker_store::MasterKey;
use tasker_testkit::{
    pg::{Database, Server},
    process::{Process, bin_dir, free_port},
    stack::{Shape, Stack},
};
use tokio_postgres::NoTls;

use crate::supabase::{self, Keys};

type Env = Vec<(String, String)>;

/// Those that seal or open secrets.
const SEALING: [&str; 4] = ["tasks", "simple-stack-processor", "deno-executor", "wrappedkeystore"];
const CANARY: &str = "canary-51d0e7-of-the-master-key";
/// The original's tables with its secrets in clear.
const ORIGINAL: &str = include_str!("../../store/tests/data/original.sql");

fn new_key() -> String {
    MasterKey::generate().unwrap().expose().to_string()
}

fn env(pairs: &[(&str, &str)]) -> Env {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Whether a service starts, or what it says.
async fn start(service: &str, env: &Env, dir: &Path) -> anyhow::Result<()> {
    let port = free_port()?;
    let args = ["--port".to_owned(), port.to_string()];
    let mut process = Process::spawn(service, &args, env, dir)?;
    process.ready(&format!("http://127.0.0.1:{port}/{service}/health")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_keys_are_set_what_keeps_secrets_does_not_start_without_a_master_key() {
    let dir = supabase::folder("master-key");
    std::fs::create_dir_all(&dir).unwrap();
    let server = Server::obtain().unwrap();
    let database = server.database().await.unwrap();
    let address = env(&[("DATABASE_URL", database.url())]);
    let keys = [Keys::new().env(), address.clone()].concat();
    for service in SERVICES {
        let with = |more: Env| [keys.clone(), more].concat();
        for none in [env(&[]), env(&[("TASKER_MASTER_KEY", " ")])] {
            let started = start(service, &with(none), &dir).await;
            if !SEALING.contains(&service) {
                started.unwrap();
                continue;
            }
            let why = started.expect_err(service).to_string();
            for word in ["TASKER_MASTER_KEY", "tasker keystore new-key", "wrappedkeystore"] {
                assert!(why.contains(word), "{service} does not say {word}: {why}");
            }
        }
        start(service, &with(env(&[("TASKER_MASTER_KEY", &new_key())])), &dir).await.unwrap();
        // Development mode goes without; the keystore then takes no secret.
        start(service, &address, &dir).await.unwrap();
    }
}

/// How a run of a task ended.
async fn ended(stack: &Stack, task: &str) -> anyhow::Result<Value> {
    let run = stack.submit(task, json!({})).await?;
    stack.ended(run, Duration::from_secs(30)).await
}

async fn set(stack: &Stack, key: &str, value: &str) -> anyhow::Result<()> {
    let body = json!({ "action": "setKey", "namespace": "default", "key": key, "value": value });
    let (status, answer) = stack.post("wrappedkeystore", &body).await?;
    ensure!(status == 200, "{status}: {answer}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_told_how_to_mend_the_master_key() -> anyhow::Result<()> {
    let server = Server::obtain()?;
    let database = server.database().await?;
    let dir = supabase::folder("master-key-told");
    let right = new_key();
    let with = async |key: &str| {
        let shape = Shape::Six(database.url().to_owned());
        Stack::start(shape, &dir, &env(&[("TASKER_MASTER_KEY", key)])).await
    };
    let stack = with(&right).await?;
    let google = json!({
        "type": "service_account", "client_email": "a@b.c", "private_key": CANARY,
        "token_uri": "http://127.0.0.1:9/token",
    });
    set(&stack, "GAPI_KEY", &google.to_string()).await?;
    set(&stack, "GAPI_ADMIN_EMAIL", "admin@b.c").await?;
    let call = |service: &str, method: &str, args: &str| {
        format!("module.exports = () => __callHostTool__('{service}', '{method}', [{args}]);")
    };
    stack.publish("search", &call("gapi", "admin.domains.list", "{ customer: 'c' }")).await?;
    stack.publish("read", &call("keystore", "getKey", "'default', 'GAPI_ADMIN_EMAIL'")).await?;
    drop(stack);

    for (key, word) in [("", "no master key"), (new_key().as_str(), "add that key")] {
        let stack = with(key).await?;
        for task in ["search", "read"] {
            let run = ended(&stack, task).await?;
            let message = run["error"]["message"].as_str().unwrap_or_default();
            ensure!(run["status"] == "failed", "{task}: {run}");
            ensure!(
                message.contains("TASKER_MASTER_KEY") && message.contains(word),
                "{task}: {run}"
            );
            ensure!(!run.to_string().contains(CANARY), "{task} shows the secret");
        }
        ensure!(!stack.logs().contains(CANARY), "a log shows the secret");
    }
    // The twin: with the right key the keystore answers, and Google's key is what is wrong.
    let stack = with(&right).await?;
    let run = ended(&stack, "read").await?;
    ensure!(run["result"] == "admin@b.c", "{run}");
    let run = ended(&stack, "search").await?;
    ensure!(run["error"]["message"].as_str().is_some_and(|m| m.contains("private_key")), "{run}");
    ensure!(!run.to_string().contains(CANARY), "{run}");
    Ok(())
}

/// The first column of each row.
async fn sql(database: &Database, statement: &str) -> anyhow::Result<Vec<String>> {
    let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await?;
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(statement).await?;
    drop(client);
    connection.await??;
    let row = |m: &tokio_postgres::SimpleQueryMessage| match m {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    Ok(messages.iter().filter_map(row).collect())
}

fn cli(args: &[&str], env: &Env) -> anyhow::Result<String> {
    let out = Command::new(bin_dir()?.join("tasker")).args(args).envs(env.clone()).output()?;
    let said = String::from_utf8([out.stdout, out.stderr].concat())?;
    ensure!(out.status.success(), "tasker {args:?}: {said}");
    Ok(said)
}

const CLEAR: &str = "select key_name from keystore where key_value not like 'tasker:v1:%'";

/// An installation of the original, taken over by a container's `tasker migrate`, which has no
/// master key; and a row that somebody writes by hand later.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_the_original_are_sealed_at_the_first_start() -> anyhow::Result<()> {
    let server = Server::obtain()?;
    let database = server.empty_database().await?;
    sql(&database, ORIGINAL).await?;
    cli(&["migrate"], &env(&[("DATABASE_URL", database.url())]))?;
    ensure!(sql(&database, CLEAR).await?.len() == 2, "the control: both are in clear");

    let keys = Keys::new();
    let settings = [keys.env(), env(&[("TASKER_MASTER_KEY", &new_key())])].concat();
    let dir = supabase::folder("master-key-original");
    let stack = Stack::start(Shape::Six(database.url().to_owned()), &dir, &settings).await?;
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while !sql(&database, CLEAR).await?.is_empty() {
        ensure!(std::time::Instant::now() < until, "nothing was sealed: {}", stack.logs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let all = "select string_agg(key_value, '') || (select string_agg(coalesce(result::text, ''), '') \
               from stack_runs) from keystore";
    ensure!(!sql(&database, all).await?.concat().contains("canary"), "something is left in clear");
    let get = async |name: &str| {
        let body = json!({ "action": "getKey", "namespace": "default", "key": name });
        let request = reqwest::Client::new().post(format!("{}/wrappedkeystore", stack.url));
        let reply = request.header("apikey", keys.secret()).json(&body).send().await?;
        let reply: Value = serde_json::from_str(&reply.text().await?)?;
        reply["data"]["data"].as_str().map(str::to_owned).context("no value")
    };
    ensure!(get("GAPI_KEY").await?.contains("canary-of-the-original"), "the secret is another");

    let by_hand = "insert into keystore (namespace, key_name, key_value) \
                   values ('default', 'BY_HAND', 'written-in-clear')";
    sql(&database, by_hand).await?;
    ensure!(get("BY_HAND").await? == "written-in-clear", "a row in clear is not read");
    ensure!(stack.logs().contains("`tasker keystore rotate` seals it"), "nobody is told");
    ensure!(sql(&database, CLEAR).await? == ["BY_HAND"], "the control: it is in clear");
    let at = [env(&[("TASKER_FUNCTIONS_URL", &stack.url)]), keys.env()].concat();
    cli(&["keystore", "rotate"], &at)?;
    ensure!(sql(&database, CLEAR).await?.is_empty(), "rotate leaves secrets in clear");
    ensure!(get("BY_HAND").await? == "written-in-clear", "rotate changed a secret");
    Ok(())
}
