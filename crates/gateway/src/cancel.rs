//! Cancel keys. A client that wants its statement cancelled shows, on another connection and
//! perhaps without TLS, what `BackendKeyData` told it; nothing else of such a connection says
//! which cluster is meant. So the keys are the gateway's own, unique among all clusters, and 63
//! bits of them are random.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::Entropy;

/// The keys of the sessions that there are.
#[derive(Clone, Default)]
pub(crate) struct CancelKeys(Arc<Mutex<HashMap<i32, Issued>>>);

struct Issued {
    secret: i32,
    target: Target,
}

/// The session of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Target {
    /// The database.
    pub(crate) database: String,
    /// The backend's process.
    pub(crate) process: i32,
    /// The backend's secret.
    pub(crate) secret: i32,
}

/// A key that is valid until this is dropped.
pub(crate) struct CancelGuard {
    keys: CancelKeys,
    process: i32,
    secret: i32,
}

impl CancelKeys {
    /// Issues a key for a session.
    pub(crate) fn issue(&self, target: Target, entropy: &dyn Entropy) -> CancelGuard {
        let mut bytes = [0; 8];
        let mut keys = self.lock();
        loop {
            entropy.fill(&mut bytes);
            let random = u64::from_be_bytes(bytes);
            let [process, secret] = [random >> 32, random & 0xffff_ffff].map(|half| half as u32);
            // Some clients print the process as a number: it is positive, as a process id is.
            let (process, secret) = ((process & 0x7fff_ffff).cast_signed(), secret.cast_signed());
            if process != 0 && !keys.contains_key(&process) {
                keys.insert(process, Issued { secret, target });
                drop(keys);
                return CancelGuard {
                    keys: self.clone(),
                    process,
                    secret,
                };
            }
        }
    }

    /// The session of a key.
    pub(crate) fn find(&self, process: i32, secret: i32) -> Option<Target> {
        let keys = self.lock();
        let issued = keys.get(&process)?;
        (issued.secret == secret).then(|| issued.target.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i32, Issued>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CancelGuard {
    /// What `BackendKeyData` tells the client: process and secret.
    pub(crate) fn key(&self) -> (i32, i32) {
        (self.process, self.secret)
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        self.keys.lock().remove(&self.process);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Gives out these numbers, one after the other.
    struct Numbers(AtomicU64);

    impl Entropy for Numbers {
        fn fill(&self, bytes: &mut [u8]) {
            let number = self.0.fetch_add(1, Ordering::SeqCst) / 2;
            bytes.copy_from_slice(&(number << 32 | 7).to_be_bytes());
        }
    }

    #[test]
    fn a_key_finds_its_session_for_as_long_as_it_is_held() {
        let keys = CancelKeys::default();
        let entropy = Numbers(AtomicU64::new(0));
        let target = |process| Target {
            database: "one".to_owned(),
            process,
            secret: 99,
        };
        // Zero is no process id, and each number comes twice.
        let (first, second) = (
            keys.issue(target(1), &entropy),
            keys.issue(target(2), &entropy),
        );
        assert_eq!((first.key(), second.key()), ((1, 7), (2, 7)));
        assert_eq!(keys.find(1, 7), Some(target(1)));
        assert_eq!(keys.find(2, 7), Some(target(2)));
        assert_eq!(keys.find(1, 8), None);
        assert_eq!(keys.find(3, 7), None);
        drop(first);
        assert_eq!(keys.find(1, 7), None);
        assert_eq!(keys.find(2, 7), Some(target(2)));
    }
}
