//! `CreatePolicy`: a static policy, or a template with its slots filled.

use std::sync::Arc;

use base::{Timestamp, resource_id};
use cedar_policy::Policy;
use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    CreatePolicyInput, CreatePolicyOutput, PolicyDefinition, PolicyType,
    TemplateLinkedPolicyDefinition,
};
use serde::{Deserialize, Serialize};
use store::ReadTx;

use crate::access;
use crate::cedar::compiled_schema::CompiledSchema;
use crate::cedar::snapshot::Change;
use crate::cedar::statement;
use crate::entity::{EntityRef, PolicyScope};
use crate::error::{Error, ResourceType};
use crate::idempotency::Idempotent;
use crate::name;
use crate::policy::keys::Named;
use crate::policy::{self, Definition, PolicyRecord, Summary};
use crate::policy_store::resolve;
use crate::policy_template::{self, PolicyTemplate};
use crate::quota::Quotas;
use crate::state::VerifiedPermissions;

pub(super) struct CreatePolicy;

impl Operation for CreatePolicy {
    type State = VerifiedPermissions;
    type Input = CreatePolicyInput;
    type Output = CreatePolicyOutput;
    type Error = Error;

    const NAME: &'static str = "CreatePolicy";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a CreatePolicyInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:CreatePolicy",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        mut input: CreatePolicyInput,
    ) -> Result<CreatePolicyOutput, Error> {
        let token = input.client_token.take();
        let request = Idempotent::new(Self::NAME, ResourceType::Policy, token, &input);
        let name = name::check(input.name.take())?;
        let parsed = Parsed::new(
            input.definition,
            &state.options.quotas,
            &input.policy_store_id,
        )?;
        let id = resource_id(state.entropy.as_ref());
        let service = Arc::clone(state);
        let write = state.store.write(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            if let Some(created) = request.earlier::<Created>(tx, &store.id, context.now)? {
                return Ok(created.into_output(store.id));
            }
            let schema = service.schemas.for_validation(tx, &store)?;
            let Checked { definition, scope } = parsed.check(tx, &store.id, schema.as_deref())?;
            let at = context.now;
            let record = PolicyRecord {
                created: at,
                updated: at,
                name,
                definition,
            };
            let compiled = record.compile()?;
            policy::insert(
                tx,
                &service.options.quotas,
                &store.id,
                &id,
                &record,
                Named::of(&scope),
            )?;
            let created = Created {
                id,
                at,
                is_linked: record.template_id().is_some(),
                scope,
            };
            request.remember(tx, &store.id, at, &created.id, &created)?;
            let (published, id) = (store.id.clone(), Arc::from(created.id.as_str()));
            tx.after_commit(Box::new(move |at| {
                let changes = vec![Change::PutPolicy(id, compiled)];
                service.snapshots.publish(&published, at, changes);
            }));
            Ok(created.into_output(store.id))
        });
        write.await
    }
}

/// What is remembered of the creation, for a repeated request: all that the output says, because
/// the policy and its template may change or go.
#[derive(Serialize, Deserialize)]
struct Created {
    id: String,
    #[serde(with = "resources::micros")]
    at: Timestamp,
    is_linked: bool,
    /// The policy's scope; a link's is that of its template with the slots filled.
    scope: PolicyScope,
}

impl Created {
    fn into_output(self, policy_store_id: String) -> CreatePolicyOutput {
        let summary = Summary::new(&self.scope, None, None);
        CreatePolicyOutput {
            policy_store_id,
            policy_id: self.id,
            policy_type: match self.is_linked {
                true => PolicyType::TemplateLinked,
                false => PolicyType::Static,
            },
            principal: summary.principal,
            resource: summary.resource,
            actions: summary.actions,
            created_date: self.at,
            last_updated_date: self.at,
            effect: Some(summary.effect),
        }
    }
}

/// A definition that the policy store accepts.
struct Checked {
    definition: Definition,
    scope: PolicyScope,
}

/// A definition with its text parsed, before the policy store is known.
enum Parsed {
    Static {
        description: Option<String>,
        statement: String,
        policy: Arc<Policy>,
    },
    Linked(TemplateLinkedPolicyDefinition),
}

impl Parsed {
    fn new(
        definition: PolicyDefinition,
        quotas: &Quotas,
        policy_store_id: &str,
    ) -> Result<Self, Error> {
        match definition {
            PolicyDefinition::Static(definition) => {
                policy::check_size(&definition.statement, quotas, policy_store_id)?;
                Ok(Self::Static {
                    policy: Arc::new(statement::parse_static(&definition.statement)?),
                    description: definition.description.filter(|text| !text.is_empty()),
                    statement: definition.statement,
                })
            }
            PolicyDefinition::TemplateLinked(definition) => {
                if definition.principal.is_none() && definition.resource.is_none() {
                    return Err(Error::bare(NO_ARGUMENT));
                }
                Ok(Self::Linked(definition))
            }
        }
    }

    /// Checks it against the policy store; `schema` is there in mode STRICT.
    fn check(
        self,
        tx: &dyn ReadTx,
        policy_store_id: &str,
        schema: Option<&CompiledSchema>,
    ) -> Result<Checked, Error> {
        match self {
            Self::Static {
                description,
                statement,
                policy,
            } => {
                if let Some(schema) = schema {
                    statement::validate_static(&policy, schema)?;
                }
                let scope = PolicyScope::from(policy.as_ref());
                let definition = Definition::Static {
                    description,
                    statement,
                    scope: scope.clone(),
                };
                Ok(Checked { definition, scope })
            }
            Self::Linked(definition) => link(tx, policy_store_id, definition, schema),
        }
    }
}

const NO_ARGUMENT: &str =
    "No principal and no resource was provided. At least one must be provided";

fn link(
    tx: &dyn ReadTx,
    policy_store_id: &str,
    definition: TemplateLinkedPolicyDefinition,
    schema: Option<&CompiledSchema>,
) -> Result<Checked, Error> {
    let template = policy_template::resolve(tx, policy_store_id, &definition.policy_template_id)?;
    let principal = definition.principal.map(EntityRef::from);
    let resource = definition.resource.map(EntityRef::from);
    let PolicyTemplate {
        id,
        record: template,
    } = template;
    policy_template::check_arguments(&template.scope, principal.as_ref(), resource.as_ref())?;
    if let Some(schema) = schema {
        let slots = policy::slots(principal.as_ref(), resource.as_ref()).unwrap_or_default();
        statement::validate_link(&template.compile()?, slots, schema)?;
    }
    let scope = template.scope.filled(principal.as_ref(), resource.as_ref());
    let definition = Definition::Linked {
        template_id: id,
        principal,
        resource,
    };
    Ok(Checked { definition, scope })
}
