//! One request with its redirects.

use bytes::Bytes;
use http::{Method, Request, Uri, header};
use http_body_util::Full;
use tokio::time::timeout;

use crate::{
    Shared,
    answer::{self, Answer},
    body,
    connect::{self, Client},
    failure::Failure,
    integrity, redirect,
    request::Asked,
};

/// Sends it; every redirect is checked as the first request was.
pub async fn exchange(shared: &Shared, asked: Asked) -> Result<Answer, Failure> {
    let limit = asked.timeout.map_or(shared.timeout, |own| own.min(shared.timeout));
    timeout(limit, follow(shared, asked)).await.unwrap_or(Err(Failure::Time(limit)))
}

async fn follow(shared: &Shared, mut asked: Asked) -> Result<Answer, Failure> {
    for hop in 0..=redirect::MOST {
        shared.rules.check_url(&asked.url)?;
        let response = send(&shared.client, &asked).await?;
        if redirect::follow(&mut asked, response.status(), response.headers())? {
            continue;
        }
        let (parts, incoming) = response.into_parts();
        let bare = asked.method == Method::HEAD || matches!(parts.status.as_u16(), 204 | 205 | 304);
        let packed = body::read(incoming, shared.max_bytes).await?;
        let body = if bare {
            Bytes::new()
        } else {
            body::unpack(&parts.headers, packed, shared.max_bytes).await?
        };
        if asked.integrity.as_ref().is_some_and(|wanted| !integrity::holds(wanted, &body)) {
            return Err(Failure::Integrity);
        }
        let answer = Answer {
            url: asked.url.to_string(),
            redirected: hop > 0,
            status: parts.status.as_u16(),
            status_text: answer::status_text(&parts),
            headers: answer::headers(&parts.headers),
            text: None,
            base64: None,
        };
        return Ok(answer.with_body(body));
    }
    Err(Failure::Redirects(redirect::MOST))
}

async fn send(
    client: &Client,
    asked: &Asked,
) -> Result<http::Response<hyper::body::Incoming>, Failure> {
    let mut url = asked.url.clone();
    url.set_fragment(None);
    let uri = Uri::try_from(url.as_str()).map_err(|e| Failure::Url(e.to_string()))?;
    let body = asked.body.clone().unwrap_or_default();
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = asked.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = asked.headers.clone();
    // Said even if nothing is sent: a server that waits for a body must not wait.
    let empty = asked.body.as_ref().is_none_or(Bytes::is_empty);
    if empty && [Method::POST, Method::PUT].contains(&asked.method) {
        request.headers_mut().insert(header::CONTENT_LENGTH, 0.into());
    }
    client.request(request).await.map_err(|e| connect::failure(&e))
}
