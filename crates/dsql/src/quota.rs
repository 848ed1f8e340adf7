//! The quotas of the service and what counts against them.

/// The adjustable quotas, with the service's defaults (Aurora DSQL User Guide, *Cluster quotas and
/// database limits*).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quotas {
    /// Single-Region clusters per account and Region.
    pub single_region_clusters: usize,
    /// Multi-Region clusters per account and Region.
    pub multi_region_clusters: usize,
    /// Streams per cluster.
    pub streams_per_cluster: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            single_region_clusters: 20,
            multi_region_clusters: 5,
            streams_per_cluster: 5,
        }
    }
}

/// Tags of a cluster or stream; not adjustable.
pub(crate) const TAGS: usize = 50;

/// The codes of the quotas. AWS has not published its own.
pub(crate) mod code {
    pub(crate) const SINGLE_REGION_CLUSTERS: &str = "SingleRegionClusters";
    pub(crate) const MULTI_REGION_CLUSTERS: &str = "MultiRegionClusters";
    pub(crate) const STREAMS_PER_CLUSTER: &str = "StreamsPerCluster";
    pub(crate) const TAGS_PER_RESOURCE: &str = "TagsPerResource";
}
