use std::io::{Read, Write};
use std::net::TcpStream;

use crate::process::{Server, eventually};

/// A request whose body is not sent yet.
const BEGINNING: &str = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-amz-json-1.0\r\n\
     x-amz-target: VerifiedPermissions.ListPolicyStores\r\ncontent-length: 2\r\n\r\n";

fn request_under_way(server: &Server) -> TcpStream {
    let mut stream = server.connect();
    stream.write_all(BEGINNING.as_bytes()).unwrap();
    // The answer to a later connection shows that the server has the earlier one too.
    server.health();
    stream
}

#[test]
fn a_signal_ends_the_server_cleanly() {
    for name in ["TERM", "INT"] {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("data");
        let server = Server::start(&dir);
        // A connection that nobody uses must not hold the end up.
        let _idle = server.connect();
        assert!(dir.join("server.json").exists());
        server.signal(name);
        let (status, rest) = server.wait();
        assert_eq!((status.code(), rest.as_str()), (Some(0), ""), "{name}");
        assert!(!dir.join("server.json").exists());
        assert!(
            !dir.join("treeline.db-wal").exists(),
            "the database is closed"
        );
    }
}

#[test]
fn a_request_that_is_under_way_is_answered_before_the_end() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(&home.path().join("data"));
    let mut stream = request_under_way(&server);
    server.signal("TERM");
    eventually("the end of accepting", || server.refuses_connections());
    stream.write_all(b"{}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.contains("MissingAuthenticationTokenException"),
        "{answer}"
    );
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let home = tempfile::tempdir().unwrap();
        let server = Server::start(&home.path().join("data"));
        let _stream = request_under_way(&server);
        server.signal("TERM");
        eventually("the end of accepting", || server.refuses_connections());
        server.signal(name);
        assert_eq!(server.wait().0.code(), Some(code), "{name}");
    }
}
