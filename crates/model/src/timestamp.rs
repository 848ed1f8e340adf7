//! How timestamps are written. Each shape of a service model names its format.

use base::Timestamp;
use serde::Serializer;

/// A string like `2023-05-16T20:33:01.730817Z`.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
pub(crate) fn iso8601<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

/// Like [`iso8601`]. `None` is skipped before it comes here.
pub(crate) fn iso8601_option<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => iso8601(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use base::Timestamp;
    use serde_json::json;

    use crate::verified_permissions::types::PolicyStoreItem;

    #[test]
    fn timestamps_are_iso_8601_strings_and_absent_ones_are_left_out() {
        let mut item = PolicyStoreItem {
            policy_store_id: "s".to_owned(),
            arn: "a".to_owned(),
            created_date: Timestamp::from_unix_micros(1_684_269_181_730_817),
            last_updated_date: Some(Timestamp::from_unix_micros(0)),
            description: None,
        };
        let mut expected = json!({
            "policyStoreId": "s",
            "arn": "a",
            "createdDate": "2023-05-16T20:33:01.730817Z",
            "lastUpdatedDate": "1970-01-01T00:00:00Z",
        });
        assert_eq!(serde_json::to_value(&item).unwrap(), expected);
        item.last_updated_date = None;
        expected.as_object_mut().unwrap().remove("lastUpdatedDate");
        assert_eq!(serde_json::to_value(&item).unwrap(), expected);
    }
}
