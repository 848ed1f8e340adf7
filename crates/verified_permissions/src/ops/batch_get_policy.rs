//! `BatchGetPolicy`: up to 100 policies of any policy stores; what is not found is an item of
//! `errors`, never an exception.

use std::collections::BTreeSet;
use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    BatchGetPolicyErrorCode, BatchGetPolicyErrorItem, BatchGetPolicyInput, BatchGetPolicyInputItem,
    BatchGetPolicyOutput, BatchGetPolicyOutputItem,
};
use store::ReadTx;

use crate::access;
use crate::error::{Error, ResourceType};
use crate::policy;
use crate::policy_store::resolve;
use crate::state::VerifiedPermissions;

pub(super) struct BatchGetPolicy;

impl Operation for BatchGetPolicy {
    type State = VerifiedPermissions;
    type Input = BatchGetPolicyInput;
    type Output = BatchGetPolicyOutput;
    type Error = Error;

    const NAME: &'static str = "BatchGetPolicy";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a BatchGetPolicyInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let stores: BTreeSet<&str> = input
            .requests
            .iter()
            .map(|item| &*item.policy_store_id)
            .collect();
        let mut permissions = Vec::new();
        for store in stores {
            permissions.extend(
                access::policy_store(state, asked, "verifiedpermissions:GetPolicy", store).await?,
            );
        }
        Ok(permissions)
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: BatchGetPolicyInput,
    ) -> Result<BatchGetPolicyOutput, Error> {
        let read = state.store.read(move |tx| {
            let mut output = BatchGetPolicyOutput {
                results: Vec::new(),
                errors: Vec::new(),
            };
            for item in input.requests {
                match get(tx, &context, &item) {
                    Ok(found) => output.results.push(found),
                    Err(Error::NotFound(kind, _)) => output.errors.push(not_found(kind, item)),
                    Err(error) => return Err(error),
                }
            }
            Ok(output)
        });
        read.await
    }
}

fn get(
    tx: &dyn ReadTx,
    context: &RequestContext,
    item: &BatchGetPolicyInputItem,
) -> Result<BatchGetPolicyOutputItem, Error> {
    let store = resolve(tx, context, &item.policy_store_id)?;
    let policy = policy::resolve(tx, &store.id, &item.policy_id)?;
    Ok(BatchGetPolicyOutputItem {
        policy_store_id: store.id,
        policy_id: policy.id,
        policy_type: policy.record.policy_type(),
        definition: policy.record.to_detail(),
        created_date: policy.record.created,
        last_updated_date: policy.record.updated,
        name: policy.record.name,
    })
}

fn not_found(kind: ResourceType, item: BatchGetPolicyInputItem) -> BatchGetPolicyErrorItem {
    let (code, message) = match kind {
        ResourceType::PolicyStore => (
            BatchGetPolicyErrorCode::PolicyStoreNotFound,
            format!(
                "The policy store `{}` does not exist.",
                item.policy_store_id
            ),
        ),
        ResourceType::PolicyStoreAlias => (
            BatchGetPolicyErrorCode::PolicyStoreAliasNotFound,
            format!(
                "The policy store alias `{}` does not exist.",
                item.policy_store_id
            ),
        ),
        ResourceType::Policy
        | ResourceType::PolicyTemplate
        | ResourceType::Schema
        | ResourceType::IdentitySource => (
            BatchGetPolicyErrorCode::PolicyNotFound,
            format!("The policy `{}` does not exist.", item.policy_id),
        ),
    };
    BatchGetPolicyErrorItem {
        code,
        policy_store_id: item.policy_store_id,
        policy_id: item.policy_id,
        message,
    }
}
