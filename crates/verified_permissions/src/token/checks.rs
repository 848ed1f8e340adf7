//! What an identity source demands of tokens, beyond their being genuine and in force.

use std::fmt::Display;

use serde_json::Value as Json;

use super::Tokens;
use super::claims::Claims;
use super::source::TokenSource;
use crate::error::Error;
use crate::identity_source::{Provider, TokenSelection};

/// The two kinds of token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Identity,
    Access,
}

impl Kind {
    /// The parameter of the request.
    const fn parameter(self) -> &'static str {
        match self {
            Self::Identity => "identityToken",
            Self::Access => "accessToken",
        }
    }

    /// What Amazon Cognito has in `token_use`.
    const fn token_use(self) -> &'static str {
        match self {
            Self::Identity => "id",
            Self::Access => "access",
        }
    }

    /// The exception for a token of this kind that failed a check.
    pub(crate) fn refused(self, reason: &dyn Display) -> Error {
        Error::bare(format!("The {} is not valid: {reason}.", self.parameter()))
    }
}

/// The exception for a request without any token that would be processed.
pub(crate) fn no_token() -> Error {
    Error::bare("You must specify an accessToken, an identityToken, or both.")
}

/// The tokens that an identity source processes: for a user pool those that there are, for an
/// OpenID Connect provider the one kind that it is configured for.
pub(crate) fn processed<'a>(source: &TokenSource, given: Tokens<'a>) -> Result<Tokens<'a>, Error> {
    if given.identity.is_none() && given.access.is_none() {
        return Err(no_token());
    }
    let (processed, kind) = match &source.provider {
        Provider::Cognito(_) => return Ok(given),
        Provider::OpenIdConnect(provider) => match provider.tokens {
            TokenSelection::Access { .. } => (
                Tokens {
                    identity: None,
                    ..given
                },
                Kind::Access,
            ),
            TokenSelection::Identity { .. } => (
                Tokens {
                    access: None,
                    ..given
                },
                Kind::Identity,
            ),
        },
    };
    if processed.identity.is_none() && processed.access.is_none() {
        let text = format!(
            "The identity source of the policy store processes only an {}.",
            kind.parameter()
        );
        return Err(Error::bare(text));
    }
    Ok(processed)
}

/// Why a token is not accepted.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// `token_use` is another.
    TokenUse(&'static str),
    /// This claim has none of the configured values.
    Client(&'static str),
    /// The claim that names the principal is missing or no string.
    Subject(String),
    /// The claim that lists the groups is neither a string nor a list of strings.
    Groups(String),
}

impl Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TokenUse(expected) => write!(f, "its claim `token_use` is not `{expected}`"),
            Self::Client(claim) => write!(
                f,
                "its claim `{claim}` has no value that the identity source accepts"
            ),
            Self::Subject(claim) => write!(
                f,
                "its claim `{claim}`, which names the principal, is missing, empty or no string"
            ),
            Self::Groups(claim) => write!(
                f,
                "its claim `{claim}`, which lists the groups, is neither a string nor a list of \
                 strings"
            ),
        }
    }
}

/// Checks `token_use` of a user pool's tokens, and whom tokens were issued for. Where nothing is
/// configured there is nothing to check.
pub(crate) fn for_source(source: &TokenSource, kind: Kind, claims: &Claims) -> Result<(), Refusal> {
    let (accepted, names): (Option<&[String]>, &[&'static str]) = match &source.provider {
        Provider::Cognito(pool) => {
            let expected = kind.token_use();
            if claims.get("token_use").and_then(Json::as_str) != Some(expected) {
                return Err(Refusal::TokenUse(expected));
            }
            let names: &[_] = match kind {
                Kind::Identity => &["aud"],
                Kind::Access => &["client_id"],
            };
            (Some(&pool.client_ids), names)
        }
        Provider::OpenIdConnect(provider) => match &provider.tokens {
            TokenSelection::Identity { client_ids, .. } => (client_ids.as_deref(), &["aud"]),
            // The documented order: `cid` and `client_id` stand in for a missing `aud`.
            TokenSelection::Access { audiences, .. } => {
                (audiences.as_deref(), &["aud", "cid", "client_id"])
            }
        },
    };
    let accepted = accepted.unwrap_or_default();
    if accepted.is_empty() {
        return Ok(());
    }
    let is_accepted = |value: &Json| {
        let text = value.as_str();
        text.is_some_and(|text| accepted.iter().any(|one| one == text))
    };
    let found = names.iter().find_map(|name| claims.get(*name));
    let fits = match found {
        Some(Json::Array(values)) => values.iter().any(is_accepted),
        Some(value) => is_accepted(value),
        None => false,
    };
    let name = names.first().copied().unwrap_or_default();
    if fits {
        Ok(())
    } else {
        Err(Refusal::Client(name))
    }
}

/// What the provider calls the principal.
pub(crate) fn subject(source: &TokenSource, claims: &Claims) -> Result<String, Refusal> {
    let name = source.principal_claim();
    match claims.get(name) {
        Some(Json::String(subject)) if !subject.is_empty() => Ok(subject.clone()),
        _ => Err(Refusal::Subject(name.to_owned())),
    }
}

/// What the provider calls the groups: the words of a string, or the members of a list.
pub(crate) fn groups(source: &TokenSource, claims: &Claims) -> Result<Vec<String>, Refusal> {
    let Some(name) = source.group_claim() else {
        return Ok(Vec::new());
    };
    let wrong = || Refusal::Groups(name.to_owned());
    match claims.get(name) {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::String(words)) => Ok(words.split_whitespace().map(str::to_owned).collect()),
        Some(Json::Array(names)) => names
            .iter()
            .map(|name| name.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        Some(Json::Bool(_) | Json::Number(_) | Json::Object(_)) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests;
