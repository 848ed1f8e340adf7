//! `UpdatePolicyTemplate`: another text, description or name. Effect, principal and resource of
//! the scope, slots included, cannot change; the links follow at once.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{UpdatePolicyTemplateInput, UpdatePolicyTemplateOutput};
use store::WriteRecords;

use crate::access;
use crate::cedar::snapshot::Change;
use crate::cedar::statement;
use crate::error::Error;
use crate::name::{self, TemplateNameRecord};
use crate::policy_store::resolve;
use crate::policy_template;
use crate::state::VerifiedPermissions;

pub(super) struct UpdatePolicyTemplate;

impl Operation for UpdatePolicyTemplate {
    type State = VerifiedPermissions;
    type Input = UpdatePolicyTemplateInput;
    type Output = UpdatePolicyTemplateOutput;
    type Error = Error;

    const NAME: &'static str = "UpdatePolicyTemplate";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a UpdatePolicyTemplateInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:UpdatePolicyTemplate",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: UpdatePolicyTemplateInput,
    ) -> Result<UpdatePolicyTemplateOutput, Error> {
        // A template that was created with an open scope may keep it: the scope cannot change.
        let (template, scope) = policy_template::parse(&input.statement, true, |text| {
            Error::field(statement::TEMPLATE_PATH, text)
        })?;
        let service = Arc::clone(state);
        let write = state.store.write(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            let found = policy_template::resolve(tx, &store.id, &input.policy_template_id)?;
            let (id, mut record) = (found.id, found.record);
            record
                .scope
                .check_update(&scope, statement::TEMPLATE_PATH, "policy template")?;
            if let Some(schema) = service.schemas.for_validation(tx, &store)? {
                statement::validate_template(&template, &schema)?;
            }
            record.name =
                name::change::<TemplateNameRecord>(tx, &store.id, &id, record.name, input.name)?;
            if let Some(description) = input.description {
                record.description = Some(description).filter(|text| !text.is_empty());
            }
            record.statement = input.statement;
            record.scope = scope;
            record.updated = context.now;
            tx.put_record(&store.id, &id, &record)?;
            let (published, changed) = (store.id.clone(), Arc::from(id.as_str()));
            tx.after_commit(Box::new(move |at| {
                let changes = vec![Change::PutTemplate(changed, Arc::new(template))];
                service.snapshots.publish(&published, at, changes);
            }));
            Ok::<_, Error>(UpdatePolicyTemplateOutput {
                policy_store_id: store.id,
                policy_template_id: id,
                created_date: record.created,
                last_updated_date: record.updated,
            })
        });
        write.await
    }
}
