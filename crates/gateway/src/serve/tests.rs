use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::gateway::Options;
use crate::testing::{Client, Clusters, ID, Message, Token, World, cluster, next};

/// A server on a port of its own.
struct Server {
    address: SocketAddr,
    connections: Arc<Semaphore>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

async fn start(world: &World, tags: &str) -> Server {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let listener = format!("{address}{tags}").parse().unwrap();
    let connections = Arc::new(Semaphore::new(2));
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(serve(
        socket,
        listener,
        Arc::clone(&world.gateway),
        Arc::clone(&connections),
        async { drop(stopped.await) },
        Duration::from_secs(5),
    ));
    Server {
        address,
        connections,
        stop,
        served,
    }
}

fn admin(world: &World) -> Client {
    let mut client = Client::new(world);
    client.password = Some(Token::admin().sign());
    client
}

/// Everything up to and with `ReadyForQuery` or the end.
async fn login(client: Client, stream: TcpStream) -> (Vec<Message>, impl AsyncReadExt + Unpin) {
    let password = client.password.clone();
    let mut stream = client.secure(stream).await;
    let messages = crate::testing::read(&mut stream, password.as_deref()).await;
    (messages, stream)
}

#[tokio::test]
async fn a_session_is_relayed_until_the_server_ends() {
    let world = World::new();
    let server = start(&world, "").await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (messages, mut stream) = login(admin(&world), stream).await;
    assert_eq!(messages.last().unwrap().tag, 'Z');
    assert_eq!(server.connections.available_permits(), 0);
    let mut backend = world.databases.backend();
    backend.write_all(b"N\0\0\0\x05\0").await.unwrap();
    assert_eq!(next(&mut stream).await.unwrap().tag, 'N');
    server.stop.send(()).unwrap();
    let expected = "57P01 terminating connection due to administrator command";
    assert_eq!(next(&mut stream).await.unwrap().error(), expected);
    assert_eq!(next(&mut stream).await, None);
    server.served.await.unwrap();
    assert_eq!(server.connections.available_permits(), 2);
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_session_gives_its_place_back() {
    let world = World::new();
    let server = start(&world, "").await;
    for _ in 0..3 {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let (messages, stream) = login(admin(&world), stream).await;
        assert_eq!(messages.last().unwrap().tag, 'Z');
        drop(stream);
    }
    while server.connections.available_permits() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_proxy_tells_the_address_before_tls() {
    let policy = r#"{"Effect":"Deny","Principal":"*","Action":"dsql:*","Resource":"*",
        "Condition":{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}"#;
    let clusters = Clusters::of(vec![cluster(ID, policy)]);
    let world = World::with(Options::default(), clusters, "");
    let server = start(&world, ",client-address=proxy-protocol").await;
    for (source, tag) in [([203, 0, 113, 9], 'Z'), ([198, 51, 100, 9], 'E')] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
        let addresses = [&source[..], &[127, 0, 0, 1], &[0, 1, 0, 2]].concat();
        stream
            .write_all(&[header, &*addresses].concat())
            .await
            .unwrap();
        let (messages, _) = login(admin(&world), stream).await;
        assert_eq!(messages.last().unwrap().tag, tag);
    }
    // Without the header nothing is answered.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"\0\0\0\x08\x04\xd2\x16\x2fmore-and-more")
        .await
        .unwrap();
    assert!(!matches!(stream.read(&mut [0; 1]).await, Ok(1..)));
}

#[tokio::test]
async fn http_headers_tell_no_address_here() {
    let world = World::new();
    for (tags, fits) in [
        ("", true),
        (",vpc=vpc-1,vpce=vpce-1", true),
        (",client-address=proxy-protocol", true),
        (",client-address=x-forwarded-for", false),
    ] {
        let listener = format!("127.0.0.1:1{tags}").parse().unwrap();
        assert_eq!(check(&listener).is_ok(), fits, "{tags}");
    }
    let server = start(&world, ",client-address=x-forwarded-for").await;
    server.served.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}
