//! `GetPolicyTemplate`: a template with its text, byte for byte as it was given.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{GetPolicyTemplateInput, GetPolicyTemplateOutput};

use crate::access;
use crate::error::Error;
use crate::policy_store::resolve;
use crate::policy_template;
use crate::state::VerifiedPermissions;

pub(super) struct GetPolicyTemplate;

impl Operation for GetPolicyTemplate {
    type State = VerifiedPermissions;
    type Input = GetPolicyTemplateInput;
    type Output = GetPolicyTemplateOutput;
    type Error = Error;

    const NAME: &'static str = "GetPolicyTemplate";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a GetPolicyTemplateInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:GetPolicyTemplate",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: GetPolicyTemplateInput,
    ) -> Result<GetPolicyTemplateOutput, Error> {
        let read = state.store.read(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            let template = policy_template::resolve(tx, &store.id, &input.policy_template_id)?;
            Ok::<_, Error>(GetPolicyTemplateOutput {
                policy_store_id: store.id,
                policy_template_id: template.id,
                description: template.record.description,
                statement: template.record.statement,
                created_date: template.record.created,
                last_updated_date: template.record.updated,
                name: template.record.name,
            })
        });
        read.await
    }
}
