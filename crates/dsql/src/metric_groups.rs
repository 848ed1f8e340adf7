//! Metric groups: what is measured of a cluster besides the usual.

use model::dsql::types::{MetricGroup, MetricGroupRequest, MetricGroupResponse};

use crate::error::Error;

/// Whether the list has `STATEMENT_STATISTICS`, the only group there is.
pub(crate) fn statement_statistics(groups: &[MetricGroupRequest]) -> Result<bool, Error> {
    if groups.len() > 1 {
        let text = "Each metric group can be named once.";
        return Err(Error::field("metricGroups", text));
    }
    Ok(!groups.is_empty())
}

/// `metricGroups` of an output.
pub(crate) fn describe(statement_statistics: bool) -> Vec<MetricGroupResponse> {
    let group = MetricGroupResponse {
        metric_group: MetricGroup::StatementStatistics,
    };
    statement_statistics.then_some(group).into_iter().collect()
}
