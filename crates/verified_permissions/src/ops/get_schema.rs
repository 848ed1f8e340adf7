//! `GetSchema`: the schema's text as it was put.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{GetSchemaInput, GetSchemaOutput};

use crate::access;
use crate::error::{Error, ResourceType};
use crate::policy_store::resolve;
use crate::schema;
use crate::state::VerifiedPermissions;

pub(super) struct GetSchema;

impl Operation for GetSchema {
    type State = VerifiedPermissions;
    type Input = GetSchemaInput;
    type Output = GetSchemaOutput;
    type Error = Error;

    const NAME: &'static str = "GetSchema";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a GetSchemaInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:GetSchema",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: GetSchemaInput,
    ) -> Result<GetSchemaOutput, Error> {
        let read = state.store.read(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            let record = schema::get(tx, &store.id)?.filter(|record| !record.is_deleted());
            let record =
                record.ok_or_else(|| Error::NotFound(ResourceType::Schema, store.id.clone()))?;
            Ok::<_, Error>(GetSchemaOutput {
                policy_store_id: store.id,
                schema: record.json,
                created_date: record.created,
                last_updated_date: record.updated,
                namespaces: Some(record.namespaces),
            })
        });
        read.await
    }
}
