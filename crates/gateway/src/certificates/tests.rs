use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Duration;

use base::Timestamp;
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::{ClientConfig, ClientConnection, ServerConnection};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

use super::*;
use crate::testing::{ManualClock, NOW, tls_client, tls_client_of};

const DAY: Duration = Duration::from_secs(86_400);

fn region() -> Region {
    "us-east-1".parse().unwrap()
}

fn own(directory: &Path, clock: &ManualClock) -> Result<Certificates, CertificateError> {
    Certificates::own(directory, "on.aws", &region(), Arc::new(clock.clone()))
}

/// The certificate that a client is shown who connects to `name`, if it is content.
fn shown(
    certificates: &Certificates,
    client: ClientConfig,
    name: &str,
) -> Result<CertificateDer<'static>, rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name)?;
    let mut server = ServerConnection::new(certificates.config())?;
    for _ in 0..4 {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut &*bytes).unwrap();
        server.process_new_packets()?;
        bytes.clear();
        server.write_tls(&mut bytes).unwrap();
        client.read_tls(&mut &*bytes).unwrap();
        client.process_new_packets()?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    let chain = client.peer_certificates().unwrap();
    Ok(chain.first().unwrap().clone().into_owned())
}

fn client(certificates: &Certificates, now: Timestamp) -> ClientConfig {
    tls_client(certificates.authority().unwrap(), now)
}

#[test]
fn clients_that_trust_the_authority_verify_every_cluster_of_every_region() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), ManualClock::new(NOW));
    let certificates = own(directory.path(), &clock).unwrap();
    for (name, verified) in [
        ("abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws", true),
        ("00000000000000000000000000.dsql.eu-west-1.on.aws", true),
        (
            "abcdefghijklmnopqrstuvwxyz.dsql-fnh4.us-east-1.on.aws",
            true,
        ),
        ("abcdefghijklmnopqrstuvwxyz.dsql.home.on.aws", true),
        ("abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.example", false),
        ("localhost", false),
        ("127.0.0.1", false),
    ] {
        let found = shown(&certificates, client(&certificates, NOW), name);
        assert_eq!(found.is_ok(), verified, "{name}: {found:?}");
    }
    let mut nameless = client(&certificates, NOW);
    nameless.enable_sni = false;
    let name = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws";
    assert!(shown(&certificates, nameless.clone(), name).is_ok());
    assert!(shown(&certificates, nameless, &name.replace("us-", "eu-")).is_err());
}

#[test]
fn both_versions_of_tls_are_spoken() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), ManualClock::new(NOW));
    let certificates = own(directory.path(), &clock).unwrap();
    for version in [&TLS12, &TLS13] {
        let client = tls_client_of(certificates.authority().unwrap(), NOW, &[version]);
        let name = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws";
        assert!(shown(&certificates, client, name).is_ok(), "{version:?}");
    }
}

#[test]
fn whoever_asks_for_many_names_does_not_fill_the_memory() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), ManualClock::new(NOW));
    let issuer = authority::load_or_create(directory.path(), NOW).unwrap();
    let endpoints = Endpoints::new("on.aws");
    let own = Own::new(issuer, endpoints, region(), Arc::new(clock)).unwrap();
    for at in 0..600 {
        let name = format!("abcdefghijklmnopqrstuvwxyz.dsql-{at}.us-east-1.on.aws");
        own.for_name(Some(&name)).unwrap();
    }
    assert!(own.kept() <= 256);
}

#[test]
fn certificates_are_renewed_and_the_authority_stays() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), ManualClock::new(NOW));
    let certificates = own(directory.path(), &clock).unwrap();
    let name = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws";
    let shown = |days| {
        let now = NOW.plus(DAY * days);
        shown(&certificates, client(&certificates, now), name).unwrap()
    };
    let first = shown(0);
    clock.advance(DAY * 59);
    assert_eq!(shown(59), first);
    assert_eq!(shown(89), first);
    clock.advance(DAY);
    let second = shown(60);
    assert_ne!(second, first);
    // Nine years later another process has the same authority.
    clock.advance(DAY * 365 * 9);
    let later = own(directory.path(), &clock).unwrap();
    let now = NOW.plus(DAY * (60 + 365 * 9));
    assert!(super::tests::shown(&later, client(&certificates, now), name).is_ok());
}

#[test]
fn the_key_is_for_its_owner_and_the_certificate_for_everybody() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), ManualClock::new(NOW));
    let tls = directory.path().join("tls");
    let certificates = own(&tls, &clock).unwrap();
    assert_eq!(certificates.authority(), Some(&*tls.join("ca.pem")));
    let mode = |name| fs::metadata(tls.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("ca.pem"), mode("ca.key")), (0o644, 0o600));
    let before = fs::read(tls.join("ca.pem")).unwrap();
    own(&tls, &clock).unwrap();
    assert_eq!(fs::read(tls.join("ca.pem")).unwrap(), before);
    assert_eq!(fs::read_dir(&tls).unwrap().count(), 2);
}

#[test]
fn servers_that_start_together_agree_on_one_authority() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOW);
    let all: Vec<_> = thread::scope(|scope| {
        let start = || scope.spawn(|| own(directory.path(), &clock).unwrap());
        let starting: Vec<_> = (0..8).map(|_| start()).collect();
        starting
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect()
    });
    for certificates in all {
        let name = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws";
        assert!(shown(&certificates, client(&certificates, NOW), name).is_ok());
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn an_authority_that_is_not_whole_is_named() {
    let clock = ManualClock::new(NOW);
    let broken = |change: fn(&Path)| {
        let directory = tempfile::tempdir().unwrap();
        own(directory.path(), &clock).unwrap();
        change(directory.path());
        let error = own(directory.path(), &clock).err()?.to_string();
        Some(error.replace(&directory.path().display().to_string(), ""))
    };
    let another = |directory: &Path| {
        let pem = KeyPair::generate().unwrap().serialize_pem();
        fs::write(directory.join("ca.key"), pem).unwrap();
    };
    assert_eq!(
        broken(|directory| fs::remove_file(directory.join("ca.key")).unwrap()).unwrap(),
        "/ca.key is missing, though there is /ca.pem: restore it, or remove both"
    );
    assert_eq!(
        broken(another).unwrap(),
        "/ca.pem is not usable: it is the certificate of another key than ca.key"
    );
    for file in ["ca.key", "ca.pem"] {
        for content in ["", "-----BEGIN CERTIFICATE-----\n", "\u{0}"] {
            let directory = tempfile::tempdir().unwrap();
            own(directory.path(), &clock).unwrap();
            fs::write(directory.path().join(file), content).unwrap();
            let error = own(directory.path(), &clock).err().unwrap().to_string();
            assert!(
                error.contains(&format!("{file} is not usable: ")),
                "{error}"
            );
        }
    }
    // Interrupted after the key: nobody can have trusted the certificate yet.
    assert_eq!(
        broken(|directory| fs::remove_file(directory.join("ca.pem")).unwrap()),
        None
    );
}

/// A certificate for `name` and its key, as PEM.
fn pair(name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn the_operators_certificate_is_read_again_when_it_has_changed() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOW);
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
    let write = |(pem, secret): &(String, String)| {
        fs::write(&certificate, pem).unwrap();
        fs::write(&key, secret).unwrap();
    };
    let (first, second) = (pair("one.example"), pair("two.longer.example"));
    write(&first);
    let files = || Pair::read(certificate.clone(), key.clone(), Arc::new(clock.clone()));
    let resolver = files().unwrap();
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let current = || resolver.current().cert.first().unwrap().clone();
    assert_eq!(current(), der(&first.0));
    write(&second);
    assert_eq!(current(), der(&first.0), "it is looked at once a second");
    clock.advance(Duration::from_secs(1));
    assert_eq!(current(), der(&second.0));
    // Half a pair, and none.
    for (pem, secret) in [(&first.0, &second.1), (&String::new(), &first.1)] {
        write(&(pem.clone(), secret.clone()));
        clock.advance(Duration::from_secs(1));
        assert_eq!(current(), der(&second.0));
        assert!(files().is_err());
    }
    fs::remove_file(&key).unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(current(), der(&second.0));
    write(&first);
    clock.advance(Duration::from_secs(1));
    assert_eq!(current(), der(&first.0));
}

#[test]
fn the_operators_certificate_is_shown_to_everybody() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(NOW);
    let issuer = authority::load_or_create(&directory.path().join("tls"), NOW).unwrap();
    let key = KeyPair::generate().unwrap();
    let name = "db.example";
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let issuer: &Issuer<'_, _> = &issuer;
    let pem = params.signed_by(&key, issuer).unwrap().pem();
    let [certificate, private] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
    fs::write(&certificate, pem).unwrap();
    fs::write(&private, key.serialize_pem()).unwrap();
    let certificates = Certificates::files(certificate, private, Arc::new(clock)).unwrap();
    assert_eq!(certificates.authority(), None);
    let client = || tls_client(&directory.path().join("tls/ca.pem"), NOW);
    assert!(shown(&certificates, client(), name).is_ok());
    assert!(shown(&certificates, client(), "other.example").is_err());
}
