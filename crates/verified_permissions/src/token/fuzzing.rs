//! What holds for any claims of a verified token: the properties behind the fuzz target and its
//! corpus.

use std::collections::HashSet;
use std::sync::LazyLock;

use base::Timestamp;
use cedar_policy::Schema;
use cedar_policy_core::ast::{Entity, EntityType, EntityUID, PartialValue, Value, ValueKind};
use cedar_policy_core::entities::{Entities, TCComputation};
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::validator::{CoreSchema, ValidatorSchema};

use super::checks::{Kind, for_source, groups, subject};
use super::claims::{Claims, members, nest};
use super::source::TokenSource;
use crate::identity_source::{
    Groups, IdentitySourceRecord, OpenIdConnect, Provider, TokenSelection, UserPool,
};

/// Attributes of all types, some of them with the names of usual claims.
const SCHEMA: &str = "
    entity Group;
    entity User in [Group] {
        sub: String, aud?: Set<String>, scope?: Set<String>, groups?: Set<String>, n?: Long,
        b?: Bool, ip?: ipaddr, dec?: decimal, at?: datetime, for?: duration, user?: User,
        many?: Set<Set<Long>>, record?: { inner?: { deep: Long }, list?: Set<{ x: Long }> },
        custom?: { tier?: String }, \"custom:tier\"?: String,
    };";

static DECLARED: LazyLock<ValidatorSchema> = LazyLock::new(|| {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).expect("a schema");
    let schema: &ValidatorSchema = schema.as_ref();
    schema.clone()
});

fn sources() -> [std::sync::Arc<TokenSource>; 2] {
    let pool = Provider::Cognito(UserPool {
        arn: "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_p".to_owned(),
        client_ids: vec!["a".to_owned()],
        group_entity_type: None,
    });
    let provider = Provider::OpenIdConnect(OpenIdConnect {
        issuer: "https://issuer.example".to_owned(),
        entity_id_prefix: Some("p".to_owned()),
        groups: Some(Groups {
            claim: "groups".to_owned(),
            entity_type: "Group".to_owned(),
        }),
        tokens: TokenSelection::Access {
            principal_id_claim: None,
            audiences: Some(vec!["a".to_owned()]),
        },
    });
    [pool, provider].map(|provider| {
        let at = Timestamp::from_unix_micros(0);
        let record = IdentitySourceRecord {
            created: at,
            updated: at,
            principal_entity_type: "User".to_owned(),
            provider,
        };
        TokenSource::new(record).expect("types")
    })
}

/// Takes bytes as the claims of a token.
///
/// # Panics
/// A property does not hold.
pub fn claims(bytes: &[u8]) {
    let Ok(claims) = serde_json::from_slice::<Claims>(bytes) else {
        return;
    };
    for source in sources() {
        let group_claim = source.group_claim();
        for kind in [Kind::Identity, Kind::Access] {
            let _ = for_source(&source, kind, &claims);
        }
        if let Ok(subject) = subject(&source, &claims) {
            assert!(source.entity_id(&subject).ends_with(&format!("|{subject}")));
        }
        if let Ok(groups) = groups(&source, &claims) {
            assert!(groups.is_empty() || group_claim.is_some_and(|name| claims.contains_key(name)));
        }
        let mut claims = claims.clone();
        if nest(&mut claims, group_claim).is_err() {
            continue;
        }
        let natural = members(&claims, None, group_claim).expect("without a schema all fits");
        for (name, value) in natural {
            assert!(claims.contains_key(name) && Some(name) != group_claim);
            assert_plain(&value);
        }
        conforms(&claims);
    }
}

/// Nothing that only Cedar's own JSON could have said.
fn assert_plain(value: &Value) {
    match &value.value {
        ValueKind::Lit(literal) => {
            assert!(!matches!(
                literal,
                cedar_policy_core::ast::Literal::EntityUID(_)
            ));
        }
        ValueKind::Set(values) => values.authoritative.iter().for_each(assert_plain),
        ValueKind::Record(members) => members.values().for_each(assert_plain),
        ValueKind::ExtensionValue(value) => panic!("{value:?}"),
    }
}

/// What the schema lets pass is, to Cedar, an entity of that type.
fn conforms(claims: &Claims) {
    let user: EntityType = "User".parse().expect("a type");
    let declared = DECLARED.get_entity_type(&user).expect("it is declared");
    let Ok(members) = members(claims, Some(declared.attributes()), None) else {
        return;
    };
    let known = |(name, value): (&str, Value)| (name.into(), PartialValue::Value(value));
    let uid: EntityUID = "User::\"u\"".parse().expect("an entity");
    let none = HashSet::new;
    let attributes = members.into_iter().map(known);
    let entity = Entity::new_with_attr_partial_value(uid, attributes, none(), none(), []);
    let schema = CoreSchema::new(&DECLARED);
    let extensions = Extensions::all_available();
    let closed = TCComputation::ComputeNow;
    let checked = Entities::from_entities([entity], Some(&schema), closed, extensions);
    checked.expect("it conforms to the schema");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn what_holds_for_any_claims_holds_for_those_of_the_corpus() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        let files: Vec<_> = root.join("claims").read_dir().unwrap().collect();
        assert!(files.len() > 20, "{}", files.len());
        for file in files {
            super::claims(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }
}
