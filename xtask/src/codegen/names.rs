//! Names of the service model as Rust names.

/// `policyStoreId` or `PolicyStoreId` -> `policy_store_id`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// `PolicyStoreId` -> `POLICY_STORE_ID`.
pub(super) fn screaming(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// `templateLinked` -> `TemplateLinked`, `TEMPLATE_LINKED` -> `TemplateLinked`.
pub(super) fn pascal(name: &str) -> String {
    let shouted = !name.contains(|c: char| c.is_ascii_lowercase());
    name.split(['_', '-'])
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            let rest = if shouted {
                rest.to_ascii_lowercase()
            } else {
                rest.to_owned()
            };
            first.to_ascii_uppercase() + &rest
        })
        .collect()
}

/// How most names of a structure or union are written on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Case {
    Camel,
    Pascal,
}

impl Case {
    /// Pascal if every one of `names` begins with a capital letter, and there are some.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = names.into_iter().peekable();
        let capital = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
        if names.peek().is_some() && names.all(capital) {
            Self::Pascal
        } else {
            Self::Camel
        }
    }

    /// The value for serde's `rename_all`.
    pub(super) fn rename_all(self) -> &'static str {
        match self {
            Self::Camel => "camelCase",
            Self::Pascal => "PascalCase",
        }
    }

    /// What serde's `rename_all` makes of a Rust name, field or variant.
    pub(super) fn serde(self, rust_name: &str) -> String {
        let joined =
            if rust_name.contains('_') || rust_name.starts_with(|c: char| c.is_ascii_lowercase()) {
                rust_name.split('_').map(pascal).collect()
            } else {
                rust_name.to_owned()
            };
        let (first, rest) = joined.split_at(joined.len().min(1));
        match self {
            Self::Camel => first.to_ascii_lowercase() + rest,
            Self::Pascal => joined,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_rust_names() {
        for (name, field) in [
            ("policyStoreId", "policy_store_id"),
            ("kmsEncryptionKey", "kms_encryption_key"),
            ("RoleArn", "role_arn"),
            ("arn", "arn"),
            ("Sid", "sid"),
        ] {
            assert_eq!(snake(name), field);
        }
        assert_eq!(screaming("PolicyStoreId"), "POLICY_STORE_ID");
        assert_eq!(screaming("arnType"), "ARN_TYPE");
        for (name, variant) in [
            ("templateLinked", "TemplateLinked"),
            ("TEMPLATE_LINKED", "TemplateLinked"),
            ("SoftDelete", "SoftDelete"),
            ("CEDAR_4", "Cedar4"),
            ("OFF", "Off"),
            ("STATEMENT_STATISTICS", "StatementStatistics"),
        ] {
            assert_eq!(pascal(name), variant);
        }
    }

    #[test]
    fn serde_names_agree_with_serde() {
        for (rust, camel, pascal) in [
            ("policy_store_id", "policyStoreId", "PolicyStoreId"),
            ("arn", "arn", "Arn"),
            ("TemplateLinked", "templateLinked", "TemplateLinked"),
        ] {
            assert_eq!(Case::Camel.serde(rust), camel);
            assert_eq!(Case::Pascal.serde(rust), pascal);
        }
    }

    #[test]
    fn the_case_of_a_structure_is_that_of_all_its_names() {
        for (names, case) in [
            (&["RoleArn", "Tags"][..], Case::Pascal),
            (&["roleArn", "Tags"], Case::Camel),
            (&["arn"], Case::Camel),
            (&[], Case::Camel),
        ] {
            assert_eq!(Case::of(names.iter().copied()), case, "{names:?}");
        }
    }
}
