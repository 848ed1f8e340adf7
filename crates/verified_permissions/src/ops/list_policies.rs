//! `ListPolicies`: oldest first, without the statements; filters combine with AND and compare
//! the entities that scopes name, without walking a hierarchy.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    EntityIdentifier, EntityReference, ListPoliciesInput, ListPoliciesOutput, PolicyFilter,
    PolicyItem,
};
use store::{ListKey, Position, ReadRecords, ReadTx, Stored};
use wire::page::PageScope;

use crate::access;
use crate::error::Error;
use crate::name::{self, TemplateNameRecord};
use crate::page::{self, PageRequest};
use crate::policy::{self, PolicyRecord, Summaries, Summary};
use crate::policy_store::resolve;
use crate::state::VerifiedPermissions;

pub(super) struct ListPolicies;

impl Operation for ListPolicies {
    type State = VerifiedPermissions;
    type Input = ListPoliciesInput;
    type Output = ListPoliciesOutput;
    type Error = Error;

    const NAME: &'static str = "ListPolicies";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a ListPoliciesInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:ListPolicies",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: ListPoliciesInput,
    ) -> Result<ListPoliciesOutput, Error> {
        loop {
            let (context, input) = (context.clone(), input.clone());
            let read = state.store.read(move |tx| list(tx, &context, input));
            match read.await? {
                Listed::Page(page) => return Ok(page),
                Listed::WithoutKeys(id) => policy::keys::complete(&state.store, &id).await?,
            }
        }
    }
}

enum Listed {
    Page(ListPoliciesOutput),
    /// An older release has written policies of this policy store.
    WithoutKeys(String),
}

fn list(
    tx: &dyn ReadTx,
    context: &RequestContext,
    input: ListPoliciesInput,
) -> Result<Listed, Error> {
    let store = resolve(tx, context, &input.policy_store_id)?;
    let filter_text = serde_json::to_string(&input.filter).unwrap_or_default();
    let token_scope = PageScope {
        account: &context.scope.account,
        operation: ListPolicies::NAME,
        resource: &store.id,
        filter: &filter_text,
    };
    let token = input.next_token.as_deref();
    let request = PageRequest::new(page::size(input.max_results, 10), token, token_scope)?;
    let filter = Filter::new(tx, &store.id, input.filter)?;
    let Some(groups) = filter.groups() else {
        return Ok(Listed::Page(ListPoliciesOutput {
            policies: Vec::new(),
            next_token: None,
        }));
    };
    if !groups.is_empty() && !policy::keys::are_complete(tx, &store.id)? {
        return Ok(Listed::WithoutKeys(store.id));
    }
    let mut summaries = Summaries::default();
    let records =
        |after: Option<&Position>, limit| tx.list_keyed_records(&store.id, &groups, after, limit);
    let page = request.collect_from(records, |stored: Stored<PolicyRecord>| {
        let Stored { id, record, .. } = stored;
        if !filter.takes_record(&record) {
            return Ok(None);
        }
        let summary = summaries.of(tx, &store.id, &record)?;
        Ok(filter
            .takes_summary(&summary)
            .then(|| item(&store.id, id, record, summary)))
    })?;
    Ok(Listed::Page(ListPoliciesOutput {
        policies: page.items,
        next_token: page.next_token,
    }))
}

/// The filter with the template's name resolved.
struct Filter {
    wanted: PolicyFilter,
    /// Set by a template name that nothing has: no policy can match.
    nothing: bool,
}

impl Filter {
    fn new(
        tx: &dyn ReadTx,
        policy_store_id: &str,
        wanted: Option<PolicyFilter>,
    ) -> Result<Self, Error> {
        let mut wanted = wanted.unwrap_or(PolicyFilter {
            principal: None,
            resource: None,
            policy_type: None,
            policy_template_id: None,
        });
        let mut nothing = false;
        if let Some(reference) = &wanted.policy_template_id {
            match name::resolve::<TemplateNameRecord>(tx, policy_store_id, reference) {
                Ok(id) => wanted.policy_template_id = Some(id),
                Err(Error::NotFound(..)) => nothing = true,
                Err(error) => return Err(error),
            }
        }
        Ok(Self { wanted, nothing })
    }

    /// The keys of the policies that can pass; `None` when none can.
    fn groups(&self) -> Option<Vec<Vec<ListKey>>> {
        let Self { wanted, nothing } = self;
        policy::keys::groups(wanted).filter(|_| !nothing)
    }

    /// Policies that have a wanted key may still differ in what it stands for.
    fn takes_record(&self, record: &PolicyRecord) -> bool {
        let Self { wanted, nothing: _ } = self;
        let template = wanted.policy_template_id.as_deref();
        wanted
            .policy_type
            .is_none_or(|kind| kind == record.policy_type())
            && (template.is_none() || template == record.template_id())
    }

    fn takes_summary(&self, summary: &Summary) -> bool {
        takes(self.wanted.principal.as_ref(), summary.principal.as_ref())
            && takes(self.wanted.resource.as_ref(), summary.resource.as_ref())
    }
}

fn takes(wanted: Option<&EntityReference>, named: Option<&EntityIdentifier>) -> bool {
    match wanted {
        None => true,
        Some(EntityReference::Unspecified(unspecified)) => *unspecified == named.is_none(),
        Some(EntityReference::Identifier(identifier)) => named == Some(identifier),
    }
}

fn item(policy_store_id: &str, id: String, record: PolicyRecord, summary: Summary) -> PolicyItem {
    PolicyItem {
        policy_store_id: policy_store_id.to_owned(),
        policy_id: id,
        policy_type: record.policy_type(),
        principal: summary.principal,
        resource: summary.resource,
        actions: summary.actions,
        definition: record.to_item(),
        created_date: record.created,
        last_updated_date: record.updated,
        effect: Some(summary.effect),
        name: record.name,
    }
}
