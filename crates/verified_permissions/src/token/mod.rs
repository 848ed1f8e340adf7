//! Tokens: who the principal of a request is, as its identity provider says.
//!
//! A token is verified, checked against what the identity source accepts, and its claims become the
//! principal's attributes (of an ID token), the principal's groups (of both kinds), and
//! `context.token` (of an access token). Amazon Verified Permissions User Guide, *Working with
//! identity sources* and *Mapping tokens to schema*.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use base::Timestamp;
use cedar_policy_core::ast::{Eid, Entity, EntityUID, PartialValue, Value};
use cedar_policy_core::validator::types::Attributes;
use jwt::{KeysVersion, TokenError, Verified};
use model::verified_permissions::types::EntityIdentifier;

use self::checks::Kind;
use self::claims::{Claims, Fault};
use self::providers::Issuer;
use self::remembered::Key;
use self::source::TokenSource;
use crate::cedar::compiled_schema::CompiledSchema;
use crate::cedar::snapshot::Snapshot;
use crate::error::{Error, ResourceType};
use crate::state::VerifiedPermissions;

mod checks;
pub(crate) mod claims;
#[cfg(any(test, fuzzing))]
#[expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a property that does not hold"
)]
pub mod fuzzing;
pub(crate) mod providers;
pub(crate) mod remembered;
pub(crate) mod source;

/// The tokens of a request.
#[derive(Clone, Copy)]
pub(crate) struct Tokens<'a> {
    pub(crate) identity: Option<&'a str>,
    pub(crate) access: Option<&'a str>,
}

/// Who the tokens of a request stand for.
pub(crate) struct TokenPrincipal {
    pub(crate) identifier: EntityIdentifier,
    /// With its attributes and groups.
    pub(crate) entity: Arc<Entity>,
    pub(crate) source: Arc<TokenSource>,
    /// What becomes `context.token`.
    access: Option<AccessClaims>,
    /// By which the attributes were typed, and `access` is.
    pub(crate) schema: Option<Arc<CompiledSchema>>,
    /// When the first of the tokens ends.
    expires: Timestamp,
    /// Bytes of memory, roughly.
    weight: u64,
}

impl TokenPrincipal {
    /// Verifies the tokens, or remembers that they were.
    ///
    /// # Errors
    /// ValidationException for a token that is not accepted, with the check that it failed;
    /// ResourceNotFoundException when the policy store has no identity source.
    pub(crate) async fn of(
        state: &VerifiedPermissions,
        snapshot: &Snapshot,
        policy_store_id: &str,
        tokens: Tokens<'_>,
        now: Timestamp,
    ) -> Result<Arc<Self>, Error> {
        let source = snapshot.identity_source.as_ref().ok_or_else(|| {
            let id = policy_store_id.to_owned();
            Error::NotFound(ResourceType::IdentitySource, id)
        })?;
        let tokens = checks::processed(source, tokens)?;
        let key = Key::new(&tokens, source);
        let keys = &state.providers.keys;
        if let Some(found) = state.remembered.get(&key, snapshot, keys, now) {
            return Ok(found);
        }
        let (principal, keys) = verify(state, snapshot, source, &tokens).await?;
        let principal = Arc::new(principal);
        if let Some(keys) = keys {
            state.remembered.insert(key, keys, Arc::clone(&principal));
        }
        Ok(principal)
    }

    /// How many groups the principal is in.
    pub(crate) fn groups(&self) -> usize {
        self.entity.parents().count()
    }

    /// What `context.token` is for this action: `None` without an access token.
    pub(crate) fn context_token(&self, action: &EntityUID) -> Result<Option<Value>, Error> {
        let Some(access) = &self.access else {
            return Ok(None);
        };
        let schema = self.schema.as_deref();
        let declared = schema.and_then(|schema| schema.context_token(action));
        access.record(declared, self.source.group_claim()).map(Some)
    }
}

/// The claims of an access token, and the records that were made of them.
struct AccessClaims {
    claims: Claims,
    /// By what the schema declares. Actions seldom differ in that.
    records: Mutex<Vec<(Option<Attributes>, Value)>>,
}

/// The records of one token that are kept.
const RECORDS: usize = 4;

impl AccessClaims {
    fn record(&self, declared: Option<&Attributes>, groups: Option<&str>) -> Result<Value, Error> {
        let lock = || self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let is_this = |(of, _): &&(Option<Attributes>, Value)| of.as_ref() == declared;
        if let Some((_, record)) = lock().iter().find(is_this) {
            return Ok(record.clone());
        }
        let members = claims::members(&self.claims, declared, groups);
        let members = members.map_err(|fault| Kind::Access.refused(&fault))?;
        let record = Value::record(members, None);
        let mut records = lock();
        if records.len() < RECORDS {
            records.push((declared.cloned(), record.clone()));
        }
        Ok(record)
    }
}

/// A token that is accepted.
struct Accepted {
    claims: Claims,
    subject: String,
    groups: Vec<String>,
    expires: Timestamp,
    keys: KeysVersion,
}

async fn verify(
    state: &VerifiedPermissions,
    snapshot: &Snapshot,
    source: &Arc<TokenSource>,
    tokens: &Tokens<'_>,
) -> Result<(TokenPrincipal, Option<KeysVersion>), Error> {
    let issuer = source
        .issuer
        .get_or_init(|| state.providers.issuer(&source.provider));
    let names: Vec<&str> = issuer.names.iter().map(String::as_str).collect();
    let accept = async |kind: Kind, token: Option<&str>| match token {
        None => Ok(None),
        Some(token) => {
            let verified = state
                .providers
                .keys
                .verify(&issuer.keys, &names, token)
                .await;
            let verified = verified.map_err(|error| failed(kind, issuer, error))?;
            accepted(source, kind, verified).map(Some)
        }
    };
    let identity = accept(Kind::Identity, tokens.identity).await?;
    let access = accept(Kind::Access, tokens.access).await?;
    let one = identity.as_ref().or(access.as_ref());
    let one = one.ok_or_else(checks::no_token)?;
    let all = || identity.iter().chain(&access);
    if all().any(|token| token.subject != one.subject) {
        let text = "The accessToken and the identityToken are of different principals.";
        return Err(Error::bare(text));
    }
    let expires = all()
        .map(|token| token.expires)
        .min()
        .unwrap_or(one.expires);
    // Keys that changed between the two are looked at again with the next request.
    let keys = Some(one.keys).filter(|keys| all().all(|token| token.keys == *keys));
    let groups: HashSet<String> = all().flat_map(|token| token.groups.clone()).collect();
    let id = source.entity_id(&one.subject);
    let attributes = match &identity {
        Some(token) => attributes(source, snapshot, &token.claims)?,
        None => Vec::new(),
    };
    // Beside what is measured, the hash and the pointers of the cache.
    let mut weight = 1024 + 300 * groups.len();
    weight += identity
        .as_ref()
        .map_or(0, |token| claims::weight(&token.claims));
    // An access token's claims are kept as they came, and as the records that are asked for.
    weight += access
        .as_ref()
        .map_or(0, |token| 2 * claims::weight(&token.claims));
    let principal = TokenPrincipal {
        identifier: EntityIdentifier {
            entity_type: source.principal_type.to_string(),
            entity_id: id.clone(),
        },
        entity: Arc::new(entity(source, &id, attributes, groups)),
        source: Arc::clone(source),
        access: access.map(|token| AccessClaims {
            claims: token.claims,
            records: Mutex::default(),
        }),
        schema: snapshot.schema.clone(),
        expires,
        weight: weight as u64,
    };
    Ok((principal, keys))
}

/// Checks what the identity source says of verified tokens of this kind.
fn accepted(source: &TokenSource, kind: Kind, verified: Verified) -> Result<Accepted, Error> {
    let Verified {
        mut claims,
        expires,
        keys,
    } = verified;
    let refused = |fault: &dyn std::fmt::Display| kind.refused(fault);
    checks::for_source(source, kind, &claims).map_err(|fault| refused(&fault))?;
    let subject = checks::subject(source, &claims).map_err(|fault| refused(&fault))?;
    let groups = checks::groups(source, &claims).map_err(|fault| refused(&fault))?;
    if source.user_pool().is_some() {
        let nested = claims::nest(&mut claims, source.group_claim());
        nested.map_err(|fault| refused(&fault))?;
    }
    Ok(Accepted {
        claims,
        subject,
        groups,
        expires,
        keys,
    })
}

/// The attributes of the principal: the claims of its ID token.
fn attributes(
    source: &TokenSource,
    snapshot: &Snapshot,
    claims: &Claims,
) -> Result<Vec<(String, Value)>, Error> {
    let schema = snapshot.schema.as_deref();
    let declared = schema.and_then(|schema| schema.attributes(&source.principal_type));
    let members = claims::members(claims, declared, source.group_claim());
    let members = members.map_err(|fault: Fault| Kind::Identity.refused(&fault))?;
    let owned = |(name, value): (&str, Value)| (name.to_owned(), value);
    Ok(members.into_iter().map(owned).collect())
}

fn entity(
    source: &TokenSource,
    id: &str,
    attributes: Vec<(String, Value)>,
    groups: HashSet<String>,
) -> Entity {
    let known = |(name, value): (String, Value)| (name.into(), PartialValue::Value(value));
    let uid = |entity_type, id: &str| EntityUID::from_components(entity_type, Eid::new(id), None);
    let group = |name: String| {
        let entity_type = source.group_type.clone()?;
        Some(uid(entity_type, &source.entity_id(&name)))
    };
    Entity::new_with_attr_partial_value(
        uid(source.principal_type.clone(), id),
        attributes.into_iter().map(known),
        HashSet::new(),
        groups.into_iter().filter_map(group).collect(),
        [],
    )
}

/// A token that could not be verified.
fn failed(kind: Kind, issuer: &Issuer, error: TokenError) -> Error {
    match error {
        // Not the client's fault: the same request may succeed later.
        TokenError::Keys(error) => {
            let keys = &issuer.keys;
            tracing::debug!(?keys, %error, "no keys to verify a token with");
            Error::IdentityProvider
        }
        TokenError::Malformed(_)
        | TokenError::Issuer
        | TokenError::Algorithm
        | TokenError::UnknownKey
        | TokenError::Signature
        | TokenError::Expired
        | TokenError::NotYetValid => kind.refused(&error),
    }
}
