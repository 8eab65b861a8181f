//! Hosts that a checkout names. Whoever may write a Dockerfile chooses the registry of its images, and with it whom Fairway asks:
//! never anything inside the network that Fairway runs in, unless the operator names that host.
//!
//! A name is looked up once, and the connection goes to the addresses that were looked at. Redirects, and where a registry sends
//! for its token, are held to the same. Where a proxy is configured it is the one that looks names up, and its own rules count.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};

/// A chain of redirects that is longer leads nowhere.
const REDIRECTS: usize = 3;

type Lookup = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync;

/// How names become addresses.
#[derive(Clone)]
pub struct Names(Arc<Lookup>);

impl Default for Names {
    /// As the machine does it.
    fn default() -> Names {
        Names::by(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }))
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Names")
    }
}

impl Names {
    /// By a look-up of one's own; port 0 is whichever the address names.
    pub fn by(
        lookup: impl Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync + 'static,
    ) -> Names {
        Names(Arc::new(lookup))
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.0)(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(found.await?.into_iter()) as Addrs) })
    }
}

/// Lets only addresses through that everybody can reach.
#[derive(Clone, Debug)]
pub struct Guard {
    names: Names,
    /// Names that may lead anywhere: the operator's proxy.
    allowed: Vec<String>,
}

impl Guard {
    /// `allowed` are names that may lead anywhere.
    pub fn new(names: Names, allowed: Vec<String>) -> Guard {
        Guard { names, allowed }
    }

    /// Follows redirects to where a connection may go.
    pub fn policy(&self) -> Policy {
        Policy::custom(|attempt: Attempt<'_>| {
            if attempt.previous().len() > REDIRECTS {
                return attempt.error("too many redirects");
            }
            match admits(attempt.url()) {
                Ok(()) => attempt.follow(),
                Err(inside) => attempt.error(inside),
            }
        })
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let free = self.allowed.contains(&name);
        let found = (self.names.0)(name.clone());
        Box::pin(async move {
            let mut found = found.await?;
            if !free && !found.is_empty() {
                found.retain(|address| public(address.ip()));
                if found.is_empty() {
                    return Err(Box::new(Inside(name)) as Box<dyn std::error::Error + Send + Sync>);
                }
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address that names its host by numbers, which nobody looks up, is one of everybody's.
pub fn admits(url: &Url) -> Result<(), Inside> {
    let host = url.host_str().unwrap_or_default();
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) if !public(address) => Err(Inside(host.to_owned())),
        _ => Ok(()),
    }
}

/// A host that leads inside. Where to is nobody's business who can only write a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inside(pub String);

impl std::fmt::Display for Inside {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{} leads into Fairway's own network, which a checkout may not choose; whoever runs Fairway allows it by: docker login {0}",
            self.0
        )
    }
}

impl std::error::Error for Inside {}

/// Whether an address is anybody's in the internet.
fn public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => public_v4(address),
        IpAddr::V6(address) => public_v6(address),
    }
}

/// By the registry of addresses for special purposes (RFC 6890 and what followed).
fn public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special =
        address.is_private() || address.is_loopback() || address.is_link_local() || address.is_documentation();
    // This network, shared by carriers, protocols, relays to IPv6, benchmarks, groups and what was never given out.
    let odd = a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 224;
    !special && !odd
}

/// One that stands for an address of the older kind is what that one is.
fn public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let within = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => within(high, low),
        [0x2002, high, low, ..] => within(high, low),
        // Tunnels, benchmarks and the like; documentation, twice.
        [0x2001, second, ..] => second > 0x1ff && second != 0xdb8,
        [0x3fff, second, ..] => second > 0xfff,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::response::Redirect;
    use axum::routing::get;

    use super::*;

    #[test]
    fn only_what_everybody_can_reach_is_public() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.9.9",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "203.0.113.7",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001:0:4136:e378::1",
            "2001:db8::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!public(inside.parse().expect("an address")), "{inside}");
        }
        for outside in [
            "1.1.1.1",
            "9.9.9.9",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.2.1",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::",
            "2001:4860:4860::8888",
        ] {
            let documentation = outside == "192.0.2.1";
            assert_eq!(public(outside.parse().expect("an address")), !documentation, "{outside}");
        }
        for (address, fine) in [
            ("https://2130706433/", false),
            ("https://0x7f.1/", false),
            ("https://[::1]:5000/", false),
            ("https://images.example/", true),
            ("https://1.1.1.1/", true),
        ] {
            assert_eq!(admits(&Url::parse(address).expect("an address")).is_ok(), fine, "{address}");
        }
    }

    /// Every name leads to loopback; `start.test` may, and says how often it was looked up.
    fn client(port: u16) -> (reqwest::Client, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let asked = count.clone();
        let names = Names::by(move |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])))
        });
        let guard = Guard::new(names, vec!["start.test".to_owned()]);
        let builder = reqwest::Client::builder().no_proxy().redirect(guard.policy()).dns_resolver(guard);
        (builder.build().expect("a client"), count)
    }

    #[tokio::test]
    async fn no_way_leads_inside() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let reached = Arc::new(AtomicUsize::new(0));
        let inside = reached.clone();
        let router = Router::new()
            .route("/fine", get(|| async { "fine" }))
            .route(
                "/name",
                get(move || async move { Redirect::temporary(&format!("http://inside.test:{port}/inside")) }),
            )
            .route(
                "/number",
                get(move || async move { Redirect::temporary(&format!("http://127.0.0.1:{port}/inside")) }),
            )
            .route("/inside", get(move || async move { inside.fetch_add(1, Ordering::Relaxed).to_string() }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let (client, looked_up) = client(port);
        let ask = |path: String| client.get(path).send();
        assert!(ask(format!("http://start.test:{port}/fine")).await.is_ok(), "what is allowed is reached");
        assert_eq!(looked_up.load(Ordering::Relaxed), 1, "a name is looked up once for a connection");
        for path in [
            format!("http://start.test:{port}/name"),
            format!("http://start.test:{port}/number"),
            format!("http://inside.test:{port}/inside"),
        ] {
            let error = ask(path.clone()).await.expect_err(&path);
            let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
            let said = chain.last().map(ToString::to_string).unwrap_or_default();
            assert!(said.contains("into Fairway's own network"), "{path}: {said}");
        }
        assert_eq!(reached.load(Ordering::Relaxed), 0);
    }
}
