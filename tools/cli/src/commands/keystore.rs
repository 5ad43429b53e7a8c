//! `tasker keystore`.

use std::process::ExitCode;

use serde_json::{Value, json};
use tasker_store::MasterKey;

use crate::{
    args::{Keystore, KeystoreCommand},
    client::Client,
    input,
    render::{plain, table},
    screen::Screen,
};

/// Does what was asked with a secret.
pub async fn run(client: &Client, args: &Keystore) -> anyhow::Result<ExitCode> {
    let (out, namespace) = (Screen::Stdout, args.namespace());
    match &args.command {
        KeystoreCommand::Rotate { new_key } => rotate(client, *new_key).await?,
        KeystoreCommand::NewKey => out.line(&*MasterKey::generate()?.expose())?,
        KeystoreCommand::Set { name, value } => {
            let typed_in = value == "-" || value.starts_with('@');
            let text = input::text(value)?;
            // Files and pipes end with a line break that is no part of a password.
            let secret = if typed_in { text.trim_end_matches(['\r', '\n']) } else { &text };
            anyhow::ensure!(
                !secret.is_empty(),
                "the value of {name} is empty; `keystore delete` removes a key"
            );
            client.keystore("setKey", &[namespace, name, secret]).await?;
            out.line(format_args!("{namespace}/{name} is set ({} bytes).", secret.len()))?;
        }
        KeystoreCommand::Has { name } => {
            let has = client.keystore("hasKey", &[namespace, name]).await? == Value::Bool(true);
            out.line(format_args!("{namespace}/{name} is {}set.", if has { "" } else { "not " }))?;
            return Ok(if has { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        KeystoreCommand::List => list(client, args.namespace.as_deref()).await?,
        KeystoreCommand::Delete { name } => {
            let gone = client.keystore("deleteKey", &[namespace, name]).await?;
            // A misspelt name should not look like success.
            anyhow::ensure!(gone != Value::Bool(false), "{namespace}/{name} is not set");
            out.line(format_args!("{namespace}/{name} is removed."))?;
        }
        KeystoreCommand::Get { name, reveal } => {
            let value = client.keystore("getKey", &[namespace, name]).await?;
            anyhow::ensure!(!value.is_null(), "{namespace}/{name} is not set");
            let secret = plain(&value);
            if *reveal {
                out.line(secret)?;
            } else {
                out.line(format_args!(
                    "{namespace}/{name} is set ({} bytes); --reveal prints it.",
                    secret.len()
                ))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(client: &Client, namespace: Option<&str>) -> anyhow::Result<()> {
    let namespaces = match namespace {
        Some(one) => vec![one.to_owned()],
        None => texts(&client.keystore("listNamespaces", &[]).await?),
    };
    let mut rows = table(Screen::Stdout, &["Namespace", "Name"]);
    for namespace in &namespaces {
        for name in texts(&client.keystore("listKeys", &[namespace]).await?) {
            rows.add_row([namespace, &name]);
        }
    }
    Ok(Screen::Stdout.line(rows)?)
}

/// The texts of a JSON list.
fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(plain).collect()
}

/// Says what the rotation did; what could not be opened is a failure.
async fn rotate(client: &Client, new_key: bool) -> anyhow::Result<()> {
    let body = json!({ "action": "rotateKeys", "newKey": new_key });
    let answer = client.post("wrappedkeystore", &body).await?;
    let done: Rotated = serde_json::from_value(answer["data"]["data"].clone())?;
    Screen::Stdout.line(format_args!(
        "{} secrets sealed that were in clear, {} sealed anew, {} entries of journals.",
        done.sealed, done.rewrapped, done.journal
    ))?;
    if let Some(first) = done.broken.first() {
        anyhow::bail!("{} could not be opened and are as they were: {first}", done.broken.len());
    }
    Ok(())
}

/// What the keystore answers.
#[derive(serde::Deserialize)]
struct Rotated {
    sealed: u64,
    rewrapped: u64,
    journal: u64,
    broken: Vec<String>,
}
