//! Scenarios: the service in process, used through the official AWS SDK for Rust.

#[cfg(test)]
mod access;
#[cfg(test)]
mod clusters;
#[cfg(test)]
mod common;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod linking;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod metric_groups;
#[cfg(test)]
mod pairs;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod quotas;
#[cfg(test)]
mod reopening;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod tags;
