//! What holds for any bytes that come over the wire: the properties behind the fuzz targets and
//! their corpora.

use crate::{session, stages};

/// Takes bytes as the first packet of a connection.
///
/// # Panics
/// A property does not hold.
pub fn startup(bytes: &[u8]) {
    stages::fuzzing::startup(bytes);
}

/// Takes bytes as what a client sends in a session.
///
/// # Panics
/// A property does not hold.
pub fn client_messages(bytes: &[u8]) {
    session::fuzzing::client_messages(bytes);
}

/// Takes bytes as what a client sends and what its backend answers.
///
/// # Panics
/// A property does not hold.
pub fn backend_messages(bytes: &[u8]) {
    session::fuzzing::backend_messages(bytes);
}

/// Takes bytes as what a client and a backend do in turn, the backend as PostgreSQL does.
///
/// # Panics
/// A property does not hold.
pub fn conversation(bytes: &[u8]) {
    session::fuzzing::conversation(bytes);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// The inputs that the fuzzer has found worth keeping.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        let files = root.join(target).read_dir().unwrap();
        let inputs = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        inputs.collect()
    }

    #[test]
    fn what_holds_for_any_bytes_holds_for_those_of_the_corpora() {
        let check = |target, check: fn(&[u8])| {
            let inputs = corpus(target);
            assert!(inputs.len() > 20, "{target} has {}", inputs.len());
            inputs.iter().for_each(|input| check(input));
        };
        check("startup", super::startup);
        check("client_messages", super::client_messages);
        check("backend_messages", super::backend_messages);
        check("conversation", super::conversation);
    }
}
