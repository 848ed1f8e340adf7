//! Where in an input we are, kept on the stack so that a valid input costs no text.

use std::fmt::Write as _;

/// The longest path we write, in bytes; what is beyond is cut. Keys come from the client, and a
/// body full of violations below one long key must not grow into a much larger answer.
const MAX_PATH: usize = 1024;

/// A place in a JSON value.
pub(crate) enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Path<'_> {
    /// As a JSON pointer (RFC 6901), for instance `/requests/3/policyId`; the root is `/`.
    pub(crate) fn pointer(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        if out.is_empty() {
            out.push('/');
        }
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Root => {}
            Self::Key(parent, key) => {
                parent.write(out);
                out.push('/');
                for c in key.chars() {
                    match c {
                        _ if out.len() >= MAX_PATH => break,
                        '~' => out.push_str("~0"),
                        '/' => out.push_str("~1"),
                        c => out.push(c),
                    }
                }
            }
            Self::Index(parent, index) => {
                parent.write(out);
                let _ = write!(out, "/{index}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_json_pointer() {
        let requests = Path::Key(&Path::Root, "requests");
        let third = Path::Index(&requests, 3);
        assert_eq!(Path::Root.pointer(), "/");
        assert_eq!(
            Path::Key(&third, "policyId").pointer(),
            "/requests/3/policyId"
        );
        assert_eq!(Path::Key(&requests, "a/b~c").pointer(), "/requests/a~1b~0c");
    }

    #[test]
    fn a_long_path_is_cut() {
        let key = "ä".repeat(5000);
        let path = Path::Key(&Path::Root, &key);
        assert!((MAX_PATH..MAX_PATH + 8).contains(&path.pointer().len()));
        assert!(Path::Key(&path, &key).pointer().len() < MAX_PATH + 8);
    }
}
