//! Providers behind TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::CertifiedKey;
use sluicegate_tests::{DONE, Gateway, Model, Provider, Reply, chat, chunk, completion, finish, streamed};
use tempfile::NamedTempFile;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// What ends TLS in front of a provider, with a certificate of its own.
struct Tls {
    address: SocketAddr,
    certificate: NamedTempFile,
    relay: JoinHandle<()>,
}

impl Model for Tls {
    fn base_url(&self) -> String {
        format!("https://localhost:{}/v1", self.address.port())
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

impl Tls {
    /// In front of the provider at this address; its certificate is for that name.
    async fn before(provider: &Provider, name: &str) -> Self {
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let certificate = NamedTempFile::new().unwrap();
        std::fs::write(&certificate, cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let (acceptor, upstream) = (TlsAcceptor::from(Arc::new(config)), provider.address);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let relay = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A caller that does not trust the certificate leaves here.
                    let Ok(mut outside) = acceptor.accept(stream).await else { return };
                    let mut inside = TcpStream::connect(upstream).await.unwrap();
                    let _ = copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
        Self { address, certificate, relay }
    }

    /// The setting with which its certificate is trusted.
    fn trusted(&self) -> String {
        format!("upstream.ca_file = '{}'", self.certificate.path().display())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_with_a_trusted_certificate_is_asked() {
    let events = [chunk("hel"), chunk("lo"), finish(0, "stop"), DONE.to_owned()];
    let replies = [Reply::json(completion("hello")), Reply::events(events.clone())];
    let provider = Provider::saying_in_turn(replies).await;
    let tls = Tls::before(&provider, "localhost").await;
    let gateway = Gateway::without_plugins().upstream(&tls).settings(&tls.trusted()).start().await;
    let question = chat("hello?");
    assert_eq!(gateway.ask(question.clone()).await.text(), completion("hello"));
    assert_eq!(provider.only().text(), question.to_string());
    assert_eq!(gateway.ask(streamed("hello?")).await.text(), events.concat());
    assert_eq!(provider.connections(), 1, "the connection is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_nobody_vouches_for_is_told_nothing() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let unknown = Tls::before(&provider, "localhost").await;
    let gateway = Gateway::without_plugins().upstream(&unknown).start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_unreachable"));

    let other = Tls::before(&provider, "provider.example").await;
    let gateway = Gateway::without_plugins().upstream(&other).settings(&other.trusted()).start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_unreachable"));
    assert_eq!(provider.received().len(), 0);
}
