//! How timestamps are written. A shape of a service model names its format, or its protocol does.
//! Optional members of a format get a function `<format>_option` when a model has them.
#![expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signatures that serde asks for"
)]

use base::Timestamp;
use serde::Serializer;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A string like `2023-05-16T20:33:01.730817Z`.
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

/// A string like `2023-05-16T20:33:01Z`: the query protocol's default. Fractions are cut off.
pub(crate) fn iso8601_seconds<S: Serializer>(
    at: &Timestamp,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let micros = at.unix_seconds().saturating_mul(MICROS_PER_SECOND);
    iso8601(&Timestamp::from_unix_micros(micros), serializer)
}

/// A number like `1684269181.730817`, in seconds since the epoch: the JSON protocols' default.
///
/// Whole seconds are written as an integer. Up to the year 2242 a double tells every microsecond
/// from its neighbours, and its shortest text is the one with at most six fraction digits.
pub(crate) fn epoch_seconds<S: Serializer>(
    at: &Timestamp,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let micros = at.unix_micros();
    if micros % MICROS_PER_SECOND == 0 {
        serializer.serialize_i64(micros / MICROS_PER_SECOND)
    } else {
        serializer.serialize_f64(micros as f64 / MICROS_PER_SECOND as f64)
    }
}

#[cfg(test)]
mod tests {
    use base::Timestamp;
    use serde_json::json;

    use crate::dsql::types::{ClusterStatus, DeleteClusterOutput};
    use crate::sts::types::Credentials;
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

    #[test]
    fn the_timestamps_of_dsql_are_numbers_that_keep_every_microsecond() {
        for (micros, text) in [
            (0, "0"),
            (1_763_787_600_000_000, "1763787600"),
            (1_763_787_600_500_000, "1763787600.5"),
            (1_763_787_600_000_001, "1763787600.000001"),
            (1_684_269_181_730_817, "1684269181.730817"),
            (8_589_934_591_999_999, "8589934591.999999"),
            (-1, "-1e-6"),
        ] {
            let output = DeleteClusterOutput {
                identifier: "i".to_owned(),
                arn: "a".to_owned(),
                status: ClusterStatus::PendingDelete,
                creation_time: Timestamp::from_unix_micros(micros),
            };
            assert_eq!(
                serde_json::to_string(&output).unwrap(),
                format!(
                    r#"{{"identifier":"i","arn":"a","status":"PENDING_DELETE","creationTime":{text}}}"#
                )
            );
        }
    }

    #[test]
    fn the_timestamps_of_sts_are_iso_8601_strings_of_whole_seconds() {
        for (micros, text) in [
            (1_795_323_600_000_000, "2026-11-22T05:00:00Z"),
            (1_795_323_600_999_999, "2026-11-22T05:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            let credentials = Credentials {
                access_key_id: String::new(),
                secret_access_key: String::new(),
                session_token: String::new(),
                expiration: Timestamp::from_unix_micros(micros),
            };
            let value = serde_json::to_value(&credentials).unwrap();
            assert_eq!(value.get("Expiration"), Some(&json!(text)));
        }
    }
}
