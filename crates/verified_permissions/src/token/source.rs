//! An identity source as decisions use it.

use std::sync::{Arc, OnceLock};

use cedar_policy_core::ast::EntityType;
use store::{Record, StoreError};

use super::providers::Issuer;
use crate::cedar::entity_types;
use crate::identity_source::{
    COGNITO_GROUP, IdentitySourceRecord, Provider, TokenSelection, UserPool,
};

/// The claim that names the principal where no other is configured.
const SUBJECT: &str = "sub";
/// The claim in which Amazon Cognito lists a user's groups.
const COGNITO_GROUPS: &str = "cognito:groups";

/// An identity source with its types parsed.
pub(crate) struct TokenSource {
    pub(crate) provider: Provider,
    pub(crate) principal_type: EntityType,
    /// What groups are, if the provider's tokens list any.
    pub(crate) group_type: Option<EntityType>,
    /// Whose tokens they are, worked out by the first.
    pub(crate) issuer: OnceLock<Issuer>,
}

impl TokenSource {
    /// The types were checked when they were written.
    pub(crate) fn new(record: IdentitySourceRecord) -> Result<Arc<Self>, StoreError> {
        let parse = |name: &str| {
            let parsed = entity_types::parse(name).map_err(|_| StoreError::Corrupt {
                kind: IdentitySourceRecord::KIND,
                part: "an entity type",
            });
            parsed.map(|found| EntityType::clone(&found))
        };
        let group_type = match &record.provider {
            Provider::Cognito(pool) => {
                Some(pool.group_entity_type.as_deref().unwrap_or(COGNITO_GROUP))
            }
            Provider::OpenIdConnect(provider) => provider
                .groups
                .as_ref()
                .map(|groups| groups.entity_type.as_str()),
        };
        Ok(Arc::new(Self {
            principal_type: parse(&record.principal_entity_type)?,
            group_type: group_type.map(parse).transpose()?,
            provider: record.provider,
            issuer: OnceLock::new(),
        }))
    }

    /// The claim that names the principal.
    pub(crate) fn principal_claim(&self) -> &str {
        match &self.provider {
            Provider::Cognito(_) => SUBJECT,
            Provider::OpenIdConnect(provider) => match &provider.tokens {
                TokenSelection::Access {
                    principal_id_claim, ..
                }
                | TokenSelection::Identity {
                    principal_id_claim, ..
                } => principal_id_claim.as_deref().unwrap_or(SUBJECT),
            },
        }
    }

    /// The claim that lists the principal's groups.
    pub(crate) fn group_claim(&self) -> Option<&str> {
        match &self.provider {
            Provider::Cognito(_) => Some(COGNITO_GROUPS),
            Provider::OpenIdConnect(provider) => {
                provider.groups.as_ref().map(|groups| groups.claim.as_str())
            }
        }
    }

    /// The id of the entity that `name` of a claim stands for.
    pub(crate) fn entity_id(&self, name: &str) -> String {
        let prefix = match &self.provider {
            Provider::Cognito(pool) => Some(pool.pool_id()),
            Provider::OpenIdConnect(provider) => provider.entity_id_prefix.as_deref(),
        };
        match prefix {
            Some(prefix) => format!("{prefix}|{name}"),
            None => name.to_owned(),
        }
    }

    /// The user pool, if the provider is one.
    pub(crate) fn user_pool(&self) -> Option<&UserPool> {
        match &self.provider {
            Provider::Cognito(pool) => Some(pool),
            Provider::OpenIdConnect(_) => None,
        }
    }
}
