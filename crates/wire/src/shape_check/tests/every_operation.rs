//! Random values against the input shape of every operation.

use model::{OperationModel, dsql, sts, verified_permissions};
use serde::Serialize;

use super::*;

/// Decodes an input and writes it again.
type Echo = fn(&Shape, Value) -> Result<Value, Rejection>;

fn echo<T: DeserializeOwned + Serialize>(shape: &Shape, value: Value) -> Result<Value, Rejection> {
    decode::<T>(shape, value).map(|input| serde_json::to_value(input).unwrap())
}

macro_rules! inputs {
    ($service:ident: $($operation:literal: $input:ident,)*) => {
        &[$(($operation, echo::<$service::types::$input>)),*]
    };
}

const VERIFIED_PERMISSIONS: &[(&str, Echo)] = inputs! { verified_permissions:
    "BatchGetPolicy": BatchGetPolicyInput,
    "BatchIsAuthorized": BatchIsAuthorizedInput,
    "BatchIsAuthorizedWithToken": BatchIsAuthorizedWithTokenInput,
    "CreateIdentitySource": CreateIdentitySourceInput,
    "CreatePolicy": CreatePolicyInput,
    "CreatePolicyStore": CreatePolicyStoreInput,
    "CreatePolicyStoreAlias": CreatePolicyStoreAliasInput,
    "CreatePolicyTemplate": CreatePolicyTemplateInput,
    "DeleteIdentitySource": DeleteIdentitySourceInput,
    "DeletePolicy": DeletePolicyInput,
    "DeletePolicyStore": DeletePolicyStoreInput,
    "DeletePolicyStoreAlias": DeletePolicyStoreAliasInput,
    "DeletePolicyTemplate": DeletePolicyTemplateInput,
    "GetIdentitySource": GetIdentitySourceInput,
    "GetPolicy": GetPolicyInput,
    "GetPolicyStore": GetPolicyStoreInput,
    "GetPolicyStoreAlias": GetPolicyStoreAliasInput,
    "GetPolicyTemplate": GetPolicyTemplateInput,
    "GetSchema": GetSchemaInput,
    "IsAuthorized": IsAuthorizedInput,
    "IsAuthorizedWithToken": IsAuthorizedWithTokenInput,
    "ListIdentitySources": ListIdentitySourcesInput,
    "ListPolicies": ListPoliciesInput,
    "ListPolicyStoreAliases": ListPolicyStoreAliasesInput,
    "ListPolicyStores": ListPolicyStoresInput,
    "ListPolicyTemplates": ListPolicyTemplatesInput,
    "ListTagsForResource": ListTagsForResourceInput,
    "PutSchema": PutSchemaInput,
    "TagResource": TagResourceInput,
    "UntagResource": UntagResourceInput,
    "UpdateIdentitySource": UpdateIdentitySourceInput,
    "UpdatePolicy": UpdatePolicyInput,
    "UpdatePolicyStore": UpdatePolicyStoreInput,
    "UpdatePolicyTemplate": UpdatePolicyTemplateInput,
};

const DSQL: &[(&str, Echo)] = inputs! { dsql:
    "CreateCluster": CreateClusterInput,
    "CreateStream": CreateStreamInput,
    "DeleteCluster": DeleteClusterInput,
    "DeleteClusterPolicy": DeleteClusterPolicyInput,
    "DeleteStream": DeleteStreamInput,
    "GetCluster": GetClusterInput,
    "GetClusterPolicy": GetClusterPolicyInput,
    "GetStream": GetStreamInput,
    "GetVpcEndpointServiceName": GetVpcEndpointServiceNameInput,
    "ListClusters": ListClustersInput,
    "ListStreams": ListStreamsInput,
    "ListTagsForResource": ListTagsForResourceInput,
    "PutClusterPolicy": PutClusterPolicyInput,
    "TagResource": TagResourceInput,
    "UntagResource": UntagResourceInput,
    "UpdateCluster": UpdateClusterInput,
};

const STS: &[(&str, Echo)] = inputs! { sts:
    "AssumeRole": AssumeRoleRequest,
    "GetCallerIdentity": GetCallerIdentityRequest,
};

/// Each operation with its typed input.
fn operations() -> impl Iterator<Item = (&'static OperationModel, Echo)> {
    let services = [
        (verified_permissions::OPERATIONS, VERIFIED_PERMISSIONS),
        (dsql::OPERATIONS, DSQL),
        (sts::OPERATIONS, STS),
    ];
    services.into_iter().flat_map(|(operations, inputs)| {
        let names = operations.iter().map(|operation| operation.name);
        assert!(names.eq(inputs.iter().map(|(name, _)| *name)));
        let echoes = inputs.iter().map(|(_, echo)| *echo);
        operations.iter().zip(echoes)
    })
}

#[test]
fn every_operation_has_an_input_here() {
    assert_eq!(operations().count(), 34 + 16 + 2);
}

/// What passes the check becomes a typed input, and that input says the same as the value. Valid
/// and invalid values must both be frequent, or this test would show nothing.
#[test]
fn whatever_passes_the_check_becomes_the_same_typed_input() {
    for (operation, echo) in operations() {
        let (mut passed, mut refused) = (0, 0);
        for seed in 0..1000 {
            let faults = if seed % 2 == 0 { 0 } else { 20 };
            let mut random = Random {
                state: seed,
                faults,
            };
            let value = random.value(operation.input, 0);
            match shape_check(operation.input, value.clone()) {
                Ok(checked) => {
                    passed += 1;
                    assert_eq!(
                        echo(operation.input, value),
                        Ok(checked),
                        "{}",
                        operation.name
                    );
                }
                Err(rejection) => {
                    refused += 1;
                    assert_eq!(echo(operation.input, value), Err(rejection));
                }
            }
        }
        assert!(
            passed > 100 && refused > 20,
            "{}: {passed}, {refused}",
            operation.name
        );
    }
}

#[test]
fn arbitrary_json_never_panics() {
    for (operation, _) in operations() {
        for seed in 0..300 {
            let mut random = Random {
                state: seed,
                faults: 0,
            };
            let _ = shape_check(operation.input, random.json(0));
        }
    }
}

/// Texts of which at least one is what each string shape of the models asks for.
const TEXTS: &[&str] = &[
    "a",
    "Action",
    "1.5",
    "2024-01-01",
    "1h",
    "a.b.c",
    "https://a.example",
    "::",
    "",
    "\n",
    "ä ö",
    "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc",
    "a/b_c-d",
    "123456",
    "abcdefghijklmnopqrstuvwxyz",
    "arn:aws:dsql:us-east-1:123456789012:cluster/abcdefghijklmnopqrstuvwxyz",
    "arn:aws:kinesis:us-east-1:123456789012:stream/a",
    "arn:aws:iam::123456789012:role/a",
];

/// A seeded source of JSON values (SplitMix64).
struct Random {
    state: u64,
    /// How many of a hundred values are replaced by arbitrary JSON.
    faults: usize,
}

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }

    /// A value that mostly fits the shape.
    fn value(&mut self, shape: &Shape, depth: usize) -> Value {
        if self.below(100) < self.faults {
            return self.json(0);
        }
        let few = if depth > 6 { 0 } else { 3 };
        match &shape.kind {
            Kind::Structure(members) => {
                let mut map = Map::new();
                for member in *members {
                    if member.required || self.below(8) < few {
                        map.insert(member.name.into(), self.value(member.shape, depth + 1));
                    } else if self.below(8) == 0 {
                        map.insert(member.name.into(), Value::Null);
                    }
                }
                map.into()
            }
            Kind::Union(members) => {
                // A recursive member may not be chosen for ever.
                let from = if depth > 6 { 1 } else { members.len() };
                let chosen = &members[self.below(from)];
                json!({chosen.name: self.value(chosen.shape, depth + 1), "newer": 1})
            }
            Kind::List { member, min, .. } => {
                let items = min.unwrap_or(0) + self.below(few + 1);
                (0..items).map(|_| self.value(member, depth + 1)).collect()
            }
            Kind::Map { key, value, .. } => (0..self.below(few + 1))
                .map(|_| (self.text(&key.kind), self.value(value, depth + 1)))
                .collect(),
            kind @ Kind::String { .. } => self.text(kind).into(),
            Kind::Integer { min, max } => {
                let (low, high) = (min.unwrap_or(1), max.unwrap_or(1 << 30));
                json!(
                    low + i64::try_from(self.below(usize::try_from(high - low).unwrap())).unwrap()
                )
            }
            Kind::Long { .. } => json!(i64::MIN + i64::try_from(self.below(1 << 62)).unwrap() * 2),
            Kind::Boolean => json!(self.below(2) == 0),
        }
    }

    fn text(&mut self, kind: &Kind) -> String {
        let Kind::String {
            min,
            max,
            pattern,
            values,
        } = kind
        else {
            panic!("not a text")
        };
        if !values.is_empty() {
            return values[self.below(values.len())].to_owned();
        }
        let fits = |text: &&&str| {
            (min.unwrap_or(0)..=max.unwrap_or(usize::MAX)).contains(&text.len())
                && pattern.as_ref().is_none_or(|p| p.matches(text))
        };
        let fitting: Vec<_> = TEXTS.iter().filter(fits).collect();
        (*fitting[self.below(fitting.len())]).to_owned()
    }

    /// Any JSON value at all.
    fn json(&mut self, depth: usize) -> Value {
        let kinds = if depth > 4 { 6 } else { 8 };
        match self.below(kinds) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(usize::MAX)),
            3 => json!(-1.5),
            4 => json!(-i64::try_from(self.below(1 << 40)).unwrap()),
            5 => json!(TEXTS[self.below(TEXTS.len())]),
            6 => (0..self.below(4)).map(|_| self.json(depth + 1)).collect(),
            _ => {
                let names = [
                    "policyStoreId",
                    "policyId",
                    "definition",
                    "static",
                    "long",
                    "identifier",
                    "RoleArn",
                    "x",
                ];
                (0..self.below(5))
                    .map(|_| {
                        (
                            names[self.below(names.len())].to_owned(),
                            self.json(depth + 1),
                        )
                    })
                    .collect()
            }
        }
    }
}
