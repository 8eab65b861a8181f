//! Names that stand for several engines: `dns+tcp://HOST:PORT` is an engine at every address that HOST has, as a headless
//! Service of Kubernetes gives one for each pod.
//!
//! Wished: an engine that joins gets work within seconds, one that leaves ends what it has, and a name server that is away
//! takes no engine from anybody.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

/// What such a name begins with.
const NAME: &str = "dns+tcp://";
/// How often a name is looked up again.
pub const AGAIN: Duration = Duration::from_secs(10);
/// How long one look may take; the resolver's own patience is longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most engines of one name; more would be another kind of name.
const MOST: usize = 256;

/// Gives the addresses of `HOST:PORT`.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// This machine's own way.
pub fn system() -> Lookup {
    Arc::new(|host| Box::pin(async move { tokio::net::lookup_host(host).await.map(Iterator::collect) }))
}

/// Whether it stands for several engines.
pub fn is_name(address: &str) -> bool {
    address.starts_with(NAME)
}

/// The engines that a name stands for now, in an order that does not depend on the answer's.
///
/// # Errors
/// Why it stands for none, as a sentence.
pub async fn stands_for(name: &str, lookup: &Lookup) -> Result<Vec<String>, String> {
    let host = name.trim_start_matches(NAME).trim_end_matches('/');
    let found = match tokio::time::timeout(PATIENCE, lookup(host.to_owned())).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(format!("{name} stands for no engine: {error}")),
        Err(_) => return Err(format!("{name} was not looked up within {} s", PATIENCE.as_secs())),
    };
    let found: BTreeSet<SocketAddr> = found.into_iter().collect();
    if found.is_empty() {
        return Err(format!("{name} stands for no engine: it has no address"));
    }
    Ok(found.into_iter().take(MOST).map(|address| format!("tcp://{address}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(addresses: &'static [&'static str]) -> Lookup {
        Arc::new(move |_| {
            let all = addresses.iter().map(|a| a.parse().expect("an address")).collect();
            Box::pin(std::future::ready(Ok(all)))
        })
    }

    #[tokio::test]
    async fn a_name_is_each_of_its_addresses_once_and_in_one_order() {
        let name = "dns+tcp://engines:8080/";
        let lookup = answers(&["10.0.0.2:8080", "[fd00::1]:8080", "10.0.0.1:8080", "10.0.0.2:8080"]);
        let all = stands_for(name, &lookup).await.expect("three");
        assert_eq!(all, ["tcp://10.0.0.1:8080", "tcp://10.0.0.2:8080", "tcp://[fd00::1]:8080"]);
        let none = stands_for(name, &answers(&[])).await.expect_err("none");
        assert_eq!(none, "dns+tcp://engines:8080/ stands for no engine: it has no address");
        assert!(is_name(name) && !is_name("tcp://engines:8080"));
        let asked: Lookup = Arc::new(|host| Box::pin(std::future::ready(Err(std::io::Error::other(host)))));
        let none = stands_for(name, &asked).await.expect_err("none");
        assert_eq!(none, "dns+tcp://engines:8080/ stands for no engine: engines:8080");
    }
}
