//! The operations, one file each, named after them; and the one list of them.

use std::sync::Arc;

use frontdoor::Service;
use model::verified_permissions::{OPERATIONS, SERVICE};

use crate::rates::RequestRates;
use crate::state::VerifiedPermissions;

macro_rules! operations {
    ($($module:ident :: $operation:ident,)*) => {
        $(mod $module;)*

        /// The service with all its operations.
        pub fn service(state: &Arc<VerifiedPermissions>) -> Service {
            let service = Service::new(&SERVICE, OPERATIONS)$(.with::<$module::$operation>(state))*;
            if state.options.request_rates {
                service.throttled(RequestRates::default())
            } else {
                service
            }
        }
    };
}

operations! {
    batch_get_policy::BatchGetPolicy,
    batch_is_authorized::BatchIsAuthorized,
    batch_is_authorized_with_token::BatchIsAuthorizedWithToken,
    create_identity_source::CreateIdentitySource,
    create_policy::CreatePolicy,
    create_policy_store::CreatePolicyStore,
    create_policy_store_alias::CreatePolicyStoreAlias,
    create_policy_template::CreatePolicyTemplate,
    delete_identity_source::DeleteIdentitySource,
    delete_policy::DeletePolicy,
    delete_policy_store::DeletePolicyStore,
    delete_policy_store_alias::DeletePolicyStoreAlias,
    delete_policy_template::DeletePolicyTemplate,
    get_identity_source::GetIdentitySource,
    get_policy::GetPolicy,
    get_policy_store::GetPolicyStore,
    get_policy_store_alias::GetPolicyStoreAlias,
    get_policy_template::GetPolicyTemplate,
    get_schema::GetSchema,
    is_authorized::IsAuthorized,
    is_authorized_with_token::IsAuthorizedWithToken,
    list_identity_sources::ListIdentitySources,
    list_policies::ListPolicies,
    list_policy_store_aliases::ListPolicyStoreAliases,
    list_policy_stores::ListPolicyStores,
    list_policy_templates::ListPolicyTemplates,
    list_tags_for_resource::ListTagsForResource,
    put_schema::PutSchema,
    tag_resource::TagResource,
    untag_resource::UntagResource,
    update_identity_source::UpdateIdentitySource,
    update_policy::UpdatePolicy,
    update_policy_store::UpdatePolicyStore,
    update_policy_template::UpdatePolicyTemplate,
}
