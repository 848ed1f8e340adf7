//! A service and its operations, as its model describes them.

use crate::shape::Shape;

/// A service that speaks AWS JSON.
pub struct ServiceModel {
    /// What `X-Amz-Target` starts with: `VerifiedPermissions` in
    /// `VerifiedPermissions.IsAuthorized`.
    pub target_prefix: &'static str,
    /// The service in a SigV4 credential scope.
    pub signing_name: &'static str,
    /// The first label of the service's host name.
    pub endpoint_prefix: &'static str,
    /// The content type of requests and responses.
    pub content_type: &'static str,
}

/// One operation of a service.
pub struct OperationModel {
    /// The operation's name, for instance `IsAuthorized`.
    pub name: &'static str,
    /// What its input must look like.
    pub input: &'static Shape,
    /// The modelled exceptions that it may raise.
    pub errors: &'static [&'static str],
    /// Whether the model marks it as free of side effects.
    pub read_only: bool,
    /// Whether the model marks it as safe to repeat.
    pub idempotent: bool,
    /// Whether its input has an idempotency token, which SDKs fill in and repeat on retries.
    pub has_client_token: bool,
}

#[cfg(test)]
mod tests {
    use crate::shape::Kind;
    use crate::verified_permissions::OPERATIONS;

    #[test]
    fn there_are_34_operations_in_alphabetical_order_each_with_its_input() {
        assert_eq!(OPERATIONS.len(), 34);
        assert!(OPERATIONS.is_sorted_by(|one, next| one.name < next.name));
        for operation in OPERATIONS {
            assert_eq!(operation.input.name, format!("{}Input", operation.name));
            assert!(
                matches!(operation.input.kind, Kind::Structure(_)),
                "{}",
                operation.name
            );
        }
    }

    #[test]
    fn four_operations_have_a_client_token() {
        let with_token: Vec<&str> = OPERATIONS
            .iter()
            .filter(|operation| operation.has_client_token)
            .map(|operation| operation.name)
            .collect();
        assert_eq!(
            with_token,
            [
                "CreateIdentitySource",
                "CreatePolicy",
                "CreatePolicyStore",
                "CreatePolicyTemplate"
            ]
        );
    }
}
