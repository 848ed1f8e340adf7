//! `ListIdentitySources`: those of a policy store; the filters of a request are alternatives.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{ListIdentitySourcesInput, ListIdentitySourcesOutput};
use store::Stored;
use wire::page::PageScope;

use crate::access;
use crate::error::Error;
use crate::identity_source::{IdentitySource, IdentitySourceRecord};
use crate::page::{self, PageRequest};
use crate::policy_store::resolve;
use crate::state::VerifiedPermissions;

pub(super) struct ListIdentitySources;

impl Operation for ListIdentitySources {
    type State = VerifiedPermissions;
    type Input = ListIdentitySourcesInput;
    type Output = ListIdentitySourcesOutput;
    type Error = Error;

    const NAME: &'static str = "ListIdentitySources";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a ListIdentitySourcesInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:ListIdentitySources",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: ListIdentitySourcesInput,
    ) -> Result<ListIdentitySourcesOutput, Error> {
        let filters = input.filters.unwrap_or_default();
        let read = state.store.read(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            let filter = serde_json::to_string(&filters).unwrap_or_default();
            let token_scope = PageScope {
                account: &context.scope.account,
                operation: Self::NAME,
                resource: &store.id,
                filter: &filter,
            };
            let token = input.next_token.as_deref();
            let request = PageRequest::new(page::size(input.max_results, 10), token, token_scope)?;
            let page = request.collect(tx, &store.id, |stored: Stored<IdentitySourceRecord>| {
                let (id, record) = (stored.id, stored.record);
                let wanted = filters.is_empty()
                    || filters.iter().any(|filter| {
                        let given = filter.principal_entity_type.as_ref();
                        given.is_none_or(|given| *given == record.principal_entity_type)
                    });
                let source = IdentitySource { id, record };
                Ok(wanted.then(|| source.into_item(store.id.clone())))
            })?;
            Ok::<_, Error>(ListIdentitySourcesOutput {
                identity_sources: page.items,
                next_token: page.next_token,
            })
        });
        read.await
    }
}
