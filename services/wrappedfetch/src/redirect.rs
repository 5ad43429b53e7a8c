//! Redirects as the Fetch standard has them.

use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

use crate::{
    failure::Failure,
    request::{Asked, Redirect},
};

/// Redirects that are followed.
pub const MOST: usize = 20;

/// Turns `asked` into the request that the answer leads to; false if the answer is the last one.
pub fn follow(asked: &mut Asked, status: StatusCode, headers: &HeaderMap) -> Result<bool, Failure> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(false);
    }
    match asked.redirect {
        Redirect::Manual => return Ok(false),
        Redirect::Error => return Err(Failure::Redirect("the task does not want one")),
        Redirect::Follow => {}
    }
    let Some(location) = headers.get(header::LOCATION) else { return Ok(false) };
    let next = target(&asked.url, location.as_bytes())?;
    if status != StatusCode::SEE_OTHER && asked.body.is_some() && asked.streamed {
        return Err(Failure::Redirect("the body was a stream and cannot be sent again"));
    }
    change_method(asked, status);
    if next.origin() != asked.url.origin() {
        for name in [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE] {
            asked.headers.remove(name);
        }
    }
    asked.url = next;
    Ok(true)
}

fn target(from: &Url, location: &[u8]) -> Result<Url, Failure> {
    let refused = Failure::Redirect;
    let location = String::from_utf8_lossy(location);
    let mut next = from.join(&location).map_err(|_| refused("its Location is no URL"))?;
    if !matches!(next.scheme(), "http" | "https") {
        return Err(refused("its Location is not http or https"));
    }
    if !next.username().is_empty() || next.password().is_some() {
        return Err(refused("its Location has a user name or password in it"));
    }
    if next.fragment().is_none() {
        next.set_fragment(from.fragment());
    }
    Ok(next)
}

/// 303 asks for the page that came of it; so do 301 and 302 after a POST.
fn change_method(asked: &mut Asked, status: StatusCode) {
    let safe = [Method::GET, Method::HEAD].contains(&asked.method);
    let gets = match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => asked.method == Method::POST,
        StatusCode::SEE_OTHER => !safe,
        _ => false,
    };
    if gets {
        asked.method = Method::GET;
        asked.body = None;
        for name in [
            header::CONTENT_ENCODING,
            header::CONTENT_LANGUAGE,
            header::CONTENT_LOCATION,
            header::CONTENT_TYPE,
        ] {
            asked.headers.remove(name);
        }
    }
}
