//! `ListPolicyStores`: the caller's policy stores, oldest first.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    ListPolicyStoresInput, ListPolicyStoresOutput, PolicyStoreItem,
};
use store::Stored;
use wire::page::PageScope;

use crate::error::Error;
use crate::page::{self, PageRequest};
use crate::policy_store::{self, PolicyStoreRecord};
use crate::state::VerifiedPermissions;

pub(super) struct ListPolicyStores;

impl Operation for ListPolicyStores {
    type State = VerifiedPermissions;
    type Input = ListPolicyStoresInput;
    type Output = ListPolicyStoresOutput;
    type Error = Error;

    const NAME: &'static str = "ListPolicyStores";

    async fn permissions<'a>(
        _: &'a Arc<VerifiedPermissions>,
        _: &'a Asked,
        _: &'a ListPolicyStoresInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        Ok(vec![Permission::new(
            "verifiedpermissions:ListPolicyStores",
            "*",
        )])
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: ListPolicyStoresInput,
    ) -> Result<ListPolicyStoresOutput, Error> {
        let read = state.store.read(move |tx| {
            let scope = &context.scope;
            let token_scope = PageScope {
                account: &scope.account,
                operation: Self::NAME,
                resource: scope.region.as_str(),
                filter: "",
            };
            let token = input.next_token.as_deref();
            let request = PageRequest::new(page::size(input.max_results, 10), token, token_scope)?;
            let world = policy_store::world(scope);
            let page = request.collect(tx, &world, |stored: Stored<PolicyStoreRecord>| {
                let Stored { id, record, .. } = stored;
                Ok(Some(PolicyStoreItem {
                    arn: policy_store::arn(scope, &id),
                    policy_store_id: id,
                    created_date: record.created,
                    last_updated_date: Some(record.updated),
                    description: record.description,
                }))
            })?;
            Ok::<_, Error>(ListPolicyStoresOutput {
                policy_stores: page.items,
                next_token: page.next_token,
            })
        });
        read.await
    }
}
