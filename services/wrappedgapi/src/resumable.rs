//! Resumable uploads: a session, then chunks that can be sent again.

use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, header};
use reqwest::{Response, Url};

use crate::failure::Failure;
use crate::google::{Google, Reply};
use crate::options::Media;
use crate::request::GoogleRequest;

/// Google wants multiples of 256 KiB, but for the last chunk.
const CHUNK: usize = 8 << 20;
/// Lost chunks that are tolerated before giving up.
const RECOVERIES: u32 = 5;

/// Uploads media with its metadata. The session's address makes chunks idempotent, so a lost one
/// is sent again even though the method changes something.
///
/// # Errors
/// [`Failure`]; one at the start of the session has uploaded nothing.
pub async fn upload(
    google: &Google,
    request: &GoogleRequest,
    metadata: &Bytes,
    media: &Media,
    token: Option<&str>,
) -> Result<Reply, Failure> {
    let session = start(google, request, metadata, media, token).await?;
    let mut offset = 0;
    let mut recoveries = 0;
    loop {
        let end = (offset + CHUNK).min(media.data.len());
        let range = content_range(offset, end, media.data.len());
        let sent = put(google, &session, range, media.data.slice(offset..end), token).await;
        let step = match sent {
            Ok(response) => step(google, response, offset).await,
            Err(failure) => Err(failure),
        };
        match step {
            Ok(Step::Done(reply)) => return Ok(reply),
            Ok(Step::From(next)) if next > offset && next <= media.data.len() => offset = next,
            Err(failure) if !is_lost(&failure) => return Err(failure),
            // No progress, or a lost chunk: ask how far the upload has come.
            _ if recoveries == RECOVERIES => return Err(stuck()),
            _ => {
                recoveries += 1;
                tokio::time::sleep(Duration::from_millis(200 << recoveries)).await;
                match progress(google, &session, media.data.len(), token).await {
                    Ok(Step::Done(reply)) => return Ok(reply),
                    Ok(Step::From(next)) if next <= media.data.len() => offset = next,
                    Ok(Step::From(_)) => return Err(stuck()),
                    Err(failure) if is_lost(&failure) => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
    }
}

enum Step {
    Done(Reply),
    From(usize),
}

async fn start(
    google: &Google,
    request: &GoogleRequest,
    metadata: &Bytes,
    media: &Media,
    token: Option<&str>,
) -> Result<Url, Failure> {
    let response = google
        .begin(request, token)
        .header(header::CONTENT_TYPE, "application/json; charset=UTF-8")
        .header("X-Upload-Content-Type", &media.content_type)
        .header("X-Upload-Content-Length", media.data.len())
        .body(metadata.clone())
        .send()
        .await?;
    if !response.status().is_success() {
        google.read(response).await?;
    } else if let Some(location) = response.headers().get(header::LOCATION) {
        let url = location.to_str().ok().and_then(|text| request.url.join(text).ok());
        return url.filter(|url| trusted(url, &request.url)).ok_or_else(|| {
            Failure::Answer("the upload session's address is not Google's".to_owned())
        });
    }
    Err(Failure::Answer("it names no upload session".to_owned()))
}

/// The token goes to this address, so it must be where the request went or at Google.
fn trusted(session: &Url, request: &Url) -> bool {
    let google = session.host_str().is_some_and(|host| host.ends_with(".googleapis.com"));
    session.origin() == request.origin() || (google && session.scheme() == "https")
}

async fn put(
    google: &Google,
    session: &Url,
    range: String,
    chunk: Bytes,
    token: Option<&str>,
) -> Result<Response, Failure> {
    let mut builder = google.client.put(session.clone()).header(header::CONTENT_RANGE, range);
    if let Some(token) = token {
        builder = builder.bearer_auth(token);
    }
    Ok(builder.header(header::CONTENT_LENGTH, chunk.len()).body(chunk).send().await?)
}

async fn progress(
    google: &Google,
    session: &Url,
    total: usize,
    token: Option<&str>,
) -> Result<Step, Failure> {
    let response = put(google, session, format!("bytes */{total}"), Bytes::new(), token).await?;
    step(google, response, 0).await
}

/// 308 says how far the upload has come; without a `Range` nothing has arrived.
async fn step(google: &Google, response: Response, offset: usize) -> Result<Step, Failure> {
    if response.status() != StatusCode::PERMANENT_REDIRECT {
        return google.read(response).await.map(Step::Done);
    }
    let range = response.headers().get(header::RANGE).and_then(|range| range.to_str().ok());
    Ok(Step::From(range.map_or(0, |range| next_offset(range).unwrap_or(offset))))
}

/// `bytes=0-42`, as documented, or `bytes 0-42`, as seen.
fn next_offset(range: &str) -> Option<usize> {
    let (_, last) = range.strip_prefix("bytes")?.trim_start_matches(['=', ' ']).split_once('-')?;
    last.parse::<usize>().ok()?.checked_add(1)
}

fn content_range(start: usize, end: usize, total: usize) -> String {
    match end.checked_sub(1).filter(|last| *last >= start) {
        Some(last) => format!("bytes {start}-{last}/{total}"),
        None => format!("bytes */{total}"),
    }
}

fn is_lost(failure: &Failure) -> bool {
    match failure {
        Failure::Google(error) => error.status.is_server_error() || error.is_rate_limit(),
        Failure::Network { .. } => true,
        Failure::Answer(_) => false,
    }
}

fn stuck() -> Failure {
    Failure::Network { cause: "the upload makes no progress".into(), timeout: false, sent: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_in_both_spellings_and_odd_ones_do_not_panic() {
        assert_eq!(next_offset("bytes=0-42"), Some(43));
        assert_eq!(next_offset("bytes 0-42"), Some(43));
        for odd in ["", "bytes", "bytes=", "bytes=0-", "0-42", "bytes=0-99999999999999999999999"] {
            assert_eq!(next_offset(odd), None, "{odd}");
        }
        assert_eq!(content_range(0, 0, 0), "bytes */0");
        assert_eq!(content_range(8, 10, 10), "bytes 8-9/10");
    }

    #[test]
    fn the_session_must_be_googles() {
        let url = |text: &str| Url::parse(text).unwrap();
        let request = url("http://127.0.0.1:1/upload");
        assert!(trusted(&url("http://127.0.0.1:1/session"), &request));
        assert!(trusted(&url("https://www.googleapis.com/session"), &request));
        assert!(!trusted(&url("http://127.0.0.1:2/session"), &request));
        assert!(!trusted(&url("http://www.googleapis.com/session"), &request));
        assert!(!trusted(&url("https://evilgoogleapis.com/session"), &request));
    }
}
