use std::sync::Arc;

use jwt::{InvalidCertificate, Options, Providers, Reason, TokenError};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use testkit::{IdentityProvider, ManualClock, Page};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::{World, options};

/// An authority, and a server with a certificate of it for `name`.
fn authority(name: &str) -> (CertificateDer<'static>, Arc<ServerConfig>) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = parameters.self_signed(&key).unwrap();
    let issuer = Issuer::new(parameters, key);
    let server_key = KeyPair::generate().unwrap();
    let server = CertificateParams::new([name.to_owned()])
        .unwrap()
        .signed_by(&server_key, &issuer)
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![server.der().clone()],
            PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        )
        .unwrap();
    (certificate.der().clone(), Arc::new(config))
}

async fn verify(config: Arc<ServerConfig>, options: Options) -> (Option<Reason>, usize) {
    let world = World::of(IdentityProvider::start_tls(config).await, options);
    let reason = match world.verify(&world.token()).await {
        Ok(_) => None,
        Err(TokenError::Keys(error)) => Some(error.reason),
        Err(error) => panic!("{error}"),
    };
    (reason, world.provider.fetches(Page::Discovery))
}

#[tokio::test]
async fn only_trusted_authorities_and_only_for_the_name() {
    let (certificate, config) = authority("127.0.0.1");
    let trusting = |certificate: CertificateDer<'static>| Options {
        certificates: vec![certificate],
        ..options()
    };
    assert_eq!(
        verify(Arc::clone(&config), trusting(certificate.clone())).await,
        (None, 1)
    );
    assert_eq!(
        verify(Arc::clone(&config), options()).await,
        (Some(Reason::UnknownAuthority), 0)
    );
    // That the authority is known does not make the address one that may be contacted.
    let not_allowed = Options {
        networks: Vec::new(),
        ..trusting(certificate)
    };
    assert_eq!(
        verify(config, not_allowed).await,
        (Some(Reason::NotAllowed), 0)
    );
    let (certificate, config) = authority("idp.example");
    assert_eq!(
        verify(config, trusting(certificate)).await,
        (Some(Reason::Certificate), 0)
    );
}

#[tokio::test]
async fn a_server_without_tls_is_no_https_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        client.write_all(answer).await.unwrap();
        std::future::pending::<()>().await;
    });
    let world = World::new().await;
    let error = world.providers.discover(&url).await.unwrap_err();
    assert_eq!(error.reason, Reason::Tls);
}

#[test]
fn a_certificate_that_is_none_is_refused_at_once() {
    let (good, _) = authority("127.0.0.1");
    let options = Options {
        certificates: vec![good, CertificateDer::from(vec![1, 2, 3])],
        ..options()
    };
    let clock = ManualClock::new(base::Timestamp::from_unix_micros(0));
    let refused = Providers::new(options, Arc::new(clock)).map(|_| ());
    assert!(matches!(refused, Err(InvalidCertificate { index: 1, .. })));
}
