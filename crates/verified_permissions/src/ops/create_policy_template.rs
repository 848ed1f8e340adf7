//! `CreatePolicyTemplate`: a policy with slots.

use std::sync::Arc;

use base::{Timestamp, resource_id};
use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{CreatePolicyTemplateInput, CreatePolicyTemplateOutput};
use serde::{Deserialize, Serialize};
use store::{ReadRecords, WriteRecords};

use crate::access;
use crate::cedar::snapshot::Change;
use crate::cedar::statement;
use crate::error::{Error, ResourceType};
use crate::idempotency::Idempotent;
use crate::name::{self, TemplateNameRecord};
use crate::policy_store::resolve;
use crate::policy_template::{self, TemplateRecord};
use crate::state::VerifiedPermissions;

pub(super) struct CreatePolicyTemplate;

impl Operation for CreatePolicyTemplate {
    type State = VerifiedPermissions;
    type Input = CreatePolicyTemplateInput;
    type Output = CreatePolicyTemplateOutput;
    type Error = Error;

    const NAME: &'static str = "CreatePolicyTemplate";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a CreatePolicyTemplateInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:CreatePolicyTemplate",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        mut input: CreatePolicyTemplateInput,
    ) -> Result<CreatePolicyTemplateOutput, Error> {
        let token = input.client_token.take();
        let request = Idempotent::new(Self::NAME, ResourceType::PolicyTemplate, token, &input);
        let name = name::check(input.name.take())?;
        let allow_open = state.options.allow_unconstrained_template_scope;
        let (template, scope) = policy_template::parse(&input.statement, allow_open, |text| {
            Error::quota(
                text,
                ResourceType::PolicyTemplate,
                input.policy_store_id.clone(),
            )
        })?;
        let id = resource_id(state.entropy.as_ref());
        let service = Arc::clone(state);
        let write = state.store.write(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            if let Some(Created { id, at }) = request.earlier(tx, &store.id, context.now)? {
                return Ok(output(store.id, id, at));
            }
            if let Some(schema) = service.schemas.for_validation(tx, &store)? {
                statement::validate_template(&template, &schema)?;
            }
            let limit = service.options.quotas.policy_templates;
            if tx.count_records::<TemplateRecord>(&store.id)? >= limit as u64 {
                let text = format!("A policy store can have at most {limit} policy templates.");
                let error = Error::quota(text, ResourceType::PolicyTemplate, store.id);
                return Err(error.with_quota_code("L-97BDA0CF"));
            }
            if let Some(name) = &name {
                name::claim::<TemplateNameRecord>(tx, &store.id, name, &id)?;
            }
            let at = context.now;
            let record = TemplateRecord {
                created: at,
                updated: at,
                name,
                description: input.description.filter(|text| !text.is_empty()),
                statement: input.statement,
                scope,
            };
            tx.insert_record(&store.id, &id, &record)?;
            request.remember(tx, &store.id, at, &id, &Created { id: id.clone(), at })?;
            let (published, changed) = (store.id.clone(), Arc::from(id.as_str()));
            tx.after_commit(Box::new(move |at| {
                let changes = vec![Change::PutTemplate(changed, Arc::new(template))];
                service.snapshots.publish(&published, at, changes);
            }));
            Ok::<_, Error>(output(store.id, id, at))
        });
        write.await
    }
}

/// What is remembered of the creation, for a repeated request.
#[derive(Serialize, Deserialize)]
struct Created {
    id: String,
    #[serde(with = "resources::micros")]
    at: Timestamp,
}

fn output(policy_store_id: String, id: String, at: Timestamp) -> CreatePolicyTemplateOutput {
    CreatePolicyTemplateOutput {
        policy_store_id,
        policy_template_id: id,
        created_date: at,
        last_updated_date: at,
    }
}
