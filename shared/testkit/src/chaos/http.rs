//! A small HTTP server whose handlers may cut the connection instead of answering.

use std::{future::Future, net::SocketAddr};

use bytes::Bytes;
use http::{Response, StatusCode, request::Parts};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle};

/// The connection ends without an answer.
#[derive(Debug)]
pub struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// An answer, or none.
pub type Answer = Result<Response<Full<Bytes>>, Cut>;

/// An answer with a JSON body.
pub fn json(status: u16, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Cut)?;
    let kind = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    Ok(response)
}

/// A JSON answer with `Retry-After`.
pub fn json_later(status: u16, body: &'static str, seconds: u64) -> Answer {
    let mut answer = json(status, body)?;
    answer.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    Ok(answer)
}

/// Serves on a port of the loopback address (0: a free one) until the task is aborted.
pub async fn serve<H, F>(port: u16, handler: H) -> anyhow::Result<(SocketAddr, JoinHandle<()>)>
where
    H: Fn(Parts, Bytes) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let handler = handler.clone();
            let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let handler = handler.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
                    handler(parts, body).await
                }
            });
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok((address, serving))
}
