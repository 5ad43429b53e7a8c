//! What everything else is made of.

use std::{path::Path, time::Instant};

use serde_json::json;

use super::{
    load::Load,
    table::{Line, Table},
    world::{Store, World},
};

const REQUESTS: u32 = 2_000;

/// Cold start, one run, one request, one commit.
pub async fn measure(store: Store, dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    // The cluster is not tasker's to start.
    let postgres = match store {
        Store::Sqlite => None,
        Store::Postgres => Some(super::world::Postgres::start().await?),
    };
    let began = Instant::now();
    let world = World::on(postgres, dir, &[]).await?;
    let load = &world.load;
    load.publish("trivial", "module.exports = () => 1;").await?;
    load.seen("trivial", &json!({})).await?;
    table.line(&Line {
        what: "cold start",
        value: format!("{:.2} s", began.elapsed().as_secs_f64()),
        how: "processes started to the first task's result seen, asked every 15 ms",
        ..Line::default()
    })?;
    let requests = requests(load).await?;
    table.line(&Line {
        what: "HTTP requests to a service",
        value: format!("{requests:.0} /s"),
        how: "one client, 2,000 one after the other, through the gateway if there is one",
        ..Line::default()
    })?;
    if let Some(r) = world.r()? {
        table.line(&Line {
            what: "R: commits of one client",
            value: format!("{r:.0} /s"),
            how: "pgbench, one row a commit, 3 s on the same cluster",
            ..Line::default()
        })?;
    }
    Ok(())
}

async fn requests(load: &Load) -> anyhow::Result<f64> {
    let body = json!({ "chain": [{ "property": "echo", "args": [1] }] });
    let began = Instant::now();
    for _ in 0..REQUESTS {
        load.post("wrappedgapi", &body).await?;
    }
    Ok(f64::from(REQUESTS) / began.elapsed().as_secs_f64())
}
