//! Tags of resources.

use std::collections::BTreeMap;

/// Finds a key of `new` that differs from another one, of `new` or of the `present` tags, in
/// nothing but upper and lower case, and says so.
///
/// Conditions do not tell such keys apart (`aws:ResourceTag/…`), so whoever may set one could have
/// it stand in for the other.
pub fn alike(new: &BTreeMap<String, String>, present: &BTreeMap<String, String>) -> Option<String> {
    let is_alike = |key: &&String| {
        let other = |known: &String| known != *key && known.eq_ignore_ascii_case(key);
        new.keys().chain(present.keys()).any(other)
    };
    let key = new.keys().find(is_alike)?;
    Some(format!(
        "The tag key `{key}` differs from another one in nothing but upper and lower case."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_keys_differ_from_others_in_more_than_case() {
        let tags = |keys: &[&str]| -> BTreeMap<String, String> {
            keys.iter()
                .map(|key| ((*key).to_owned(), String::new()))
                .collect()
        };
        for (new, present, found) in [
            (&["team"][..], &["team"][..], None),
            (&["team"], &["Name"], None),
            (&["TEAM"], &["team"], Some("`TEAM`")),
            (&["a", "A"], &[], Some("`A`")),
            (&["name"], &["team", "TEAM"], None),
        ] {
            let said = alike(&tags(new), &tags(present));
            assert_eq!(said.is_some(), found.is_some(), "{new:?} {present:?}");
            assert!(said.unwrap_or_default().contains(found.unwrap_or_default()));
        }
    }
}
