//! Databases in a server that somebody else runs, with a real PostgreSQL.

#[cfg(test)]
#[path = "../managed/common.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod common;
#[cfg(test)]
mod databases;
#[cfg(test)]
mod server;
