//! `UpdatePolicy`: another text for a static policy, another name for any policy. Effect,
//! principal and resource of the scope cannot change.

use std::sync::Arc;

use cedar_policy::Policy;
use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    UpdatePolicyDefinition, UpdatePolicyInput, UpdatePolicyOutput, UpdateStaticPolicyDefinition,
};
use store::{WriteRecords, WriteTx};

use crate::access;
use crate::cedar::compiled_schema::CompiledSchema;
use crate::cedar::snapshot::Change;
use crate::cedar::statement;
use crate::entity::{EntityRef, PolicyScope};
use crate::error::Error;
use crate::name::{self, PolicyNameRecord};
use crate::policy::{self, Definition, PolicyRecord, Summaries};
use crate::policy_store::resolve;
use crate::quota::Quotas;
use crate::resource_bytes;
use crate::state::VerifiedPermissions;

pub(super) struct UpdatePolicy;

impl Operation for UpdatePolicy {
    type State = VerifiedPermissions;
    type Input = UpdatePolicyInput;
    type Output = UpdatePolicyOutput;
    type Error = Error;

    const NAME: &'static str = "UpdatePolicy";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a UpdatePolicyInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:UpdatePolicy",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: UpdatePolicyInput,
    ) -> Result<UpdatePolicyOutput, Error> {
        let quotas = state.options.quotas.clone();
        let parsed = match input.definition {
            None => None,
            Some(UpdatePolicyDefinition::Static(definition)) => {
                policy::check_size(&definition.statement, &quotas, &input.policy_store_id)?;
                Some((statement::parse_static(&definition.statement)?, definition))
            }
        };
        let service = Arc::clone(state);
        let write = state.store.write(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            let policy = policy::resolve(tx, &store.id, &input.policy_id)?;
            let (id, mut record) = (policy.id, policy.record);
            record.name =
                name::change::<PolicyNameRecord>(tx, &store.id, &id, record.name, input.name)?;
            let mut changes = Vec::new();
            if let Some((policy, definition)) = parsed {
                let schema = service.schemas.for_validation(tx, &store)?;
                redefine(
                    tx,
                    &quotas,
                    &store.id,
                    &mut record,
                    definition,
                    &policy,
                    schema.as_deref(),
                )?;
                changes.push(Change::PutPolicy(Arc::from(id.as_str()), record.compile()?));
            }
            record.updated = context.now;
            tx.put_record(&store.id, &id, &record)?;
            let summary = Summaries::default().of(tx, &store.id, &record)?;
            let published = store.id.clone();
            tx.after_commit(Box::new(move |at| {
                service.snapshots.publish(&published, at, changes);
            }));
            Ok::<_, Error>(UpdatePolicyOutput {
                policy_store_id: store.id,
                policy_id: id,
                policy_type: record.policy_type(),
                principal: summary.principal,
                resource: summary.resource,
                actions: summary.actions,
                created_date: record.created,
                last_updated_date: record.updated,
                effect: Some(summary.effect),
            })
        });
        write.await
    }
}

/// Gives `record` the new text, after all checks.
fn redefine(
    tx: &mut dyn WriteTx,
    quotas: &Quotas,
    policy_store_id: &str,
    record: &mut PolicyRecord,
    new: UpdateStaticPolicyDefinition,
    policy: &Policy,
    schema: Option<&CompiledSchema>,
) -> Result<(), Error> {
    let old_bytes = record.bytes();
    let Definition::Static { scope: old, .. } = &record.definition else {
        let text = "A template-linked policy has no static definition that could be updated.";
        return Err(Error::field("/definition/static", text));
    };
    let scope = PolicyScope::from(policy);
    old.check_update(&scope, "/definition/static/statement", "policy")?;
    if let Some(schema) = schema {
        statement::validate_static(policy, schema)?;
    }
    let resource: Option<EntityRef> = scope.resource.entity(None).cloned();
    record.definition = Definition::Static {
        description: new.description.filter(|text| !text.is_empty()),
        statement: new.statement,
        scope,
    };
    let new_bytes = record.bytes();
    resource_bytes::change(
        tx,
        quotas,
        policy_store_id,
        resource.as_ref(),
        old_bytes,
        new_bytes,
    )
}
