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
        let suffix = match Arn::parse(&self.arn).map(|arn| arn.partition) {
            Some("aws-cn") => "amazonaws.com.cn",
            _ => "amazonaws.com",
        };
        format!("https://cognito-idp.{region}.{suffix}/{pool_id}")
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

/// What is given for the entities that an identity source makes of tokens.
pub(crate) struct Given {
    pub(crate) provider: Provider,
    pub(crate) principal_entity_type: Option<String>,
    /// Where the configuration is in the request.
    pub(crate) path: &'static str,
}

impl Given {
    /// Refuses types that no entities can have. `kept` is the principals' type so far, where there
    /// is one; the result is theirs from now on.
    pub(crate) fn check(&self, kept: Option<&str>) -> Result<String, Error> {
        let kept = || match (kept, &self.provider) {
            // The default of user pools is nothing that anybody has chosen.
            (None | Some(COGNITO_PRINCIPAL), Provider::OpenIdConnect(_)) => Err(Error::bare(
                "Invalid PrincipalEntityType, must not be empty",
            )),
            (None, Provider::Cognito(_)) => Ok(COGNITO_PRINCIPAL.to_owned()),
            (Some(kept), _) => Ok(kept.to_owned()),
        };
        let principal = match &self.principal_entity_type {
            Some(given) => given.clone(),
            None => kept()?,
        };
        check_type(&principal, || "/principalEntityType".to_owned())?;
        let (group, member) = match &self.provider {
            Provider::Cognito(pool) => (
                pool.group_entity_type.as_deref(),
                "cognitoUserPoolConfiguration",
            ),
            Provider::OpenIdConnect(provider) => (
                provider
                    .groups
                    .as_ref()
                    .map(|groups| groups.entity_type.as_str()),
                "openIdConnectConfiguration",
            ),
        };
        let Some(group) = group else {
            return Ok(principal);
        };
        let at = || format!("{}/{member}/groupConfiguration/groupEntityType", self.path);
        check_type(group, at)?;
        if group == principal {
            let text = "Groups and principals cannot be of the same type.";
            return Err(Error::field(at(), text));
        }
        Ok(principal)
    }
}

/// Refuses what is no entity type name, which the shapes let pass, and actions.
fn check_type(name: &str, path: impl Fn() -> String) -> Result<(), Error> {
    let parsed = entity_types::parse(name);
    let parsed =
        parsed.map_err(|text| Error::field(path(), format!("invalid entity type: {text}")))?;
    if parsed.is_action() {
        return Err(Error::field(
            path(),
            "Principals and groups cannot be actions.",
        ));
    }
    Ok(())
}
