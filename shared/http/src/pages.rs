//! Web pages that a developer visits. Without keys whoever reaches the port may call everything, and any
//! page reaches it: its scripts run in the developer's own browser, on the developer's own machine. So
//! in development mode a request must be of this machine: asked for under one of its names, and not
//! sent by a page of another.

use http::{HeaderMap, Method, StatusCode, Uri, header};

use crate::ApiError;

const FETCH_SITE: &str = "sec-fetch-site";
const FETCH_MODE: &str = "sec-fetch-mode";

/// Pages that may call beside those of this machine.
#[derive(Clone, Debug, Default)]
pub struct Pages(Vec<String>);

impl Pages {
    /// `origins`: like `https://studio.example:3000`.
    ///
    /// # Errors
    /// One that is none.
    pub fn new(origins: &[String]) -> anyhow::Result<Self> {
        let origin = |text: &String| {
            let text = text.trim().trim_end_matches('/').to_ascii_lowercase();
            match host_of_origin(&text) {
                Some(_) => Ok(text),
                None => anyhow::bail!(
                    "TASKER_DEV_ORIGINS: '{text}' is no origin like https://studio.example:3000"
                ),
            }
        };
        let given = origins.iter().filter(|text| !text.trim().is_empty());
        Ok(Self(given.map(origin).collect::<anyhow::Result<_>>()?))
    }

    /// Why a request is refused, if it is.
    pub fn refusal(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<ApiError> {
        self.foreign_name(uri, headers).or_else(|| self.foreign_page(method, headers))
    }

    /// A name that points here and is not this machine's: a page of that name would pass for one of ours.
    fn foreign_name(&self, uri: &Uri, headers: &HeaderMap) -> Option<ApiError> {
        let named = uri.authority().map(http::uri::Authority::as_str);
        let mut asked = headers.get_all(header::HOST).iter().map(|host| host.to_str().ok());
        let foreign = asked.any(|host| host.is_none_or(|host| !self.is_ours(host)))
            || named.is_some_and(|name| !self.is_ours(name));
        foreign.then(|| {
            refused(
                "in development mode (no keys are set) this is reached as localhost only, and the \
                 request names another host: list that page's origin in TASKER_DEV_ORIGINS, or set keys",
            )
        })
    }

    fn foreign_page(&self, method: &Method, headers: &HeaderMap) -> Option<ApiError> {
        let mut origins = headers.get_all(header::ORIGIN).iter().peekable();
        let sent_by_foreign = match origins.peek() {
            Some(_) => origins.any(|origin| !origin.to_str().is_ok_and(|o| self.may_call(o))),
            // What pages load without asking has no origin. A link that somebody follows is no such thing.
            None => {
                let says = |name: &str, what: &str| headers.get(name).is_some_and(|v| v == what);
                says(FETCH_SITE, "cross-site")
                    && !(*method == Method::GET && says(FETCH_MODE, "navigate"))
            }
        };
        sent_by_foreign.then(|| {
            refused(
                "in development mode (no keys are set) pages of other machines may not call: list \
                 the page's origin in TASKER_DEV_ORIGINS, or set keys",
            )
        })
    }

    fn may_call(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        host_of_origin(&origin).is_some_and(is_loopback) || self.0.contains(&origin)
    }

    fn is_ours(&self, authority: &str) -> bool {
        let host = without_port(authority).to_ascii_lowercase();
        is_loopback(&host) || self.0.iter().any(|o| host_of_origin(o) == Some(host.as_str()))
    }
}

fn refused(message: &str) -> ApiError {
    ApiError::coded(StatusCode::FORBIDDEN, "FOREIGN_PAGE", message)
}

/// `https://host:1` without what is not its host; `None` if it is no origin (`null` is none).
fn host_of_origin(origin: &str) -> Option<&str> {
    let (scheme, rest) = origin.split_once("://")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let ok = !scheme.is_empty() && !rest.is_empty() && rest.chars().all(plain);
    ok.then(|| without_port(rest))
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !host.is_empty() => host,
        _ => authority,
    }
}

/// Names that every machine has for itself.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pages: &Pages, method: Method, headers: &[(&str, &str)]) -> bool {
        let all = headers.iter().map(|(name, value)| {
            (http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap())
        });
        pages.refusal(&method, &Uri::from_static("/"), &all.collect()).is_none()
    }

    #[test]
    fn names_of_this_machine_and_of_others() {
        let pages = Pages::new(&["https://studio.example:3000/".into()]).unwrap();
        for ours in ["localhost", "LOCALHOST:54321", "a.localhost:1", "127.0.0.1:8000", "127.9.9.9"]
            .into_iter()
            .chain(["[::1]:54321", "studio.example:3000", "studio.example"])
        {
            assert!(asked(&pages, Method::POST, &[("host", ours)]), "{ours}");
        }
        for foreign in ["evil.example", "localhost.evil.example:54321", "127.0.0.1.evil.example"]
            .into_iter()
            .chain(["0.0.0.0:1", "192.168.1.5", "", "evil.example:localhost", "xlocalhost"])
        {
            assert!(!asked(&pages, Method::GET, &[("host", foreign)]), "{foreign}");
        }
        let both = [("host", "localhost"), ("host", "evil.example")];
        assert!(!asked(&pages, Method::GET, &both));
    }

    #[test]
    fn pages_of_this_machine_and_of_others() {
        let pages = Pages::new(&["https://studio.example:3000".into(), String::new()]).unwrap();
        for ours in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:1"]
            .into_iter()
            .chain(["https://studio.example:3000", "https://Studio.Example:3000"])
        {
            assert!(asked(&pages, Method::POST, &[("origin", ours)]), "{ours}");
        }
        for foreign in ["null", "https://evil.example", "https://studio.example", "localhost", ""]
            .into_iter()
            .chain(["http://studio.example:3000", "http://localhost@evil.example", "file://"])
        {
            assert!(!asked(&pages, Method::POST, &[("origin", foreign)]), "{foreign}");
            assert!(!asked(&pages, Method::OPTIONS, &[("origin", foreign)]), "{foreign}");
        }
        assert!(asked(&pages, Method::POST, &[]), "no browser at all");
        let (site, mode) = (("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"));
        assert!(!asked(&pages, Method::GET, &[site, mode]), "an image of a page");
        let link = ("sec-fetch-mode", "navigate");
        assert!(asked(&pages, Method::GET, &[site, link]), "a link is followed");
        assert!(!asked(&pages, Method::POST, &[site, link]), "a form is sent");
        assert!(asked(&pages, Method::GET, &[("sec-fetch-site", "same-origin"), mode]));
    }

    #[test]
    fn what_is_no_origin_is_said_at_the_start() {
        for wrong in ["studio.example", "https://", "https://a/path", "*"] {
            assert!(
                Pages::new(&[wrong.into()])
                    .unwrap_err()
                    .to_string()
                    .contains(wrong.trim_end_matches('/'))
            );
        }
    }
}
