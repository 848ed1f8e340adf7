//! How identity providers are reached, as the configuration says.

use std::sync::Arc;

use jwt::Providers;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::config::Config;
use crate::error::Error;
use crate::system::SystemClock;

/// The keys of all identity providers, none of them fetched yet.
///
/// # Errors
/// The file of certificate authorities is not one; a user pool is where plain HTTP may not go.
pub(crate) fn prepare(config: &Config) -> Result<Providers, Error> {
    let settings = &config.identity_providers;
    let path = settings.authorities.clone().unwrap_or_default();
    let failed = |reason: String| Error::IdentityProviderAuthorities {
        path: path.clone(),
        reason,
    };
    let certificates = match &settings.authorities {
        None => Vec::new(),
        Some(file) => {
            let pem = std::fs::read(file).map_err(Error::io("read", file))?;
            let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            let read = read.map_err(|error| failed(error.to_string()))?;
            if read.is_empty() {
                return Err(failed("it has no certificate in PEM form".to_owned()));
            }
            read
        }
    };
    let options = jwt::Options {
        networks: settings.networks.clone(),
        certificates,
        ..jwt::Options::default()
    };
    let providers = Providers::new(options, Arc::new(SystemClock));
    let providers = providers.map_err(|error| failed(error.to_string()))?;
    for issuer in &config.options.cognito_issuers {
        if issuer.url.starts_with("http:") && !providers.may_be_plain(&issuer.url) {
            let url = issuer.url.clone();
            return Err(Error::PlainCognitoIssuer { url });
        }
    }
    Ok(providers)
}
