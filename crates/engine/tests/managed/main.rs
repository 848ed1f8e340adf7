//! Instances on this machine, with a real PostgreSQL.

#[cfg(test)]
mod common;
#[cfg(test)]
mod instances;
mod keys;
#[cfg(test)]
mod sessions;
