//! `PutSchema`: replaces the schema; `{}` deletes it. Policies that are there are not
//! validated again.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{PutSchemaInput, PutSchemaOutput, SchemaDefinition};
use store::WriteRecords;

use crate::access;
use crate::cedar::compiled_schema;
use crate::cedar::snapshot::Change;
use crate::error::Error;
use crate::policy_store::resolve;
use crate::schema::{self, SchemaRecord};
use crate::state::VerifiedPermissions;

pub(super) struct PutSchema;

impl Operation for PutSchema {
    type State = VerifiedPermissions;
    type Input = PutSchemaInput;
    type Output = PutSchemaOutput;
    type Error = Error;

    const NAME: &'static str = "PutSchema";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a PutSchemaInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:PutSchema",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: PutSchemaInput,
    ) -> Result<PutSchemaOutput, Error> {
        let SchemaDefinition::CedarJson(json) = input.definition;
        let namespaces =
            compiled_schema::check(&json, &state.options.quotas, &input.policy_store_id)?;
        let compiled = state.schemas.compile(json.clone())?;
        let snapshots = Arc::clone(&state.snapshots);
        let write = state.store.write(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            let existing = schema::get(tx, &store.id)?.filter(|record| !record.is_deleted());
            let record = SchemaRecord {
                created: existing.map_or(context.now, |record| record.created),
                updated: context.now,
                json,
                namespaces,
            };
            tx.put_record(&store.id, schema::ID, &record)?;
            let id = store.id.clone();
            let changes = vec![Change::PutSchema(Some(compiled))];
            tx.after_commit(Box::new(move |at| snapshots.publish(&id, at, changes)));
            Ok::<_, Error>(PutSchemaOutput {
                policy_store_id: store.id,
                namespaces: record.namespaces,
                created_date: record.created,
                last_updated_date: record.updated,
            })
        });
        write.await
    }
}
