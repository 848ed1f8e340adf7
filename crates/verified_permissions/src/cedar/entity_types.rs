//! Entity type names, parsed. Cedar's parser takes microseconds for a name, requests and policies
//! repeat few of them, and every link of a template needs one.

use std::sync::{Arc, LazyLock};

use cedar_policy::EntityTypeName;
use cedar_policy_core::ast::EntityType;
use quick_cache::sync::Cache;

/// Names come from clients, so only so many are remembered.
static PARSED: LazyLock<Cache<Box<str>, Arc<EntityType>>> = LazyLock::new(|| Cache::new(10_000));

/// The type with this name, shared with others that have it; the error is Cedar's text.
pub(crate) fn parse(name: &str) -> Result<Arc<EntityType>, String> {
    if let Some(found) = PARSED.get(name) {
        return Ok(found);
    }
    let parsed = name.parse::<EntityTypeName>();
    let parsed = parsed.map_err(|error| error.to_string())?;
    // Without its place in the text, which every copy would count.
    let parsed = Arc::new(AsRef::<EntityType>::as_ref(&parsed).with_loc(None));
    PARSED.insert(Box::from(name), Arc::clone(&parsed));
    Ok(parsed)
}
