//! `--health`: a container's own check, without a client in its image.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use crate::CommonArgs;

/// A process that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the process that listens where `args` say; exit 0 if it is well.
pub(crate) async fn probe(args: &CommonArgs) -> ExitCode {
    let address = SocketAddr::new(reached_at(args.host), args.port);
    match ask(address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%address, error = format!("{error:#}"), "not well");
            ExitCode::FAILURE
        }
    }
}

async fn ask(address: SocketAddr) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let reply = client.get(format!("http://{address}/_internal/health")).send().await?;
    reply.error_for_status()?;
    Ok(())
}

/// Who listens on every address is asked on the loopback one.
fn reached_at(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}
