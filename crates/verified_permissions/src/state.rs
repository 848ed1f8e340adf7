//! What the operations share.

use std::sync::Arc;
use std::time::Duration;

use base::Entropy;
use jwt::Providers;
use store::Store;

use crate::cedar::snapshots::Snapshots;
use crate::quota::Quotas;
use crate::schema::SchemaCache;
use crate::token::providers::{CognitoIssuer, IdentityProviders};
use crate::token::remembered::Remembered;

/// Where the service departs from its defaults, at the operator's wish.
#[derive(Clone, Debug)]
pub struct Options {
    /// The adjustable quotas.
    pub quotas: Quotas,
    /// Accept templates whose scope leaves the principal or the resource unconstrained. Valid
    /// Cedar, but the documentation says that the service refuses it.
    pub allow_unconstrained_template_scope: bool,
    /// Enforce the service's request rates with ThrottlingException.
    pub request_rates: bool,
    /// Bytes of memory for the compiled bodies of static policies, of all policy stores together.
    pub compiled_policy_bytes: u64,
    /// A policy store that nobody asks for a decision leaves memory after this time, or at most
    /// twice this time.
    pub policy_store_idle_after: Duration,
    /// Where user pools are that are not where Amazon Cognito has them.
    pub cognito_issuers: Vec<CognitoIssuer>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quotas: Quotas::default(),
            allow_unconstrained_template_scope: false,
            request_rates: false,
            compiled_policy_bytes: 128 << 20,
            policy_store_idle_after: Duration::from_secs(600),
            cognito_issuers: Vec::new(),
        }
    }
}

/// The state of the service: one per server.
pub struct VerifiedPermissions {
    pub(crate) store: Store,
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) schemas: Arc<SchemaCache>,
    pub(crate) providers: IdentityProviders,
    pub(crate) remembered: Remembered,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) options: Options,
}

impl VerifiedPermissions {
    /// The service over `store`; ids come from `entropy`, and the keys that verify tokens from
    /// `providers`.
    pub fn new(
        store: Store,
        entropy: Arc<dyn Entropy>,
        providers: Providers,
        options: Options,
    ) -> Self {
        let providers = IdentityProviders::new(providers, options.cognito_issuers.clone());
        let schemas = Arc::new(SchemaCache::default());
        let snapshots = Arc::new(Snapshots::new(
            store.clone(),
            Arc::clone(&schemas),
            &options,
        ));
        Self {
            store,
            snapshots,
            schemas,
            providers,
            remembered: Remembered::default(),
            entropy,
            options,
        }
    }
}
