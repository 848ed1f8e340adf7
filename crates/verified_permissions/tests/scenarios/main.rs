//! Scenarios: the service in process, used through the official AWS SDK for Rust.

#[cfg(test)]
mod access;
#[cfg(test)]
mod aliases;
#[cfg(test)]
mod batches;
#[cfg(test)]
mod common;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod encryption;
#[cfg(test)]
mod entities;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod identity_sources;
#[cfg(test)]
mod links;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod nesting;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod policy_keys;
mod policy_lists;
#[cfg(test)]
mod policy_store_deletion;
#[cfg(test)]
mod policy_stores;
#[cfg(test)]
mod policy_updates;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod quotas;
#[cfg(test)]
mod random;
#[cfg(test)]
mod rates;
#[cfg(test)]
mod reopening;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod tags;
#[cfg(test)]
mod templates;
#[cfg(test)]
mod tokens;
