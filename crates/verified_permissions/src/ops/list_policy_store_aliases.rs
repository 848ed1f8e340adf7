//! `ListPolicyStoreAliases`: the caller's aliases, oldest first, five a page unless asked otherwise.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    ListPolicyStoreAliasesInput, ListPolicyStoreAliasesOutput,
};
use store::Stored;
use wire::page::PageScope;

use crate::alias::{self, AliasRecord};
use crate::error::Error;
use crate::page::{self, PageRequest};
use crate::policy_store;
use crate::state::VerifiedPermissions;

pub(super) struct ListPolicyStoreAliases;

impl Operation for ListPolicyStoreAliases {
    type State = VerifiedPermissions;
    type Input = ListPolicyStoreAliasesInput;
    type Output = ListPolicyStoreAliasesOutput;
    type Error = Error;

    const NAME: &'static str = "ListPolicyStoreAliases";

    async fn permissions<'a>(
        _: &'a Arc<VerifiedPermissions>,
        _: &'a Asked,
        _: &'a ListPolicyStoreAliasesInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        Ok(vec![Permission::new(
            "verifiedpermissions:ListPolicyStoreAliases",
            "*",
        )])
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: ListPolicyStoreAliasesInput,
    ) -> Result<ListPolicyStoreAliasesOutput, Error> {
        let read = state.store.read(move |tx| {
            let (scope, now) = (&context.scope, context.now);
            let filter = input.filter.and_then(|filter| filter.policy_store_id);
            let only = match &filter {
                Some(store) if alias::is_alias(store) => {
                    match alias::policy_store_of(tx, scope, now, store) {
                        // An alias of nothing filters as an unknown policy store does.
                        Err(Error::NotFound(..)) => Some(String::new()),
                        found => Some(found?),
                    }
                }
                other => other.clone(),
            };
            let token_scope = PageScope {
                account: &scope.account,
                operation: Self::NAME,
                resource: scope.region.as_str(),
                filter: filter.as_deref().unwrap_or_default(),
            };
            let token = input.next_token.as_deref();
            let request = PageRequest::new(page::size(input.max_results, 5), token, token_scope)?;
            let world = policy_store::world(scope);
            let page = request.collect(tx, &world, |stored: Stored<AliasRecord>| {
                let Stored {
                    id: name, record, ..
                } = stored;
                let wanted = record.is_present(now)
                    && only.as_ref().is_none_or(|id| *id == record.policy_store_id);
                Ok(wanted.then(|| record.to_item(scope, &name)))
            })?;
            Ok::<_, Error>(ListPolicyStoreAliasesOutput {
                policy_store_aliases: page.items,
                next_token: page.next_token,
            })
        });
        read.await
    }
}
