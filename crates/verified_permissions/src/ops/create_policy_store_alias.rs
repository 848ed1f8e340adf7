//! `CreatePolicyStoreAlias`: gives a policy store another name. The same again is no error.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    CreatePolicyStoreAliasInput, CreatePolicyStoreAliasOutput,
};
use store::WriteTx;

use crate::access;
use crate::alias::{self, AliasRecord};
use crate::error::{Error, ResourceType};
use crate::policy_store;
use crate::state::VerifiedPermissions;

pub(super) struct CreatePolicyStoreAlias;

impl Operation for CreatePolicyStoreAlias {
    type State = VerifiedPermissions;
    type Input = CreatePolicyStoreAliasInput;
    type Output = CreatePolicyStoreAliasOutput;
    type Error = Error;

    const NAME: &'static str = "CreatePolicyStoreAlias";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a CreatePolicyStoreAliasInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        Ok(vec![
            access::policy_store_alias(
                asked,
                "verifiedpermissions:CreatePolicyStoreAlias",
                &input.alias_name,
            ),
            access::by_id(
                state,
                asked,
                "verifiedpermissions:CreatePolicyStoreAlias",
                &input.policy_store_id,
            ),
        ])
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: CreatePolicyStoreAliasInput,
    ) -> Result<CreatePolicyStoreAliasOutput, Error> {
        alias::check(&input.alias_name)?;
        if alias::is_alias(&input.policy_store_id) {
            return Err(Error::field(
                "/policyStoreId",
                "An alias cannot stand for an alias.",
            ));
        }
        let quota = state.options.quotas.policy_store_aliases;
        let write = state
            .store
            .write(move |tx| create(tx, &context, &input, quota));
        write.await
    }
}

fn create(
    tx: &mut dyn WriteTx,
    context: &RequestContext,
    input: &CreatePolicyStoreAliasInput,
    quota: usize,
) -> Result<CreatePolicyStoreAliasOutput, Error> {
    let (scope, now, name) = (&context.scope, context.now, &input.alias_name);
    let store = policy_store::by_id(tx, scope, &input.policy_store_id)?;
    let output = |record: &AliasRecord| CreatePolicyStoreAliasOutput {
        alias_name: name.clone(),
        policy_store_id: record.policy_store_id.clone(),
        alias_arn: alias::arn(scope, name),
        created_at: record.created,
    };
    if let Some(existing) = alias::find(tx, scope, now, name)? {
        if existing.is_active() && existing.policy_store_id == store.id {
            return Ok(output(&existing));
        }
        let why = if existing.is_active() {
            "already stands for another policy store"
        } else {
            "is pending deletion and cannot be used again yet"
        };
        return Err(Error::Conflict {
            message: format!("The alias `{name}` {why}."),
            resource: (name.clone(), ResourceType::PolicyStoreAlias),
        });
    }
    let mut active = 0;
    for name in alias::names_of(tx, &store.id)? {
        let found = alias::find(tx, scope, now, &name)?;
        active += usize::from(found.is_some_and(|record| record.is_active()));
    }
    if active >= quota {
        let text = format!("A policy store can have at most {quota} aliases.");
        return Err(Error::quota(text, ResourceType::PolicyStoreAlias, store.id));
    }
    let record = AliasRecord::new(&store.id, now);
    alias::put(tx, scope, name, &record)?;
    Ok(output(&record))
}
