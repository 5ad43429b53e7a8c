//! Unix sockets between services of one machine: a third cheaper a request than TCP. The address is
//! `unix:SOCKET:PATH`, e.g. `unix:/run/tasker/gapi.sock:/functions/v1/wrappedgapi`. What travels is HTTP:
//! `curl --unix-socket /run/tasker/gapi.sock http://tasker/functions/v1/wrappedgapi` sends it too.

use std::{
    future::Future,
    io,
    os::unix::{ffi::OsStrExt as _, fs::FileTypeExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};

use anyhow::Context as _;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};

use crate::stream::Stream;

/// How such an address begins.
pub const SCHEME: &str = "unix:";

/// The address of `service` behind a socket: its usual path, unless one is given.
pub fn address(text: &str, service: &str) -> Result<String, String> {
    let rest = text.strip_prefix(SCHEME).unwrap_or(text);
    let (socket, path) = rest.split_once(':').unwrap_or((rest, ""));
    if !socket.starts_with('/') || !(path.is_empty() || path.starts_with('/')) {
        return Err(format!("'{text}' is not unix:/path/of/socket or unix:/path/of/socket:/path"));
    }
    let usual = format!("/functions/v1/{service}");
    let path = if path.is_empty() { &usual } else { path.trim_end_matches('/') };
    Ok(format!("{SCHEME}{socket}:{path}"))
}

/// The address as hyper's client takes it: the socket's path stands in for the host, in hexadecimal.
pub fn uri(address: &str) -> Option<String> {
    let (socket, path) = address.strip_prefix(SCHEME)?.split_once(':')?;
    let host: String = socket.bytes().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("http://{host}{path}"))
}

fn socket(uri: &Uri) -> Option<PathBuf> {
    let host = uri.host()?;
    let byte = |i: usize| u8::from_str_radix(host.get(i..i + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..host.len()).step_by(2).map(byte).collect();
    Some(std::ffi::OsStr::from_bytes(&bytes?).into())
}

/// Connects to the socket that an address names.
#[derive(Clone)]
pub struct Sockets;

impl tower::Service<Uri> for Sockets {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(async move {
            let path = socket(&uri).ok_or(io::ErrorKind::InvalidInput)?;
            Ok(TokioIo::new(Stream::of(UnixStream::connect(path).await?)?))
        })
    }
}

/// Listens on a socket that nobody but this user can open. One that a killed process left behind is
/// replaced; one that somebody answers on is not.
///
/// # Errors
/// Somebody listens there, something else lies there, or the folder cannot be written to.
pub fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    let at = path.display();
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        anyhow::bail!("cannot listen on {at}: another process does; choose another --socket");
    }
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        std::fs::remove_file(path).with_context(|| format!("cannot replace {at}"))?;
    }
    let listener = UnixListener::bind(path)
        .with_context(|| format!("cannot listen on {at}: choose another --socket"))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_socket_and_path() {
        let usual = "unix:/run/t.sock:/functions/v1/tasks";
        assert_eq!(address("unix:/run/t.sock", "tasks").unwrap(), usual);
        assert_eq!(address(usual, "other").unwrap(), usual);
        assert_eq!(address("unix:/run/t.sock:/x/", "tasks").unwrap(), "unix:/run/t.sock:/x");
        for wrong in ["unix:", "unix:run.sock", "unix:/run/t.sock:x"] {
            assert!(address(wrong, "tasks").unwrap_err().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_client_finds_the_socket_again() {
        let uri: Uri = uri("unix:/run/a b.sock:/functions/v1/tasks").unwrap().parse().unwrap();
        assert_eq!(socket(&uri).unwrap(), Path::new("/run/a b.sock"));
        assert_eq!(uri.path(), "/functions/v1/tasks");
    }
}
