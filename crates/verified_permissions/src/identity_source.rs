//! Identity sources: the provider whose tokens stand for the principals of a policy store.

use base::{Arn, Timestamp};
use serde::{Deserialize, Serialize};
use store::{ReadRecords, ReadTx, Record, StoreError};

use crate::cedar::entity_types;
use crate::error::{Error, ResourceType};

mod configuration;

/// What principals are when an Amazon Cognito user pool comes without a type for them.
const COGNITO_PRINCIPAL: &str = "AWS::Cognito";
/// What the groups of an Amazon Cognito user pool are when no type is configured.
pub(crate) const COGNITO_GROUP: &str = "AWS::CognitoGroup";

/// An identity source: parent = the policy store, id = the identity source's id.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct IdentitySourceRecord {
    #[serde(with = "resources::micros")]
    pub(crate) created: Timestamp,
    #[serde(with = "resources::micros")]
    pub(crate) updated: Timestamp,
    pub(crate) principal_entity_type: String,
    pub(crate) provider: Provider,
}

impl Record for IdentitySourceRecord {
    const KIND: &'static str = "vp.identity_source";
    const VERSION: u32 = 1;
}

/// Who issues the tokens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Provider {
    Cognito(UserPool),
    OpenIdConnect(OpenIdConnect),
}

/// An Amazon Cognito user pool.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct UserPool {
    pub(crate) arn: String,
    /// Whose tokens are accepted; empty for every client's.
    pub(crate) client_ids: Vec<String>,
    pub(crate) group_entity_type: Option<String>,
}

impl UserPool {
    /// Region and id of the pool; the shape of the ARN was checked when it was given.
    fn parts(&self) -> (&str, &str) {
        let arn = Arn::parse(&self.arn);
        arn.and_then(|arn| Some((arn.region, arn.resource.strip_prefix("userpool/")?)))
            .unwrap_or_default()
    }

    pub(crate) fn pool_id(&self) -> &str {
        self.parts().1
    }

    /// The issuer that Amazon Cognito writes into the pool's tokens.
    pub(crate) fn issuer(&self) -> String {
        let (region, pool_id) = self.parts();
        format!("https://cognito-idp.{region}.amazonaws.com/{pool_id}")
    }
}

/// An OpenID Connect provider. What was not given is not reported either.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct OpenIdConnect {
    pub(crate) issuer: String,
    pub(crate) entity_id_prefix: Option<String>,
    pub(crate) groups: Option<Groups>,
    pub(crate) tokens: TokenSelection,
}

/// Which claim lists the groups of a principal, and what they are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Groups {
    pub(crate) claim: String,
    pub(crate) entity_type: String,
}

/// The one kind of token that a provider's identity source processes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenSelection {
    Access {
        principal_id_claim: Option<String>,
        audiences: Option<Vec<String>>,
    },
    Identity {
        principal_id_claim: Option<String>,
        client_ids: Option<Vec<String>>,
    },
}

/// An identity source that a request names, found.
pub(crate) struct IdentitySource {
    pub(crate) id: String,
    pub(crate) record: IdentitySourceRecord,
}

/// The identity source with this id.
pub(crate) fn by_id(
    tx: &dyn ReadTx,
    policy_store_id: &str,
    id: &str,
) -> Result<IdentitySource, Error> {
    match tx.get_record::<IdentitySourceRecord>(policy_store_id, id)? {
        Some(found) => Ok(IdentitySource {
            id: id.to_owned(),
            record: found.record,
        }),
        None => Err(Error::NotFound(ResourceType::IdentitySource, id.to_owned())),
    }
}

/// The identity source of a policy store; it has one at most.
pub(crate) fn of_policy_store(
    tx: &dyn ReadTx,
    policy_store_id: &str,
) -> Result<Option<IdentitySourceRecord>, StoreError> {
    let mut found = None;
    tx.scan_records::<IdentitySourceRecord, StoreError>(policy_store_id, |stored| {
        found = Some(stored.record);
        Ok(())
    })?;
    Ok(found)
}

/// The type of the principals of a new identity source.
pub(crate) fn principal_entity_type(
    given: Option<String>,
    provider: &Provider,
) -> Result<String, Error> {
    match (given, provider) {
        (Some(given), _) => {
            check_principal_entity_type(&given)?;
            Ok(given)
        }
        (None, Provider::Cognito(_)) => Ok(COGNITO_PRINCIPAL.to_owned()),
        (None, Provider::OpenIdConnect(_)) => Err(Error::bare(
            "Invalid PrincipalEntityType, must not be empty",
        )),
    }
}

/// Refuses what is no entity type name; the shape allows any text.
pub(crate) fn check_principal_entity_type(given: &str) -> Result<(), Error> {
    entity_types::parse(given).map(drop).map_err(|text| {
        Error::field(
            "/principalEntityType",
            format!("invalid entity type: {text}"),
        )
    })
}
