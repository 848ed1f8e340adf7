//! Cluster policies: the one resource-based policy that a cluster may have.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use frontdoor::{Permission, RequestContext, ResourceTags};
use iam::policy::public_access::public_statement;
use iam::policy::{Document, DocumentKind, NamedDocument, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{ReadRecords, ReadTx, Record, StoreError, WriteRecords, WriteTx};

use crate::action_pattern;
use crate::cluster::Cluster;
use crate::error::{Error, Reason, ResourceType};

/// The id of a cluster's only policy.
const ID: &str = "policy";

/// A cluster's policy: parent = the cluster.
#[derive(Serialize, Deserialize)]
pub(crate) struct ClusterPolicyRecord {
    pub(crate) version: u64,
    /// As it was put, byte for byte.
    pub(crate) text: String,
}

impl Record for ClusterPolicyRecord {
    const KIND: &'static str = "dsql.cluster_policy";
    const VERSION: u32 = 1;
}

/// The policy of a cluster.
pub(crate) fn find(tx: &dyn ReadTx, cluster: &Cluster) -> Result<ClusterPolicyRecord, Error> {
    match cluster.record.policy_version {
        Some(_) => Ok(stored(tx, cluster)?),
        None => Err(missing(cluster)),
    }
}

/// The policy of a cluster that has one.
fn stored(tx: &dyn ReadTx, cluster: &Cluster) -> Result<ClusterPolicyRecord, StoreError> {
    let found = tx.get_record::<ClusterPolicyRecord>(&cluster.id, ID)?;
    let found = found.ok_or_else(|| corrupt("it is missing"))?;
    Ok(found.record)
}

/// Gives the cluster a policy, and writes both. Returns the policy's version.
pub(crate) fn put(tx: &mut dyn WriteTx, cluster: &mut Cluster, text: String) -> Result<u64, Error> {
    let version = cluster.record.policies.saturating_add(1);
    cluster.record.policies = version;
    cluster.record.policy_version = Some(version);
    cluster.put(tx)?;
    tx.put_record(&cluster.id, ID, &ClusterPolicyRecord { version, text })?;
    Ok(version)
}

/// Takes the cluster's policy away. Returns the version that it had.
pub(crate) fn delete(tx: &mut dyn WriteTx, cluster: &mut Cluster) -> Result<u64, Error> {
    let version = cluster.record.policy_version.take();
    let version = version.ok_or_else(|| missing(cluster))?;
    cluster.put(tx)?;
    tx.delete_record::<ClusterPolicyRecord>(&cluster.id, ID)?;
    Ok(version)
}

fn missing(cluster: &Cluster) -> Error {
    Error::NotFound(ResourceType::ClusterPolicy, cluster.id.clone())
}

fn corrupt(part: &'static str) -> StoreError {
    StoreError::Corrupt {
        kind: ClusterPolicyRecord::KIND,
        part,
    }
}

/// Refuses a request that expects another version than the cluster's policy has.
pub(crate) fn check_version(cluster: &Cluster, expected: Option<&str>) -> Result<(), Error> {
    let Some(expected) = expected else {
        return Ok(());
    };
    let message = match cluster.record.policy_version {
        Some(current) if current.to_string() == expected => return Ok(()),
        Some(current) => format!("The policy has the version `{current}`, not `{expected}`."),
        None => format!("There is no policy, and so none of version `{expected}`."),
    };
    Err(Error::Conflict {
        message,
        resource: (ResourceType::ClusterPolicy, cluster.id.clone()),
    })
}

/// Compiles the text of a policy that a client wants a cluster to have.
///
/// It must be a valid resource-based policy that speaks of actions of Aurora DSQL only and lets
/// nobody in without saying whom (Aurora DSQL User Guide, *Block public access*).
pub(crate) fn check(text: &str) -> Result<Arc<Document>, Error> {
    // As `iam` reads it: a byte order mark may stand in front.
    let json: Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            Error::Validation {
                reason: Reason::CannotParse,
                message: format!("The policy is not a JSON document: {error}"),
                field: Some(FIELD),
            }
        })?;
    let document = Document::parse(DocumentKind::Resource, text)
        .map_err(|error| Error::field(FIELD, format!("The policy is not valid: {error}")))?;
    check_statements(&json)?;
    if let Some(statement) = public_statement(&document) {
        let sid = statement.sid.as_deref();
        let name = statement_name(Some(statement.index), sid);
        return Err(Error::invalid(format!(
            "The policy would give public access, which is blocked: {name} allows everyone and no \
             condition limits it to fixed accounts, organizations, principals or networks."
        )));
    }
    Ok(Arc::new(document))
}

const FIELD: &str = "policy";

/// Checks the action patterns and the conditions of a document that has been compiled.
fn check_statements(document: &Value) -> Result<(), Error> {
    let check_one = |index, statement: &Value| {
        if let Some(fault) = condition_fault(statement) {
            let sid = statement.get("Sid").and_then(Value::as_str);
            let name = statement_name(index, sid);
            let message = format!("The policy is not valid: {name}: Condition: {fault}");
            return Err(Error::field(FIELD, message));
        }
        for element in ["Action", "NotAction"] {
            for pattern in texts(statement.get(element)) {
                action_pattern::check(pattern).map_err(|fault| {
                    let sid = statement.get("Sid").and_then(Value::as_str);
                    let name = statement_name(index, sid);
                    Error::field(
                        FIELD,
                        format!("The policy is not valid: {name}: {element}: {fault}"),
                    )
                })?;
            }
        }
        Ok(())
    };
    match document.get("Statement") {
        Some(Value::Array(list)) => {
            let mut list = list.iter().enumerate();
            list.try_for_each(|(index, statement)| check_one(Some(index), statement))
        }
        Some(single) => check_one(None, single),
        None => Ok(()),
    }
}

/// What can only be a slip: a key without a service prefix, which no request has, and a Boolean
/// that is none. Such a condition never holds, or always, and a cluster's policy that says
/// something else than was meant locks people out or lets them in.
fn condition_fault(statement: &Value) -> Option<String> {
    let operators = statement.get("Condition")?.as_object()?;
    for (operator, keys) in operators {
        let lower = operator.to_ascii_lowercase();
        let boolean = lower == "null" || lower.contains("bool");
        for (key, values) in keys.as_object()? {
            if !key.contains(':') {
                return Some(format!("{operator}: {key:?} is no condition key"));
            }
            let no_boolean = |text: &&str| {
                !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false")
            };
            if boolean && let Some(text) = texts(Some(values)).find(no_boolean) {
                return Some(format!(
                    "{operator}: {key}: {text:?} is neither true nor false"
                ));
            }
        }
    }
    None
}

/// One text, or those of a list.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    value.into_iter().chain(list).filter_map(Value::as_str)
}

/// The name of a statement in messages, as `iam` has it.
fn statement_name(index: Option<usize>, sid: Option<&str>) -> String {
    let place = index.map_or_else(|| "Statement".to_owned(), |at| format!("Statement[{at}]"));
    match sid.filter(|sid| !sid.is_empty()) {
        Some(sid) => format!("{place} ({sid:?})"),
        None => place,
    }
}

/// Whether a policy would lock its caller out, found out before the write: what conditions cost
/// must not hold up the writes of others.
pub(crate) struct LockoutCheck {
    tags: BTreeMap<String, String>,
    locks_out: bool,
}

impl LockoutCheck {
    /// Asks whether the caller, asking as now, could put another policy under this one.
    pub(crate) fn new(
        context: &RequestContext,
        cluster: &Cluster,
        document: &Arc<Document>,
    ) -> Self {
        let tags = cluster.record.tags.clone();
        let mut permission = Permission::new("dsql:PutClusterPolicy", cluster.arn().to_string());
        permission.resource_policy = Some(named(cluster, Arc::clone(document)));
        permission.resource_tags = ResourceTags::Known(tags.clone());
        let locks_out = context.decide(&permission).outcome != Outcome::Allow;
        Self { tags, locks_out }
    }

    /// Refuses a policy that would lock its caller out of the cluster as it is now.
    pub(crate) fn settle(
        self,
        context: &RequestContext,
        cluster: &Cluster,
        document: &Arc<Document>,
    ) -> Result<(), Error> {
        let locks_out = if self.tags == cluster.record.tags {
            self.locks_out
        } else {
            Self::new(context, cluster, document).locks_out
        };
        if !locks_out {
            return Ok(());
        }
        Err(Error::invalid(
            "The policy would lock you out: under it you could not call PutClusterPolicy again. To \
             put it all the same, set bypassPolicyLockoutSafetyCheck.",
        ))
    }
}

/// The document, as decisions call it.
fn named(cluster: &Cluster, document: Arc<Document>) -> NamedDocument {
    NamedDocument {
        name: format!("cluster policy of {}", cluster.arn()).into(),
        document,
    }
}

/// Compiled policies: every request about a cluster consults its policy.
#[derive(Default)]
pub(crate) struct PolicyCache(Mutex<HashMap<String, (u64, NamedDocument)>>);

/// The most clusters whose policies are kept compiled.
const CACHED: usize = 512;

impl PolicyCache {
    /// The policy of a cluster, if it has one.
    pub(crate) fn of(
        &self,
        tx: &dyn ReadTx,
        cluster: &Cluster,
    ) -> Result<Option<NamedDocument>, StoreError> {
        let Some(version) = cluster.record.policy_version else {
            return Ok(None);
        };
        if let Some(known) = self.get(&cluster.id, version) {
            return Ok(Some(known));
        }
        let text = stored(tx, cluster)?.text;
        let document = Document::parse(DocumentKind::Resource, &text)
            .map_err(|_| corrupt("this program does not understand it"))?;
        let policy = named(cluster, Arc::new(document));
        self.insert(&cluster.id, version, policy.clone());
        Ok(Some(policy))
    }

    fn get(&self, cluster_id: &str, version: u64) -> Option<NamedDocument> {
        let cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, policy) = cache.get(cluster_id)?;
        (*known == version).then(|| policy.clone())
    }

    fn insert(&self, cluster_id: &str, version: u64, policy: NamedDocument) {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever reads an old snapshot does not displace what the others need.
        if cache
            .get(cluster_id)
            .is_some_and(|(known, _)| *known > version)
        {
            return;
        }
        if cache.len() >= CACHED && !cache.contains_key(cluster_id) {
            let any = cache.keys().next().cloned();
            any.and_then(|any| cache.remove(&any));
        }
        cache.insert(cluster_id.to_owned(), (version, policy));
    }
}

#[cfg(test)]
mod tests;
