//! The services as processes of their own behind a gateway: what production looks like, on one machine.

use std::{collections::HashMap, net::IpAddr, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use tasker_core::call::SERVICES;
use tasker_http::{CommonArgs, GateArgs, KeyArgs, ServiceArgs};
use tokio::process::{Child, Command};

use crate::gateway;

/// Settings of the processes.
#[derive(clap::Args)]
pub struct Args {
    /// Postgres that all of them use; its schema is brought up to date first.
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        default_value = "postgres://postgres:postgres@127.0.0.1:54322/postgres"
    )]
    database_url: String,
    /// Address to listen on.
    #[arg(long, env = "TASKER_HOST", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port of the gateway; the services take the ports from --first-port on.
    #[arg(long, env = "PORT", default_value_t = 54321)]
    port: u16,
    /// Port of the first service.
    #[arg(long, default_value_t = 8001)]
    first_port: u16,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    services: ServiceArgs,
}

/// Where the master key of secrets is kept unless the settings say otherwise.
const KEY_FILE: &str = ".tasker/master.key";

/// Starts them, serves the gateway, stops them. One of them ending ends all.
pub fn serve(mut args: Args) -> ExitCode {
    let settings = args.keys.settings();
    if settings.keys.is_none() && settings.file.is_none() {
        args.keys.master_key_file = Some(KEY_FILE.into());
    }
    let ports = SERVICES.iter().zip(args.first_port..).collect::<Vec<_>>();
    let urls: HashMap<String, String> = ports
        .iter()
        .map(|(name, port)| {
            ((*name).to_string(), format!("http://{}:{port}/functions/v1/{name}", args.host))
        })
        .collect();
    // From the environment alone, which they inherit: they check, the gateway only forwards.
    let gate = match GateArgs::from_env() {
        Ok(gate) => gate,
        Err(error) => {
            tasker_http::init_tracing(false);
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    let common = CommonArgs {
        host: args.host,
        port: args.port,
        database_url: args.database_url.clone(),
        functions_url: String::new(),
        service_url: urls.clone().into_iter().collect(),
        services: args.services.clone(),
        gate,
        keys: args.keys.clone(),
        log_json: false,
        health: false,
    };
    tasker_http::run("tasker", &common, async |_| {
        if let Some(file) = &args.keys.master_key_file {
            tasker_store::development_key(file)?;
        }
        let store = tasker_store::connect_with(&args.database_url, &args.keys.settings()).await?;
        store.migrate().await?;
        drop(store);
        let list: Vec<String> = urls.iter().map(|(n, u)| format!("{n}={u}")).collect();
        let mut children = Vec::new();
        for (name, port) in &ports {
            children.push(spawn(name, *port, &args, &list.join(","))?);
        }
        tokio::spawn(watch(children));
        let others = args.services.registered()?;
        Ok((gateway::routes(urls.clone(), &others)?, std::future::ready(())))
    })
}

fn spawn(name: &str, port: u16, args: &Args, urls: &str) -> anyhow::Result<Child> {
    let beside: PathBuf = std::env::current_exe()?.with_file_name(name);
    let mut command = Command::new(&beside);
    if let Some(key) = &args.keys.master_key {
        command.env("TASKER_MASTER_KEY", key.expose());
    }
    if let Some(file) = &args.keys.master_key_file {
        command.env("TASKER_MASTER_KEY_FILE", file);
    }
    command
        .args(["--host", &args.host.to_string(), "--port", &port.to_string()])
        .env("DATABASE_URL", &args.database_url)
        .env("TASKER_SERVICE_URLS", urls)
        .envs(args.services.env())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}: build all binaries first", beside.display()))
}

/// A service that ends takes the others with it: better a clear stop than five sixths of a system.
async fn watch(mut children: Vec<Child>) {
    let ends = children.iter_mut().map(|child| Box::pin(child.wait()));
    let mut ends: Vec<_> = ends.collect();
    let (status, index) = std::future::poll_fn(|cx| {
        for (i, end) in ends.iter_mut().enumerate() {
            if let std::task::Poll::Ready(status) = end.as_mut().poll(cx) {
                return std::task::Poll::Ready((status, i));
            }
        }
        std::task::Poll::Pending
    })
    .await;
    tracing::error!(service = SERVICES[index], ?status, "a service ended: stopping");
    drop(ends);
    drop(children);
    std::process::exit(1);
}
