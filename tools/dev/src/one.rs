//! All services in one process.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use axum::Router;
use tasker_http::{CommonArgs, Direct, GateArgs, KeyArgs, Peers, ServiceArgs, mount};
use tasker_store::StorageAdapter;

use crate::{registered, reload, settings::SeedArgs, task_routes};

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
    /// Folder of task code: a .js, .mjs or .ts file in it is published when it is saved.
    #[arg(long, value_name = "DIR")]
    watch_dir: Option<PathBuf>,
    /// Open runs go on on the saved code, where it makes the calls that they have made.
    #[arg(long, requires = "watch_dir")]
    live: bool,
    #[command(flatten)]
    seed: SeedArgs,
    /// Log lines as JSON.
    #[arg(long, env = "TASKER_LOG_JSON")]
    log_json: bool,
    /// Services with an address of their own: name=url, comma separated.
    #[arg(long, env = "TASKER_SERVICE_URLS", value_delimiter = ',', value_parser = tasker_http::peer_and_url)]
    service_url: Vec<(String, String)>,
    #[command(flatten)]
    services: ServiceArgs,
    #[command(flatten)]
    gate: GateArgs,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    executor: deno_executor::ExecutorArgs,
    #[command(flatten)]
    processor: simple_stack_processor::ProcessorArgs,
    #[command(flatten)]
    tasks: tasks::TasksArgs,
    #[command(flatten)]
    gapi: wrappedgapi::GapiArgs,
    #[command(flatten)]
    fetch: wrappedfetch::FetchArgs,
    #[command(flatten)]
    supabase: wrappedsupabase::SupabaseArgs,
}

/// Serves until told to stop.
pub fn serve(args: Args) -> ExitCode {
    let gate = args.seed.gate(&args.gate);
    let common = CommonArgs {
        host: args.host,
        port: args.port,
        socket: None,
        database_url: format!("sqlite:{}", args.db.display()),
        functions_url: String::new(),
        service_url: args.service_url.clone(),
        services: args.services.clone(),
        gate,
        keys: args.keys.clone(),
        log_json: args.log_json,
        health: false,
    };
    tasker_http::run("tasker-dev", &common, async |address| build(&args, &common, address).await)
}

async fn build(
    args: &Args,
    common: &CommonArgs,
    address: SocketAddr,
) -> anyhow::Result<(Router, impl Future<Output = ()>)> {
    let watched = args.watch_dir.as_deref().map(reload::folder).transpose()?;
    let store = store(args, common).await?;
    wrappedkeystore::State::new(store.clone()).prepare().await;
    let functions = format!("http://{address}/functions/v1");
    let key = common.gate.service_key();
    let others = common.services.registered()?;
    let peers = Peers::at(&functions, common.service_urls(), key)?
        .with_registered(args.seed.elsewhere(address)?)
        .with_registered(others.clone());
    let own = format!("{functions}/simple-stack-processor");
    let processor =
        simple_stack_processor::State::new(store.clone(), peers.clone(), &args.processor, own);
    let executor = deno_executor::State::new(store.clone(), peers.clone(), &args.executor, None)?;
    let (own, direct) = routes(args, store, &peers, processor.clone(), executor.clone())?;
    // What the services of this process send each other does not leave it.
    peers.serve_locally(own.clone(), direct);
    let routes = own
        .merge(registered::routes(&others)?)
        .merge(task_routes::routes(peers.clone(), args.seed.backend()));
    let started = processor.clone();
    tokio::spawn(async move { started.start(None).await });
    tokio::spawn(registered::look(peers.clone(), others.into_keys().collect()));
    if let Some(dir) = watched {
        reload::start(dir, peers, args.live)?;
    }
    let db = args.db.display();
    let kept = if args.seed.backend() == "sqlite" { db.to_string() } else { "Postgres".into() };
    tracing::info!(%functions, runs = kept, engine = deno_executor::ENGINE, "all services on one port");
    Ok((routes, async move {
        processor.drain().await;
        executor.drain().await;
    }))
}

async fn store(args: &Args, common: &CommonArgs) -> anyhow::Result<Arc<dyn StorageAdapter>> {
    let mut keys = common.keys.settings();
    let Some(url) = args.seed.postgres(args.gate.supabase_url.as_ref())? else {
        return Ok(tasker_store::connect_with(&common.database_url, &keys).await?);
    };
    if keys.keys.is_none() && keys.file.is_none() {
        // Where SQLite's would be.
        let file = args.db.with_extension("db.key");
        tasker_store::development_key(&file)?;
        keys.file = Some(file);
    }
    let store = tasker_store::connect_with(&url, &keys).await?;
    store.migrate().await?;
    Ok(store)
}

fn routes(
    args: &Args,
    store: Arc<dyn StorageAdapter>,
    peers: &Peers,
    processor: simple_stack_processor::State,
    executor: deno_executor::State,
) -> anyhow::Result<(Router, Direct)> {
    let gapi = wrappedgapi::State::new(
        wrappedgapi::Config::new(&args.gapi, std::env::vars())?,
        wrappedgapi::Catalogue::from_embedded(),
        Arc::new(wrappedgapi::PeerKeystore(peers.clone())),
    )?;
    let tasks = tasks::State::new(store.clone(), peers.clone()).with(&args.tasks);
    let direct = simple_stack_processor::direct(&processor)
        .and(&deno_executor::direct(&executor))
        .and(&wrappedgapi::direct(&gapi));
    let routes = mount("tasks", tasks::router(tasks))
        .merge(mount("simple-stack-processor", simple_stack_processor::router(processor)))
        .merge(mount("deno-executor", deno_executor::router(executor)))
        .merge(mount("wrappedgapi", wrappedgapi::router(gapi)))
        .merge(mount("wrappedfetch", wrappedfetch::router(wrappedfetch::State::new(&args.fetch)?)))
        .merge(mount(
            "wrappedkeystore",
            wrappedkeystore::router(wrappedkeystore::State::new(store.clone())),
        ))
        .merge(mount(
            "wrappedsupabase",
            wrappedsupabase::router(
                wrappedsupabase::State::new(store).with(&args.supabase, &args.gate)?,
            ),
        ));
    Ok((routes, direct))
}
