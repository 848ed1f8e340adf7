//! The quotas of the service and what counts against them.

/// The adjustable quotas, with the service's defaults.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quotas {
    /// Policy stores per account and Region.
    pub policy_stores: usize,
    /// Policy templates per policy store.
    pub policy_templates: usize,
    /// Aliases per policy store.
    pub policy_store_aliases: usize,
    /// Bytes of one policy statement.
    pub policy_bytes: usize,
    /// Bytes of all policies that name one resource, and of all that name none.
    pub policy_bytes_per_resource: usize,
    /// Bytes of a schema.
    pub schema_bytes: usize,
    /// Namespaces of a schema.
    pub schema_namespaces: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            policy_stores: 30_000,
            policy_templates: 40,
            policy_store_aliases: 10,
            policy_bytes: 10_000,
            policy_bytes_per_resource: 200_000,
            schema_bytes: 100_000,
            schema_namespaces: 100,
        }
    }
}

/// Bytes of a template's statement; not adjustable.
pub(crate) const TEMPLATE_BYTES: usize = 10_000;
/// Identity sources of a policy store; not adjustable.
pub(crate) const IDENTITY_SOURCES: u64 = 1;
/// Tags of a policy store; not adjustable.
pub(crate) const TAGS: usize = 50;
/// Requests of one batch authorization; not adjustable.
pub(crate) const BATCH_REQUESTS: usize = 30;
/// Transitive parents of one entity; not adjustable.
pub(crate) const TRANSITIVE_PARENTS: usize = 100;
/// Groups of the principal of a token in a batch; not adjustable.
pub(crate) const BATCH_GROUPS: usize = 99;
