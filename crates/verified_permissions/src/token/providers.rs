//! The identity providers, as the operator lets them be reached.

use std::fmt;
use std::str::FromStr;

use jwt::{KeySource, Providers};

use crate::error::Error;
use crate::identity_source::{Provider, UserPool};

/// Another place for the keys of user pools: `POOL=URL` for one pool, whose issuer the URL is, or
/// `URL` for all that have none of their own: theirs is `URL/POOL`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CognitoIssuer {
    /// The pool's id; `None` for all others.
    pub pool_id: Option<String>,
    /// `http:` or `https:`, without a slash at its end.
    pub url: String,
}

impl FromStr for CognitoIssuer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (pool_id, url) = match text.split_once('=') {
            Some((pool, url)) if !pool.contains('/') => (Some(pool.to_owned()), url),
            Some(_) | None => (None, text),
        };
        let url = url.trim_end_matches('/');
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        if rest.is_none_or(str::is_empty) || pool_id.as_ref().is_some_and(String::is_empty) {
            return Err(format!("`{text}` is neither POOL=URL nor URL"));
        }
        let url = url.to_owned();
        Ok(Self { pool_id, url })
    }
}

impl fmt::Display for CognitoIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pool_id {
            Some(pool_id) => write!(f, "{pool_id}={}", self.url),
            None => f.write_str(&self.url),
        }
    }
}

/// Whose tokens an identity source accepts.
pub(crate) struct Issuer {
    /// What `iss` may be.
    pub(crate) names: Vec<String>,
    pub(crate) keys: KeySource,
}

/// The providers of all identity sources.
pub(crate) struct IdentityProviders {
    pub(crate) keys: Providers,
    cognito_issuers: Vec<CognitoIssuer>,
}

impl IdentityProviders {
    pub(crate) fn new(keys: Providers, cognito_issuers: Vec<CognitoIssuer>) -> Self {
        Self {
            keys,
            cognito_issuers,
        }
    }

    /// What the service checks of a provider when an identity source gets it: that an OpenID
    /// Connect provider has a discovery document.
    /// `path` leads to the configuration in the request.
    pub(crate) async fn check(&self, provider: &Provider, path: &str) -> Result<(), Error> {
        let Provider::OpenIdConnect(provider) = provider else {
            return Ok(());
        };
        let issuer = &provider.issuer;
        // The model's pattern is `https://.*`; that of the shape lets plain HTTP pass, for this.
        if !issuer.starts_with("https://") && !self.keys.may_be_plain(issuer) {
            let path = format!("{path}/openIdConnectConfiguration/issuer");
            let text = format!(
                "Value at '{path}' failed to satisfy constraint: Member must satisfy regular \
                 expression pattern: ^https://.*$"
            );
            return Err(Error::field(path, text));
        }
        self.keys.discover(issuer).await.map_err(|error| {
            tracing::warn!(issuer, %error, "an identity provider was refused");
            Error::bare(format!(
                "Failed to deserialize discovery document from issuer: \
                 {issuer}/.well-known/openid-configuration"
            ))
        })
    }

    /// Whose tokens `provider` has.
    pub(crate) fn issuer(&self, provider: &Provider) -> Issuer {
        match provider {
            Provider::OpenIdConnect(provider) => Issuer {
                names: vec![provider.issuer.clone()],
                keys: KeySource::Discovery(provider.issuer.clone()),
            },
            Provider::Cognito(pool) => {
                let own = pool.issuer();
                match self.elsewhere(pool) {
                    Some(url) => Issuer {
                        names: vec![own, url.clone()],
                        keys: KeySource::WellKnownJwks(url),
                    },
                    None => Issuer {
                        names: vec![own.clone()],
                        keys: KeySource::WellKnownJwks(own),
                    },
                }
            }
        }
    }

    /// Where the operator says that a user pool is.
    fn elsewhere(&self, pool: &UserPool) -> Option<String> {
        let id = pool.pool_id();
        let issuers = &self.cognito_issuers;
        let own = issuers
            .iter()
            .find(|issuer| issuer.pool_id.as_deref() == Some(id));
        let others = || issuers.iter().find(|issuer| issuer.pool_id.is_none());
        own.map(|issuer| issuer.url.clone())
            .or_else(|| others().map(|issuer| format!("{}/{id}", issuer.url)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_user_pool_is_a_url_with_or_without_its_id() {
        for (text, expected) in [
            (
                "us-east-1_a=http://127.0.0.1:9/x",
                Some((Some("us-east-1_a"), "http://127.0.0.1:9/x")),
            ),
            ("https://idp.example/", Some((None, "https://idp.example"))),
            (
                "https://idp.example?a=b",
                Some((None, "https://idp.example?a=b")),
            ),
            ("us-east-1_a=", None),
            ("=http://a", None),
            ("us-east-1_a", None),
            ("http://", None),
            ("ftp://a", None),
            ("", None),
        ] {
            let found = text.parse::<CognitoIssuer>().ok();
            let expected = expected.map(|(pool_id, url)| CognitoIssuer {
                pool_id: pool_id.map(str::to_owned),
                url: url.to_owned(),
            });
            assert_eq!(found, expected, "{text}");
        }
    }
}
