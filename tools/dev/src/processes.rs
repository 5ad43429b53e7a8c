//! The services as processes of their own behind a gateway: what production looks like, on one machine.

use std::{
    collections::HashMap,
    net::IpAddr,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use tasker_core::call::SERVICES;
use tasker_http::{CommonArgs, GateArgs, KeyArgs, ServiceArgs};
use tokio::process::{Child, Command};

use crate::gateway::{self, Addresses};

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
    /// So many executors and so many processors.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    replicas: u16,
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
    let plan = plan(args.replicas, args.first_port);
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
        socket: None,
        database_url: args.database_url.clone(),
        functions_url: String::new(),
        service_url: Vec::new(),
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
        let sockets = sockets()?;
        let urls = peers(&plan, &sockets, &args);
        let mut children = Vec::new();
        for process in &plan {
            children.push((process.name(), spawn(process, &sockets, &args, &urls)?));
        }
        tokio::spawn(watch(children));
        let others = args.services.registered()?;
        let removed = async move { drop(std::fs::remove_dir_all(sockets)) };
        Ok((gateway::routes(addresses(&plan, args.host), &others)?, removed))
    })
}

/// Services of which there may be several.
const REPLICATED: [&str; 2] = ["deno-executor", "simple-stack-processor"];

/// A process to be started.
struct Process {
    service: &'static str,
    /// From 0, among those of the service.
    number: u16,
    port: u16,
}

impl Process {
    fn name(&self) -> String {
        format!("{}-{}", self.service, self.number)
    }

    fn socket(&self, folder: &Path) -> String {
        folder.join(self.name()).with_extension("sock").display().to_string()
    }
}

/// One of each service, on ports in a row, then the replicas.
fn plan(replicas: u16, first_port: u16) -> Vec<Process> {
    let once = SERVICES.iter().map(|service| (*service, 0));
    let more = (1..replicas).flat_map(|number| REPLICATED.map(|service| (service, number)));
    let all = once.chain(more).zip(first_port..);
    all.map(|((service, number), port)| Process { service, number, port }).collect()
}

/// A folder for sockets that only this user can enter.
fn sockets() -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("tasker-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Where the services reach each other: over sockets, but through the gateway, which has them take
/// turns, where there are several.
fn peers(plan: &[Process], sockets: &Path, args: &Args) -> String {
    let address = |process: &Process| {
        let name = process.service;
        if args.replicas > 1 && REPLICATED.contains(&name) {
            return format!("{name}=http://{}:{}/functions/v1/{name}", args.host, args.port);
        }
        format!("{name}=unix:{}", process.socket(sockets))
    };
    let all = plan.iter().filter(|process| process.number == 0).map(address);
    all.collect::<Vec<_>>().join(",")
}

/// Where the gateway finds them.
fn addresses(plan: &[Process], host: IpAddr) -> HashMap<String, Addresses> {
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    for Process { service, port, .. } in plan {
        let url = format!("http://{host}:{port}/functions/v1/{service}");
        all.entry((*service).to_owned()).or_default().push(url);
    }
    all.into_iter().map(|(name, urls)| (name, Addresses::new(urls))).collect()
}

fn spawn(process: &Process, sockets: &Path, args: &Args, urls: &str) -> anyhow::Result<Child> {
    let beside: PathBuf = std::env::current_exe()?.with_file_name(process.service);
    let socket = process.socket(sockets);
    let mut command = Command::new(&beside);
    if let Some(key) = &args.keys.master_key {
        command.env("TASKER_MASTER_KEY", key.expose());
    }
    if let Some(file) = &args.keys.master_key_file {
        command.env("TASKER_MASTER_KEY_FILE", file);
    }
    if process.number > 0 && process.service == "simple-stack-processor" {
        command.env("TASKER_SLOT", format!("processor-{}", process.number));
    }
    command
        .args(["--host", &args.host.to_string(), "--port", &process.port.to_string()])
        .env("DATABASE_URL", &args.database_url)
        .env("TASKER_SOCKET", &socket)
        .env("TASKER_ADVERTISE_URL", format!("unix:{socket}"))
        .env("TASKER_SERVICE_URLS", urls)
        .envs(args.services.env())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}: build all binaries first", beside.display()))
}

/// A service that ends takes the others with it: better a clear stop than five sixths of a system.
async fn watch(children: Vec<(String, Child)>) {
    let ends = children.into_iter().map(|(name, mut child)| {
        let end = async move { (name, child.wait().await) };
        Box::pin(end)
    });
    let ((service, status), _, others) = futures::future::select_all(ends).await;
    tracing::error!(service, ?status, "a service ended: stopping");
    drop(others);
    std::process::exit(1);
}
