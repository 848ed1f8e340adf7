//! Configurations as they are asked for and reported.
//!
//! The model has each of these structures twice, with the same members: once for creating and once
//! for updating, once for getting and once for listing.

use model::verified_permissions::types as wire;

use super::{Groups, IdentitySource, OpenIdConnect, Provider, TokenSelection, UserPool};

macro_rules! given {
    ($configuration:ident, $selection:ident) => {
        impl From<wire::$configuration> for Provider {
            fn from(given: wire::$configuration) -> Self {
                match given {
                    wire::$configuration::CognitoUserPoolConfiguration(pool) => {
                        let groups = pool.group_configuration;
                        Self::Cognito(UserPool {
                            arn: pool.user_pool_arn,
                            client_ids: pool.client_ids.unwrap_or_default(),
                            group_entity_type: groups.map(|groups| groups.group_entity_type),
                        })
                    }
                    wire::$configuration::OpenIdConnectConfiguration(provider) => {
                        let groups = provider.group_configuration.map(|groups| Groups {
                            claim: groups.group_claim,
                            entity_type: groups.group_entity_type,
                        });
                        Self::OpenIdConnect(OpenIdConnect {
                            issuer: provider.issuer,
                            entity_id_prefix: provider.entity_id_prefix,
                            groups,
                            tokens: provider.token_selection.into(),
                        })
                    }
                }
            }
        }

        impl From<wire::$selection> for TokenSelection {
            fn from(given: wire::$selection) -> Self {
                match given {
                    wire::$selection::AccessTokenOnly(tokens) => Self::Access {
                        principal_id_claim: tokens.principal_id_claim,
                        audiences: tokens.audiences,
                    },
                    wire::$selection::IdentityTokenOnly(tokens) => Self::Identity {
                        principal_id_claim: tokens.principal_id_claim,
                        client_ids: tokens.client_ids,
                    },
                }
            }
        }
    };
}

given!(Configuration, OpenIdConnectTokenSelection);
given!(UpdateConfiguration, UpdateOpenIdConnectTokenSelection);

macro_rules! reported {
    (
        $configuration:ident, $pool:ident, $pool_groups:ident, $provider:ident,
        $provider_groups:ident, $selection:ident, $access:ident, $identity:ident, $details:ident
    ) => {
        impl From<Provider> for wire::$configuration {
            fn from(provider: Provider) -> Self {
                match provider {
                    Provider::Cognito(pool) => Self::CognitoUserPoolConfiguration(wire::$pool {
                        issuer: pool.issuer(),
                        user_pool_arn: pool.arn,
                        client_ids: pool.client_ids,
                        group_configuration: pool.group_entity_type.map(|entity_type| {
                            wire::$pool_groups {
                                group_entity_type: Some(entity_type),
                            }
                        }),
                    }),
                    Provider::OpenIdConnect(provider) => {
                        Self::OpenIdConnectConfiguration(wire::$provider {
                            issuer: provider.issuer,
                            entity_id_prefix: provider.entity_id_prefix,
                            group_configuration: provider.groups.map(|groups| {
                                wire::$provider_groups {
                                    group_claim: groups.claim,
                                    group_entity_type: groups.entity_type,
                                }
                            }),
                            token_selection: provider.tokens.into(),
                        })
                    }
                }
            }
        }

        impl From<TokenSelection> for wire::$selection {
            fn from(tokens: TokenSelection) -> Self {
                match tokens {
                    TokenSelection::Access {
                        principal_id_claim,
                        audiences,
                    } => Self::AccessTokenOnly(wire::$access {
                        principal_id_claim,
                        audiences,
                    }),
                    TokenSelection::Identity {
                        principal_id_claim,
                        client_ids,
                    } => Self::IdentityTokenOnly(wire::$identity {
                        principal_id_claim,
                        client_ids,
                    }),
                }
            }
        }

        /// The deprecated form, which only user pools have.
        impl From<&Provider> for Option<wire::$details> {
            fn from(provider: &Provider) -> Self {
                let Provider::Cognito(pool) = provider else {
                    return None;
                };
                Some(wire::$details {
                    client_ids: Some(pool.client_ids.clone()),
                    user_pool_arn: Some(pool.arn.clone()),
                    discovery_url: Some(pool.issuer()),
                    open_id_issuer: Some(wire::OpenIdIssuer::Cognito),
                })
            }
        }
    };
}

reported!(
    ConfigurationDetail,
    CognitoUserPoolConfigurationDetail,
    CognitoGroupConfigurationDetail,
    OpenIdConnectConfigurationDetail,
    OpenIdConnectGroupConfigurationDetail,
    OpenIdConnectTokenSelectionDetail,
    OpenIdConnectAccessTokenConfigurationDetail,
    OpenIdConnectIdentityTokenConfigurationDetail,
    IdentitySourceDetails
);
reported!(
    ConfigurationItem,
    CognitoUserPoolConfigurationItem,
    CognitoGroupConfigurationItem,
    OpenIdConnectConfigurationItem,
    OpenIdConnectGroupConfigurationItem,
    OpenIdConnectTokenSelectionItem,
    OpenIdConnectAccessTokenConfigurationItem,
    OpenIdConnectIdentityTokenConfigurationItem,
    IdentitySourceItemDetails
);

impl IdentitySource {
    /// As GetIdentitySource reports it.
    pub(crate) fn into_output(self, policy_store_id: String) -> wire::GetIdentitySourceOutput {
        let record = self.record;
        wire::GetIdentitySourceOutput {
            policy_store_id,
            identity_source_id: self.id,
            created_date: record.created,
            last_updated_date: record.updated,
            principal_entity_type: record.principal_entity_type,
            details: (&record.provider).into(),
            configuration: Some(record.provider.into()),
        }
    }

    /// As ListIdentitySources reports it.
    pub(crate) fn into_item(self, policy_store_id: String) -> wire::IdentitySourceItem {
        let record = self.record;
        wire::IdentitySourceItem {
            policy_store_id,
            identity_source_id: self.id,
            created_date: record.created,
            last_updated_date: record.updated,
            principal_entity_type: record.principal_entity_type,
            details: (&record.provider).into(),
            configuration: Some(record.provider.into()),
        }
    }
}
