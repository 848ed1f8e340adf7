//! The operations, one file each, named after them; and the one list of them.

use std::sync::Arc;

use frontdoor::Service;
use model::dsql::{OPERATIONS, SERVICE};

use crate::state::Dsql;

macro_rules! operations {
    ($($module:ident :: $operation:ident,)*) => {
        $(mod $module;)*

        /// The service with all its operations.
        pub fn service(state: &Arc<Dsql>) -> Service {
            Service::new(&SERVICE, OPERATIONS)$(.with::<$module::$operation>(state))*
        }
    };
}

operations! {
    create_cluster::CreateCluster,
    create_stream::CreateStream,
    delete_cluster::DeleteCluster,
    delete_cluster_policy::DeleteClusterPolicy,
    delete_stream::DeleteStream,
    get_cluster::GetCluster,
    get_cluster_policy::GetClusterPolicy,
    get_stream::GetStream,
    get_vpc_endpoint_service_name::GetVpcEndpointServiceName,
    list_clusters::ListClusters,
    list_streams::ListStreams,
    list_tags_for_resource::ListTagsForResource,
    put_cluster_policy::PutClusterPolicy,
    tag_resource::TagResource,
    untag_resource::UntagResource,
    update_cluster::UpdateCluster,
}
