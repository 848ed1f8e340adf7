use base::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::identity_source::{Groups, IdentitySourceRecord, OpenIdConnect, UserPool};

fn source(provider: Provider) -> std::sync::Arc<TokenSource> {
    let at = Timestamp::from_unix_micros(0);
    let record = IdentitySourceRecord {
        created: at,
        updated: at,
        principal_entity_type: "User".to_owned(),
        provider,
    };
    TokenSource::new(record).unwrap()
}

fn pool(client_ids: &[&str]) -> Provider {
    Provider::Cognito(UserPool {
        arn: "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_p".to_owned(),
        client_ids: client_ids.iter().map(|id| (*id).to_owned()).collect(),
        group_entity_type: None,
    })
}

fn provider(tokens: TokenSelection, group_claim: Option<&str>) -> Provider {
    Provider::OpenIdConnect(OpenIdConnect {
        issuer: "https://issuer.example".to_owned(),
        entity_id_prefix: None,
        groups: group_claim.map(|claim| Groups {
            claim: claim.to_owned(),
            entity_type: "Group".to_owned(),
        }),
        tokens,
    })
}

fn identity(client_ids: &[&str]) -> Provider {
    let client_ids = client_ids.iter().map(|id| (*id).to_owned()).collect();
    let tokens = TokenSelection::Identity {
        principal_id_claim: None,
        client_ids: Some(client_ids),
    };
    provider(tokens, None)
}

fn access(audiences: &[&str]) -> Provider {
    let audiences = audiences.iter().map(|one| (*one).to_owned()).collect();
    let tokens = TokenSelection::Access {
        principal_id_claim: Some("uid".to_owned()),
        audiences: Some(audiences),
    };
    provider(tokens, Some("groups"))
}

fn claims(json: Value) -> Claims {
    serde_json::from_value(json).unwrap()
}

#[test]
fn tokens_are_for_somebody_who_is_accepted() {
    use Kind::{Access, Identity};
    let not_for_us = |claim| Err(Refusal::Client(claim));
    for (provider, kind, token, expected) in [
        (pool(&[]), Identity, json!({"token_use": "id"}), Ok(())),
        (pool(&[]), Access, json!({"token_use": "access"}), Ok(())),
        (
            pool(&[]),
            Identity,
            json!({"token_use": "access"}),
            Err(Refusal::TokenUse("id")),
        ),
        (
            pool(&[]),
            Access,
            json!({"token_use": "id"}),
            Err(Refusal::TokenUse("access")),
        ),
        (
            pool(&[]),
            Access,
            json!({}),
            Err(Refusal::TokenUse("access")),
        ),
        (
            pool(&["a", "b"]),
            Identity,
            json!({"token_use": "id", "aud": "b"}),
            Ok(()),
        ),
        (
            pool(&["a"]),
            Identity,
            json!({"token_use": "id", "aud": "b"}),
            not_for_us("aud"),
        ),
        (
            pool(&["a"]),
            Identity,
            json!({"token_use": "id", "client_id": "a"}),
            not_for_us("aud"),
        ),
        (
            pool(&["a"]),
            Access,
            json!({"token_use": "access", "client_id": "a"}),
            Ok(()),
        ),
        (
            pool(&["a"]),
            Access,
            json!({"token_use": "access", "aud": "a"}),
            not_for_us("client_id"),
        ),
        (identity(&[]), Identity, json!({}), Ok(())),
        (identity(&["a"]), Identity, json!({"aud": "a"}), Ok(())),
        (
            identity(&["a"]),
            Identity,
            json!({"aud": ["x", "a"]}),
            Ok(()),
        ),
        (
            identity(&["a"]),
            Identity,
            json!({"aud": ["x", 1]}),
            not_for_us("aud"),
        ),
        (
            identity(&["a"]),
            Identity,
            json!({"aud": []}),
            not_for_us("aud"),
        ),
        (
            identity(&["a"]),
            Identity,
            json!({"aud": "A"}),
            not_for_us("aud"),
        ),
        (
            identity(&["a"]),
            Identity,
            json!({"azp": "a"}),
            not_for_us("aud"),
        ),
        (
            identity(&["a"]),
            Identity,
            json!({"client_id": "a"}),
            not_for_us("aud"),
        ),
        (access(&[]), Access, json!({}), Ok(())),
        (access(&["a"]), Access, json!({"aud": "a"}), Ok(())),
        (access(&["a"]), Access, json!({"aud": ["x", "a"]}), Ok(())),
        (access(&["a"]), Access, json!({"cid": "a"}), Ok(())),
        (access(&["a"]), Access, json!({"client_id": "a"}), Ok(())),
        (
            access(&["a"]),
            Access,
            json!({"aud": "x", "client_id": "a"}),
            not_for_us("aud"),
        ),
        (access(&["a"]), Access, json!({}), not_for_us("aud")),
        (
            access(&["a"]),
            Access,
            json!({"aud": {"a": "a"}}),
            not_for_us("aud"),
        ),
    ] {
        let found = for_source(&source(provider.clone()), kind, &claims(token.clone()));
        assert_eq!(found, expected, "{provider:?} {kind:?} {token}");
    }
}

#[test]
fn a_claim_names_the_principal() {
    for (provider, claim, value, found) in [
        (pool(&[]), "sub", json!("s"), Some("s")),
        (identity(&[]), "sub", json!("s"), Some("s")),
        (access(&[]), "uid", json!("s"), Some("s")),
        (access(&[]), "sub", json!("s"), None),
        (pool(&[]), "sub", json!(""), None),
        (pool(&[]), "sub", json!(7), None),
        (pool(&[]), "sub", json!(["s"]), None),
        (pool(&[]), "sub", json!(null), None),
    ] {
        let subject = subject(&source(provider), &claims(json!({ claim: value.clone() })));
        assert_eq!(subject.ok().as_deref(), found, "{claim} {value}");
    }
}

#[test]
fn groups_are_words_or_a_list() {
    let source = source(access(&[]));
    for (value, found) in [
        (json!("one"), Some(vec!["one"])),
        (json!(" one  two "), Some(vec!["one", "two"])),
        (json!(""), Some(vec![])),
        (json!(["one two", "three"]), Some(vec!["one two", "three"])),
        (json!([]), Some(vec![])),
        (json!(null), Some(vec![])),
        (json!(["one", 2]), None),
        (json!(2), None),
        (json!(true), None),
        (json!({"one": true}), None),
    ] {
        let groups = groups(&source, &claims(json!({ "groups": value.clone() })));
        let expected = found.map(|names| names.into_iter().map(str::to_owned).collect());
        assert_eq!(groups.ok(), expected, "{value}");
    }
    assert_eq!(groups(&source, &claims(json!({}))), Ok(Vec::new()));
}

#[test]
fn an_openid_connect_provider_has_one_kind_of_token() {
    let tokens = |identity, access| Tokens { identity, access };
    let (id, at) = (Some("i"), Some("a"));
    for (provider, given, expected) in [
        (pool(&[]), (id, at), Some((id, at))),
        (pool(&[]), (id, None), Some((id, None))),
        (pool(&[]), (None, at), Some((None, at))),
        (pool(&[]), (None, None), None),
        (identity(&[]), (id, at), Some((id, None))),
        (identity(&[]), (id, None), Some((id, None))),
        (identity(&[]), (None, at), None),
        (access(&[]), (id, at), Some((None, at))),
        (access(&[]), (None, at), Some((None, at))),
        (access(&[]), (id, None), None),
        (access(&[]), (None, None), None),
    ] {
        let found = processed(&source(provider.clone()), tokens(given.0, given.1));
        let found = found.ok().map(|tokens| (tokens.identity, tokens.access));
        assert_eq!(found, expected, "{provider:?} {given:?}");
    }
}
