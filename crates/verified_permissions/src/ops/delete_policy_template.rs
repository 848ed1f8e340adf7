//! `DeletePolicyTemplate`: removes a template and all policies that link it.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{DeletePolicyTemplateInput, DeletePolicyTemplateOutput};
use store::{ReadRecords, Stored, WriteRecords, WriteTx};

use crate::access;
use crate::cedar::snapshot::Change;
use crate::error::Error;
use crate::name::{self, TemplateNameRecord};
use crate::policy::{self, FoundPolicy, PolicyRecord, Summaries};
use crate::policy_store::resolve;
use crate::policy_template::{self, TemplateRecord};
use crate::quota::Quotas;
use crate::state::VerifiedPermissions;

pub(super) struct DeletePolicyTemplate;

impl Operation for DeletePolicyTemplate {
    type State = VerifiedPermissions;
    type Input = DeletePolicyTemplateInput;
    type Output = DeletePolicyTemplateOutput;
    type Error = Error;

    const NAME: &'static str = "DeletePolicyTemplate";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a DeletePolicyTemplateInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:DeletePolicyTemplate",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: DeletePolicyTemplateInput,
    ) -> Result<DeletePolicyTemplateOutput, Error> {
        let service = Arc::clone(state);
        let write = state.store.write(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            let template = policy_template::resolve(tx, &store.id, &input.policy_template_id)?;
            let quotas = &service.options.quotas;
            let mut changes = delete_links(tx, quotas, &store.id, &template.id)?;
            let name = template.record.name.as_deref();
            name::release::<TemplateNameRecord>(tx, &store.id, name)?;
            tx.delete_record::<TemplateRecord>(&store.id, &template.id)?;
            changes.push(Change::DeleteTemplate(Arc::from(template.id)));
            tx.after_commit(Box::new(move |at| {
                service.snapshots.publish(&store.id, at, changes);
            }));
            Ok::<_, Error>(DeletePolicyTemplateOutput {})
        });
        write.await
    }
}

/// Links that are read at a time.
const CHUNK: usize = 200;

/// Deletes the links of a template, which are found by its key.
fn delete_links(
    tx: &mut dyn WriteTx,
    quotas: &Quotas,
    policy_store_id: &str,
    template_id: &str,
) -> Result<Vec<Change>, Error> {
    policy::keys::complete_here(tx, policy_store_id)?;
    let links = [vec![policy::keys::template_key(template_id)]];
    let mut changes = Vec::new();
    let mut after = None;
    let mut summaries = Summaries::default();
    loop {
        let chunk: Vec<Stored<PolicyRecord>> =
            tx.list_keyed_records(policy_store_id, &links, after.as_ref(), CHUNK)?;
        let is_last = chunk.len() < CHUNK;
        after = chunk.last().map(Stored::position);
        for Stored { id, record, .. } in chunk {
            if record.template_id() == Some(template_id) {
                let link = FoundPolicy { id, record };
                policy::delete_one_of(tx, quotas, policy_store_id, &link, &mut summaries)?;
                changes.push(Change::DeletePolicy(Arc::from(link.id)));
            }
        }
        if is_last {
            return Ok(changes);
        }
    }
}
