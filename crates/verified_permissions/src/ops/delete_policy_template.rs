//! `DeletePolicyTemplate`: removes a template and all policies that link it.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{DeletePolicyTemplateInput, DeletePolicyTemplateOutput};
use store::{Stored, WriteRecords};

use crate::access;
use crate::cedar::snapshot::Change;
use crate::error::Error;
use crate::name::{self, TemplateNameRecord};
use crate::page::for_each;
use crate::policy::{self, FoundPolicy, PolicyRecord};
use crate::policy_store::resolve;
use crate::policy_template::{self, TemplateRecord};
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
            let mut links = Vec::new();
            for_each(tx, &store.id, |stored: Stored<PolicyRecord>| {
                if stored.record.template_id() == Some(&template.id) {
                    links.push(FoundPolicy {
                        id: stored.id,
                        record: stored.record,
                    });
                }
                Ok(())
            })?;
            for link in &links {
                policy::delete(tx, &service.options.quotas, &store.id, link)?;
            }
            let name = template.record.name.as_deref();
            name::release::<TemplateNameRecord>(tx, &store.id, name)?;
            tx.delete_record::<TemplateRecord>(&store.id, &template.id)?;
            tx.after_commit(Box::new(move |at| {
                let links = links
                    .into_iter()
                    .map(|link| Change::DeletePolicy(Arc::from(link.id)));
                let template = Change::DeleteTemplate(Arc::from(template.id));
                let changes = links.chain(std::iter::once(template)).collect();
                service.snapshots.publish(&store.id, at, changes);
            }));
            Ok::<_, Error>(DeletePolicyTemplateOutput {})
        });
        write.await
    }
}
