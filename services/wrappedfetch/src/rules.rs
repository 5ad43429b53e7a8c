//! Who may be reached: hosts by name, addresses by what they are.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, bail};
use ipnet::IpNet;
use url::{Host, Url};

use crate::{address, failure::Failure};

/// Ports that no fetch goes to (the Fetch standard's list): a service behind one of them could take
/// an HTTP request for its own language.
const BAD_PORTS: [u16; 82] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697,
];

/// The allow lists.
#[derive(Debug)]
pub struct Rules {
    hosts: Vec<Pattern>,
    private: Vec<Range>,
}

/// A host that may be reached.
#[derive(Debug)]
struct Pattern {
    name: Name,
    port: Option<u16>,
}

#[derive(Debug)]
enum Name {
    Any,
    /// The domain's subdomains, with the dot in front.
    Below(String),
    Exactly(Host),
}

/// Addresses that may be reached although they are not public.
#[derive(Debug)]
struct Range {
    net: IpNet,
    port: Option<u16>,
}

impl Rules {
    /// Reads both lists.
    ///
    /// # Errors
    /// An entry that cannot be read, with what it must look like.
    pub fn new(allow: &[String], private: &[String]) -> anyhow::Result<Self> {
        let given = |list: &[String]| -> Vec<String> {
            list.iter().map(|e| e.trim().to_owned()).filter(|e| !e.is_empty()).collect()
        };
        let hosts = given(allow);
        let none = hosts.iter().any(|h| h == "none");
        let hosts = if none { Vec::new() } else { hosts };
        let hosts = hosts.iter().map(|e| pattern(e)).collect::<anyhow::Result<_>>()?;
        let private =
            given(private).iter().map(|e| range(e)).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self { hosts, private })
    }

    /// Checks what a URL says, before anything is looked up.
    pub fn check_url(&self, url: &Url) -> Result<(), Failure> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Failure::Scheme(url.scheme().to_owned()));
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Failure::Url("it has no host".into()));
        };
        if BAD_PORTS.contains(&port) || (port == 10_080) {
            return Err(Failure::Port(port));
        }
        let host = plain(host.to_owned());
        if !self.hosts.iter().any(|p| p.covers(&host, port)) {
            return Err(Failure::Host(host.to_string()));
        }
        Ok(())
    }

    /// Checks an address that a connection is about to be opened to.
    pub fn check_address(&self, address: SocketAddr) -> Result<(), Failure> {
        let ip = address.ip().to_canonical();
        if address::is_public(ip) || self.private.iter().any(|r| r.covers(ip, address.port())) {
            return Ok(());
        }
        Err(Failure::Address)
    }
}

impl Pattern {
    fn covers(&self, host: &Host, port: u16) -> bool {
        let named = match &self.name {
            Name::Any => true,
            Name::Below(end) => matches!(host, Host::Domain(d) if d.ends_with(end.as_str())),
            Name::Exactly(name) => name == host,
        };
        named && self.port.is_none_or(|p| p == port)
    }
}

impl Range {
    fn covers(&self, ip: IpAddr, port: u16) -> bool {
        self.net.contains(&ip) && self.port.is_none_or(|p| p == port)
    }
}

/// `example.com.` is `example.com`.
fn plain(host: Host) -> Host {
    match host {
        Host::Domain(name) => Host::Domain(name.strip_suffix('.').unwrap_or(&name).to_owned()),
        address => address,
    }
}

fn pattern(entry: &str) -> anyhow::Result<Pattern> {
    let what = || {
        format!(
            "TASKER_FETCH_ALLOW: '{entry}' must be a host such as api.example.com, *.example.com or *, with or without :port, or none"
        )
    };
    let (name, port) = with_port(entry).with_context(what)?;
    let name = match name.strip_prefix('*') {
        Some("") => Name::Any,
        Some(rest) => {
            let domain = rest.strip_prefix('.').with_context(what)?;
            match Host::parse(domain).map(plain) {
                Ok(Host::Domain(domain)) => Name::Below(format!(".{domain}")),
                _ => bail!(what()),
            }
        }
        None => Name::Exactly(Host::parse(name).map(plain).with_context(what)?),
    };
    Ok(Pattern { name, port })
}

fn range(entry: &str) -> anyhow::Result<Range> {
    let what = || {
        format!(
            "TASKER_FETCH_ALLOW_PRIVATE: '{entry}' must be an address such as 127.0.0.1:8080, 10.1.2.3, 10.0.0.0/8 or [::1]:3000"
        )
    };
    let bare = |text: &str| -> Option<IpNet> {
        let text = text.trim_start_matches('[').trim_end_matches(']');
        text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
    };
    if let Some(net) = bare(entry) {
        return Ok(Range { net, port: None });
    }
    let (text, port) = with_port(entry).with_context(what)?;
    Ok(Range { net: bare(text).with_context(what)?, port })
}

/// `host:port`; an IPv6 address must stand in brackets to have one.
fn with_port(entry: &str) -> anyhow::Result<(&str, Option<u16>)> {
    match entry.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => Ok((name, Some(port.parse()?))),
        _ => Ok((entry, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(allow: &str, private: &str) -> anyhow::Result<Rules> {
        let list = |t: &str| t.split(',').map(str::to_owned).collect::<Vec<_>>();
        Rules::new(&list(allow), &list(private))
    }

    #[test]
    fn hosts_by_name() {
        let rules = rules("api.example.com,*.shop.test,[2606::1],plain.test:8080", "").unwrap();
        let may = |url: &str| rules.check_url(&Url::parse(url).unwrap()).is_ok();
        for url in [
            "https://api.example.com/x",
            "http://API.Example.com.:81/",
            "https://a.b.shop.test",
            "http://[2606::1]/",
            "http://plain.test:8080",
        ] {
            assert!(may(url), "{url}");
        }
        for url in [
            "https://example.com",
            "https://xapi.example.com",
            "https://api.example.com.evil.test",
            "https://shop.test",
            "https://evilshop.test",
            "http://plain.test",
            "http://api.example.com:25",
            "ftp://api.example.com",
        ] {
            assert!(!may(url), "{url}");
        }
    }

    #[test]
    fn addresses_by_range_and_port() {
        let rules = rules("*", "127.0.0.1:8080,10.0.0.0/8,[::1]:3000,10.2.0.0/16:443").unwrap();
        let may = |a: &str| rules.check_address(a.parse().unwrap()).is_ok();
        assert!(may("127.0.0.1:8080") && may("10.9.9.9:1") && may("[::1]:3000"));
        assert!(may("[::ffff:127.0.0.1]:8080") && may("9.9.9.9:80"));
        assert!(!may("127.0.0.1:8081") && !may("127.0.0.2:8080") && !may("[::1]:3001"));
    }

    #[test]
    fn nobody_and_mistakes() {
        let url = Url::parse("https://example.com").unwrap();
        assert!(rules("none", "").unwrap().check_url(&url).is_err());
        assert!(rules("*", "").unwrap().check_url(&url).is_ok());
        for (allow, private) in
            [("a b", ""), ("*x", ""), ("h:99999", ""), ("*", "localhost"), ("*", "10.0.0.0/99")]
        {
            let error = format!("{:#}", rules(allow, private).unwrap_err());
            assert!(error.contains("must be"), "{error}");
        }
    }
}
