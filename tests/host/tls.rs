//! TLS by files: both versions of HTTP, and a new certificate without a restart.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fairway::clock::Clock;
use fairway::domain::rollout::Health;
use fairway::host::Certificates;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::{Place, clear};

type Stream = tokio_rustls::client::TlsStream<TcpStream>;

/// A new pair for `shop.example`, as an ACME client would lay it down.
fn certificate(dir: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["shop.example".to_owned()]).expect("a certificate");
    let dir = dir.join("shop.example");
    std::fs::create_dir_all(&dir).expect("a directory");
    std::fs::write(dir.join("fullchain.pem"), made.cert.pem()).expect("written");
    std::fs::write(dir.join("privkey.pem"), made.signing_key.serialize_pem()).expect("written");
    made.cert.der().clone()
}

async fn connect(place: &Place, trusted: &CertificateDer<'static>, alpn: &[u8]) -> std::io::Result<Stream> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(place.address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("shop.example").expect("a name"), stream).await
}

/// Asks by the version that was agreed on.
async fn ask(stream: Stream) -> (http::Version, String) {
    let request = http::Request::get("https://shop.example/").header("host", "shop.example");
    let request = request.body(Empty::<bytes::Bytes>::new()).expect("a request");
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(stream);
    let answer = if http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("a handshake");
        tokio::spawn(connection);
        sender.send_request(request).await.expect("an answer")
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.expect("a handshake");
        tokio::spawn(connection);
        sender.send_request(request).await.expect("an answer")
    };
    let version = answer.version();
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    (version, String::from_utf8_lossy(&body).trim().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_are_encrypted_and_a_new_certificate_needs_no_restart() {
    let (dir, pairs) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let none = Certificates::open(pairs.path()).expect_err("nothing is there").to_string();
    assert!(none.contains("NAME/fullchain.pem"), "{none}");
    let first = certificate(pairs.path());
    let certificates = Certificates::open(pairs.path()).expect("a pair");
    let place = Place::with(dir.path(), "127.0.0.1:0", (Clock::system(), Some(certificates.clone()))).await;
    place.prepare(&place.release("one", "perl server.pl")).await;
    let slot = place.until("one", |health| *health == Health::Ready).await;
    place.split(Some(slot), None, 0).await;
    for (alpn, version) in [(&b"h2"[..], http::Version::HTTP_2), (b"http/1.1", http::Version::HTTP_11)] {
        let stream = connect(&place, &first, alpn).await.expect("a handshake");
        assert_eq!(ask(stream).await, (version, "one".to_owned()));
    }
    std::fs::write(pairs.path().join("shop.example/privkey.pem"), "nonsense").expect("written");
    let problems = certificates.refresh().expect("it can be read");
    assert!(problems.len() == 1 && problems[0].contains("privkey.pem"), "{problems:?}");
    connect(&place, &first, b"h2").await.expect("the one before stays in force");
    let second = certificate(pairs.path());
    let renewed = async {
        while connect(&place, &second, b"h2").await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), renewed).await.expect("the new certificate is served");
    clear(place, slot).await;
}
