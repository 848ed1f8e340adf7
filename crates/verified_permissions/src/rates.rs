//! Request rates: the service's quotas per second, for those who want to meet them before AWS
//! does. Off unless the operator turns them on.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base::Timestamp;
use frontdoor::{Scope, Throttle};
use http::StatusCode;
use serde_json::Value;
use wire::error::WireError;

/// Buckets that are kept. Beyond it, those that are full again, and so hold nothing, are dropped.
const BUCKETS: usize = 10_000;

/// Requests per second of an operation, by default (service quotas of Amazon Verified
/// Permissions). Each policy store has its own; where a request names none, the account has.
fn per_second(operation: &str) -> u32 {
    match operation {
        "IsAuthorized" | "IsAuthorizedWithToken" => 200,
        "BatchIsAuthorized" | "BatchIsAuthorizedWithToken" => 30,
        "CreateIdentitySource"
        | "UpdateIdentitySource"
        | "DeleteIdentitySource"
        | "CreatePolicyStore"
        | "DeletePolicyStore" => 1,
        _ => 10,
    }
}

/// Whether an operation's rate is the account's although the request names a policy store.
fn is_of_account(operation: &str) -> bool {
    operation == "DeletePolicyStore"
}

/// Token buckets that hold a second's worth of requests.
#[derive(Default)]
pub(crate) struct RequestRates {
    buckets: Mutex<HashMap<Key, Bucket>>,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    scope: Scope,
    operation: String,
    policy_store: String,
}

/// What is left of a second's worth, in microseconds' worth of requests: whole numbers, so that
/// nothing is lost to rounding.
struct Bucket {
    level: i64,
    at: Timestamp,
}

const FULL: i64 = 1_000_000;

impl Bucket {
    fn refill(&mut self, rate: i64, now: Timestamp) {
        let passed = now
            .unix_micros()
            .saturating_sub(self.at.unix_micros())
            .clamp(0, FULL);
        self.level = (self.level + passed * rate).min(FULL * rate);
        self.at = now;
    }
}

impl Throttle for RequestRates {
    fn admit(
        &self,
        scope: &Scope,
        operation: &'static str,
        input: &Value,
        now: Timestamp,
    ) -> Result<(), WireError> {
        let named = input.get("policyStoreId").and_then(Value::as_str);
        let policy_store = named
            .filter(|_| !is_of_account(operation))
            .unwrap_or_default();
        let key = Key {
            scope: scope.clone(),
            operation: operation.to_owned(),
            policy_store: policy_store.to_owned(),
        };
        let rate = i64::from(per_second(operation));
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS {
            buckets.retain(|key, bucket| {
                let rate = i64::from(per_second(&key.operation));
                bucket.refill(rate, now);
                bucket.level < FULL * rate
            });
        }
        let bucket = buckets.entry(key).or_insert(Bucket {
            level: FULL * rate,
            at: now,
        });
        bucket.refill(rate, now);
        if bucket.level < FULL {
            let message = "Rate exceeded.".to_owned();
            return Err(WireError::new(
                "ThrottlingException",
                StatusCode::TOO_MANY_REQUESTS,
                message,
            )
            .with("serviceCode", "verifiedpermissions"));
        }
        bucket.level -= FULL;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope(account: &str) -> Scope {
        let (region, account) = ("us-east-1".parse().unwrap(), account.parse().unwrap());
        Scope { region, account }
    }

    /// How many of `count` requests at `micros` are admitted.
    fn admitted(
        rates: &RequestRates,
        account: &str,
        operation: &'static str,
        store: &str,
        micros: i64,
        count: usize,
    ) -> usize {
        let (scope, input) = (scope(account), json!({ "policyStoreId": store }));
        let now = Timestamp::from_unix_micros(micros);
        let admit = |_: &usize| rates.admit(&scope, operation, &input, now).is_ok();
        (0..count).filter(admit).count()
    }

    const A: &str = "111122223333";
    const B: &str = "444455556666";

    #[test]
    fn a_second_has_the_rate_of_the_operation() {
        let rates = RequestRates::default();
        for (operation, rate) in [
            ("IsAuthorized", 200),
            ("BatchIsAuthorized", 30),
            ("GetPolicy", 10),
            ("CreatePolicyStore", 1),
        ] {
            assert_eq!(
                admitted(&rates, A, operation, "s", 0, 300),
                rate,
                "{operation}"
            );
        }
    }

    #[test]
    fn tokens_come_back_with_time_and_never_pile_up() {
        let rates = RequestRates::default();
        assert_eq!(admitted(&rates, A, "GetPolicy", "s", 0, 20), 10);
        assert_eq!(admitted(&rates, A, "GetPolicy", "s", 99_999, 20), 0);
        assert_eq!(admitted(&rates, A, "GetPolicy", "s", 100_000, 20), 1);
        assert_eq!(admitted(&rates, A, "GetPolicy", "s", 600_000, 20), 5);
        assert_eq!(admitted(&rates, A, "GetPolicy", "s", 3_600_000_000, 20), 10);
        // A clock that goes back takes nothing away and gives nothing.
        assert_eq!(admitted(&rates, A, "GetPolicy", "s", 0, 20), 0);
    }

    #[test]
    fn policy_stores_accounts_and_operations_have_their_own() {
        let rates = RequestRates::default();
        assert_eq!(admitted(&rates, A, "GetPolicy", "s", 0, 20), 10);
        assert_eq!(admitted(&rates, A, "GetPolicy", "t", 0, 20), 10);
        assert_eq!(admitted(&rates, B, "GetPolicy", "s", 0, 20), 10);
        assert_eq!(admitted(&rates, A, "ListPolicies", "s", 0, 20), 10);
        assert_eq!(admitted(&rates, A, "DeletePolicyStore", "s", 0, 20), 1);
        assert_eq!(admitted(&rates, A, "DeletePolicyStore", "t", 0, 20), 0);
    }

    #[test]
    fn idle_buckets_are_dropped() {
        let rates = RequestRates::default();
        for store in 0..BUCKETS {
            admitted(&rates, A, "GetPolicy", &store.to_string(), 0, 1);
        }
        admitted(&rates, A, "GetPolicy", "last", 10_000_000, 1);
        assert_eq!(rates.buckets.lock().unwrap().len(), 1);
    }
}
