//! `ListPolicyTemplates`: oldest first, without the statements.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    ListPolicyTemplatesInput, ListPolicyTemplatesOutput, PolicyTemplateItem,
};
use store::Stored;
use wire::page::PageScope;

use crate::access;
use crate::error::Error;
use crate::page::{self, PageRequest};
use crate::policy_store::resolve;
use crate::policy_template::TemplateRecord;
use crate::state::VerifiedPermissions;

pub(super) struct ListPolicyTemplates;

impl Operation for ListPolicyTemplates {
    type State = VerifiedPermissions;
    type Input = ListPolicyTemplatesInput;
    type Output = ListPolicyTemplatesOutput;
    type Error = Error;

    const NAME: &'static str = "ListPolicyTemplates";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a ListPolicyTemplatesInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:ListPolicyTemplates",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: ListPolicyTemplatesInput,
    ) -> Result<ListPolicyTemplatesOutput, Error> {
        let read = state.store.read(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            let token_scope = PageScope {
                account: &context.scope.account,
                operation: Self::NAME,
                resource: &store.id,
                filter: "",
            };
            let token = input.next_token.as_deref();
            let request = PageRequest::new(page::size(input.max_results, 10), token, token_scope)?;
            let page = request.collect(tx, &store.id, |stored: Stored<TemplateRecord>| {
                Ok(Some(PolicyTemplateItem {
                    policy_store_id: store.id.clone(),
                    policy_template_id: stored.id,
                    description: stored.record.description,
                    created_date: stored.record.created,
                    last_updated_date: stored.record.updated,
                    name: stored.record.name,
                }))
            })?;
            Ok::<_, Error>(ListPolicyTemplatesOutput {
                policy_templates: page.items,
                next_token: page.next_token,
            })
        });
        read.await
    }
}
