//! How many connections a cluster may have, and how many new ones in a second. Source: the user
//! guide, "Cluster quotas and database limits".

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::Timestamp;

use crate::refusal::Refusal;

/// The quotas of a cluster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// The most connections at once.
    pub connections: u32,
    /// New connections per second.
    pub rate: u32,
    /// How many new connections can come at once after a rest.
    pub burst: u32,
}

impl Default for Quota {
    /// AWS's: 10,000 connections, 100 new ones per second, 1,000 at once.
    fn default() -> Self {
        Self {
            connections: 10_000,
            rate: 100,
            burst: 1_000,
        }
    }
}

/// What is used of the quotas, by cluster.
#[derive(Clone)]
pub(crate) struct Quotas {
    quota: Quota,
    used: Arc<Mutex<HashMap<String, Used>>>,
}

#[derive(Clone, Copy)]
struct Used {
    open: u32,
    /// The connections that could come at once, in millionths.
    tokens: u64,
    at: Timestamp,
}

/// A connection that counts until this is dropped.
pub(crate) struct Place {
    quotas: Quotas,
    cluster: String,
}

/// A connection, in the unit of `Used::tokens`.
const ONE: u64 = 1_000_000;

impl Quotas {
    /// Nothing is used.
    pub(crate) fn new(quota: Quota) -> Self {
        Self {
            quota,
            used: Arc::default(),
        }
    }

    /// Takes a place for a new connection to `cluster`.
    ///
    /// # Errors
    /// When the cluster has no more, or gets them too quickly.
    pub(crate) fn take(&self, cluster: &str, now: Timestamp) -> Result<Place, Refusal> {
        let mut clusters = self.lock();
        if !clusters.contains_key(cluster) {
            // Those that are as good as new need not be remembered.
            clusters.retain(|_, used| used.open > 0 || self.refilled(used, now) < self.full());
        }
        let used = clusters.entry(cluster.to_owned()).or_insert(Used {
            open: 0,
            tokens: self.full(),
            at: now,
        });
        used.tokens = self.refilled(used, now);
        used.at = used.at.max(now);
        if used.tokens < ONE {
            return Err(Refusal::rate_exceeded());
        }
        // Who is refused for another reason has come all the same.
        used.tokens -= ONE;
        if used.open >= self.quota.connections {
            return Err(Refusal::too_many_connections());
        }
        used.open += 1;
        drop(clusters);
        Ok(Place {
            quotas: self.clone(),
            cluster: cluster.to_owned(),
        })
    }

    fn full(&self) -> u64 {
        u64::from(self.quota.burst) * ONE
    }

    fn refilled(&self, used: &Used, now: Timestamp) -> u64 {
        let micros = now.unix_micros().saturating_sub(used.at.unix_micros());
        let since = u64::try_from(micros).unwrap_or_default();
        let new = since.saturating_mul(u64::from(self.quota.rate));
        used.tokens.saturating_add(new).min(self.full())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Used>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(used) = self.quotas.lock().get_mut(&self.cluster) {
            used.open = used.open.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: Timestamp = Timestamp::from_unix_micros(1_000_000_000_000_000);

    fn quotas(connections: u32, rate: u32, burst: u32) -> Quotas {
        Quotas::new(Quota {
            connections,
            rate,
            burst,
        })
    }

    #[test]
    fn connections_are_counted_by_cluster_until_they_end() {
        let quotas = quotas(2, 100, 1_000);
        let take = |cluster| quotas.take(cluster, START).map_err(|no| no.sqlstate);
        let first = take("a").ok().unwrap();
        let second = take("a").ok().unwrap();
        assert_eq!(take("a").err().unwrap(), "53300");
        assert!(take("b").is_ok());
        drop(first);
        let third = take("a");
        assert!(third.is_ok());
        assert_eq!(take("a").err().unwrap(), "53300");
        drop((second, third));
        assert!(take("a").is_ok());
    }

    #[test]
    fn a_bucket_is_emptied_at_once_and_filled_with_time() {
        let quotas = quotas(10_000, 100, 1_000);
        let came = |cluster: &str, at: Timestamp, most: usize| {
            (0..most)
                .take_while(|_| quotas.take(cluster, at).is_ok())
                .count()
        };
        assert_eq!(came("a", START, 5_000), 1_000);
        assert_eq!(quotas.take("a", START).err().unwrap().sqlstate, "53400");
        assert_eq!(came("b", START, 5_000), 1_000);
        assert_eq!(came("a", START.plus(Duration::from_millis(9)), 10), 0);
        assert_eq!(came("a", START.plus(Duration::from_millis(10)), 10), 1);
        assert_eq!(came("a", START.plus(Duration::from_secs(1)), 5_000), 99);
        // A clock that is set back gives nothing and takes nothing.
        assert_eq!(came("a", START, 10), 0);
        assert_eq!(
            came("a", START.plus(Duration::from_secs(100)), 5_000),
            1_000
        );
    }

    #[test]
    fn clusters_that_nobody_uses_are_forgotten() {
        let quotas = quotas(10, 100, 10);
        let held = quotas.take("held", START);
        assert!(held.is_ok());
        for at in 0..1_000 {
            let now = START.plus(Duration::from_secs(at));
            assert!(quotas.take(&at.to_string(), now).is_ok());
        }
        assert!(quotas.lock().len() < 4);
        assert!(quotas.lock().contains_key("held"));
    }
}
