//! `DeletePolicyStoreAlias`: soft (the name stays reserved for 24 hours) or hard. An
//! unknown alias is no error.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    DeletePolicyStoreAliasInput, DeletePolicyStoreAliasOutput, DeletionMode,
};

use crate::access;
use crate::alias;
use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct DeletePolicyStoreAlias;

impl Operation for DeletePolicyStoreAlias {
    type State = VerifiedPermissions;
    type Input = DeletePolicyStoreAliasInput;
    type Output = DeletePolicyStoreAliasOutput;
    type Error = Error;

    const NAME: &'static str = "DeletePolicyStoreAlias";

    async fn permissions<'a>(
        _: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a DeletePolicyStoreAliasInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        Ok(vec![access::policy_store_alias(
            asked,
            "verifiedpermissions:DeletePolicyStoreAlias",
            &input.alias_name,
        )])
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: DeletePolicyStoreAliasInput,
    ) -> Result<DeletePolicyStoreAliasOutput, Error> {
        alias::check(&input.alias_name)?;
        let write = state.store.write(move |tx| {
            let (scope, name) = (&context.scope, &input.alias_name);
            match input.deletion_mode {
                None | Some(DeletionMode::SoftDelete) => {
                    alias::soft_delete(tx, scope, context.now, name)?;
                }
                Some(DeletionMode::HardDelete) => alias::hard_delete(tx, scope, name)?,
            }
            Ok::<_, Error>(DeletePolicyStoreAliasOutput {})
        });
        write.await
    }
}
