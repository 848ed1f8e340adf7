//! `GetPolicyStoreAlias`: what an alias stands for; a soft-deleted one answers for 24 hours.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{GetPolicyStoreAliasInput, GetPolicyStoreAliasOutput};

use crate::access;
use crate::alias;
use crate::error::{Error, ResourceType};
use crate::state::VerifiedPermissions;

pub(super) struct GetPolicyStoreAlias;

impl Operation for GetPolicyStoreAlias {
    type State = VerifiedPermissions;
    type Input = GetPolicyStoreAliasInput;
    type Output = GetPolicyStoreAliasOutput;
    type Error = Error;

    const NAME: &'static str = "GetPolicyStoreAlias";

    async fn permissions<'a>(
        _: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a GetPolicyStoreAliasInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        Ok(vec![access::policy_store_alias(
            asked,
            "verifiedpermissions:GetPolicyStoreAlias",
            &input.alias_name,
        )])
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: GetPolicyStoreAliasInput,
    ) -> Result<GetPolicyStoreAliasOutput, Error> {
        alias::check(&input.alias_name)?;
        let read = state.store.read(move |tx| {
            let (scope, name) = (&context.scope, input.alias_name);
            let record = alias::find(tx, scope, context.now, &name)?;
            let record = record
                .ok_or_else(|| Error::NotFound(ResourceType::PolicyStoreAlias, name.clone()))?;
            let item = record.to_item(scope, &name);
            Ok::<_, Error>(GetPolicyStoreAliasOutput {
                alias_name: item.alias_name,
                policy_store_id: item.policy_store_id,
                alias_arn: item.alias_arn,
                created_at: item.created_at,
                state: item.state,
            })
        });
        read.await
    }
}
