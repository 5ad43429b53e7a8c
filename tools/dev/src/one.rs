//! All six services in one process.

use std::{net::IpAddr, path::PathBuf, process::ExitCode, sync::Arc};

use axum::Router;
use tasker_http::{CommonArgs, GateArgs, Peers, mount};
use tasker_store::StorageAdapter;

/// Settings of the one process.
#[derive(clap::Args)]
pub struct Args {
    /// Address to listen on.
    #[arg(long, env = "TASKER_HOST", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port to listen on; 0 picks a free one.
    #[arg(long, env = "PORT", default_value_t = 54321)]
    port: u16,
    /// SQLite file; made if it is not there.
    #[arg(long, env = "SQLITE_DB_PATH", default_value = ".tasker/dev.db")]
    db: PathBuf,
    /// Log lines as JSON.
    #[arg(long, env = "TASKER_LOG_JSON")]
    log_json: bool,
    /// Services with an address of their own: name=url, comma separated.
    #[arg(long, env = "TASKER_SERVICE_URLS", value_delimiter = ',', value_parser = tasker_http::name_and_url)]
    service_url: Vec<(String, String)>,
    #[command(flatten)]
    gate: GateArgs,
    #[command(flatten)]
    executor: deno_executor::ExecutorArgs,
    #[command(flatten)]
    processor: simple_stack_processor::ProcessorArgs,
    #[command(flatten)]
    tasks: tasks::TasksArgs,
    #[command(flatten)]
    gapi: wrappedgapi::GapiArgs,
    #[command(flatten)]
    supabase: wrappedsupabase::SupabaseArgs,
}

/// Serves until told to stop.
pub async fn serve(args: Args) -> ExitCode {
    let common = CommonArgs {
        host: args.host,
        port: args.port,
        database_url: format!("sqlite:{}", args.db.display()),
        functions_url: String::new(),
        service_url: args.service_url.clone(),
        gate: args.gate.clone(),
        log_json: args.log_json,
    };
    tasker_http::run("tasker-dev", &common, async |address| {
        let store = tasker_store::connect(&common.database_url).await?;
        let functions = format!("http://{address}/functions/v1");
        let peers = Peers::at(&functions, common.service_urls(), args.gate.service_key())?;
        let processor = simple_stack_processor::State::new(store.clone(), peers.clone(), &args.processor);
        let routes = routes(&args, store, &peers, processor.clone())?;
        let started = processor.clone();
        tokio::spawn(async move { started.start().await });
        tracing::info!(%functions, db = %args.db.display(), engine = deno_executor::ENGINE, "six services on one port");
        Ok((routes, async move { processor.drain().await }))
    })
    .await
}

fn routes(
    args: &Args,
    store: Arc<dyn StorageAdapter>,
    peers: &Peers,
    processor: simple_stack_processor::State,
) -> anyhow::Result<Router> {
    let executor = deno_executor::State::new(store.clone(), peers.clone(), &args.executor)?;
    let gapi = wrappedgapi::State::new(
        wrappedgapi::Config::new(&args.gapi, std::env::vars())?,
        wrappedgapi::Catalogue::from_embedded(),
        Arc::new(wrappedgapi::PeerKeystore(peers.clone())),
    )?;
    let tasks = tasks::State::new(store.clone(), peers.clone()).with(&args.tasks);
    Ok(mount("tasks", tasks::router(tasks))
        .merge(mount("simple-stack-processor", simple_stack_processor::router(processor)))
        .merge(mount("deno-executor", deno_executor::router(executor)))
        .merge(mount("wrappedgapi", wrappedgapi::router(gapi)))
        .merge(mount(
            "wrappedkeystore",
            wrappedkeystore::router(wrappedkeystore::State::new(store.clone())),
        ))
        .merge(mount(
            "wrappedsupabase",
            wrappedsupabase::router(
                wrappedsupabase::State::new(store).with(&args.supabase, &args.gate)?,
            ),
        )))
}
