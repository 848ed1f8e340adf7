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

/// What serde's `rename_all = "camelCase"` makes of a Rust name, field or variant.
pub(super) fn serde_camel(rust_name: &str) -> String {
    let joined =
        if rust_name.contains('_') || rust_name.starts_with(|c: char| c.is_ascii_lowercase()) {
            rust_name.split('_').map(pascal).collect()
        } else {
            rust_name.to_owned()
        };
    let (first, rest) = joined.split_at(joined.len().min(1));
    first.to_ascii_lowercase() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_rust_names() {
        assert_eq!(snake("policyStoreId"), "policy_store_id");
        assert_eq!(screaming("PolicyStoreId"), "POLICY_STORE_ID");
        for (name, variant) in [
            ("templateLinked", "TemplateLinked"),
            ("TEMPLATE_LINKED", "TemplateLinked"),
            ("SoftDelete", "SoftDelete"),
            ("CEDAR_4", "Cedar4"),
            ("OFF", "Off"),
        ] {
            assert_eq!(pascal(name), variant);
        }
    }

    #[test]
    fn serde_camel_agrees_with_serde() {
        for (rust, wire) in [
            ("policy_store_id", "policyStoreId"),
            ("arn", "arn"),
            ("TemplateLinked", "templateLinked"),
        ] {
            assert_eq!(serde_camel(rust), wire);
        }
    }
}
