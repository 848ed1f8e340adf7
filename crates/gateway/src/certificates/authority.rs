//! The authority of our own: made once, and then trusted by the clients for as long as it lives.
//!
//! Two servers that start at the same time, or one that is stopped in between, must not leave a
//! certificate beside another's key. So a file appears under its name complete or not at all and is
//! never replaced; the key comes first, and the certificate is made of whatever key is there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use time::OffsetDateTime;

use super::CertificateError;

/// Ten years.
const LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Clients' clocks may be behind.
pub(super) const BACKDATED: Duration = Duration::from_secs(86_400);

/// The file of the certificate.
pub(super) fn certificate(directory: &Path) -> PathBuf {
    directory.join("ca.pem")
}

/// The authority of a directory, made if there is none.
pub(super) fn load_or_create(
    directory: &Path,
    now: Timestamp,
) -> Result<Issuer<'static, KeyPair>, CertificateError> {
    let create = CertificateError::file("create the directory", directory);
    fs::create_dir_all(directory).map_err(create)?;
    let (certificate, key) = (certificate(directory), directory.join("ca.key"));
    if exists(&certificate) && !exists(&key) {
        return Err(CertificateError::Missing {
            missing: key,
            present: certificate,
        });
    }
    if !exists(&key) {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        write_new(&key, pair.serialize_pem().as_bytes(), 0o600)?;
    }
    let pair = KeyPair::from_pem(&read(&key)?)
        .map_err(|error| CertificateError::malformed(&key, &error))?;
    if !exists(&certificate) {
        let pem = params(now).self_signed(&pair)?.pem();
        write_new(&certificate, pem.as_bytes(), 0o644)?;
        tracing::info!(path = %certificate.display(), "made the authority that clients trust");
    }
    issuer(&certificate, pair)
}

fn issuer(path: &Path, pair: KeyPair) -> Result<Issuer<'static, KeyPair>, CertificateError> {
    let malformed = |reason: &dyn ToString| CertificateError::malformed(path, reason);
    let pem = read(path)?;
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| malformed(&error))?;
    // The key's public part stands in its certificate as it is.
    let public = pair.der_bytes();
    if !der.windows(public.len()).any(|part| part == public) {
        return Err(malformed(
            &"it is the certificate of another key than ca.key",
        ));
    }
    Issuer::from_ca_cert_der(&der, pair).map_err(|error| malformed(&error))
}

fn params(now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = at(now, -i64::try_from(BACKDATED.as_secs()).unwrap_or_default());
    params.not_after = at(now, i64::try_from(LIFE.as_secs()).unwrap_or_default());
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let name = &mut params.distinguished_name;
    name.push(DnType::OrganizationName, "Treeline");
    name.push(DnType::CommonName, "Treeline local authority");
    params
}

/// The time `seconds` after `now`.
pub(super) fn at(now: Timestamp, seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(now.unix_seconds().saturating_add(seconds))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A dangling symbolic link is there: someone has decided where the file is.
fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn read(path: &Path) -> Result<String, CertificateError> {
    fs::read_to_string(path).map_err(CertificateError::file("read", path))
}

/// Puts a file in its place, complete and on disk, unless another is there by now.
fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), CertificateError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{count}.new", process::id()));
    let new = PathBuf::from(name);
    let placed = write(&new, content, mode).and_then(|()| match fs::hard_link(&new, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Not every file system has links.
        Err(_) => fs::rename(&new, path),
        Ok(()) => Ok(()),
    });
    let _ = fs::remove_file(&new);
    placed
        .and_then(|()| match path.parent() {
            Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
            _ => Ok(()),
        })
        .map_err(CertificateError::file("write", path))
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "there are no modes"))]
fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    // Whoever had this process's number before may have left a file.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
