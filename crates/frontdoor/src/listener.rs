//! Listeners: what is known of the connections that come through each, and where its clients'
//! addresses are told.
//!
//! In AWS a request comes from the internet or through a VPC endpoint, and policies tell the two
//! apart by `aws:SourceIp`, `aws:SourceVpc`, `aws:SourceVpce` and `aws:VpcSourceIp`. Here a
//! listener can be tagged, so that it plays a VPC endpoint.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use http::HeaderMap;
use iam::condition_keys::Network;
use ipnet::IpNet;
use ppp::v2::{Addresses, Command, Header};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The fixed part of a PROXY protocol v2 header; its last two bytes are the length of the rest.
const PROXY_HEADER: usize = 16;
/// The longest rest that is read. Addresses and the usual additions take a few hundred bytes.
const PROXY_REST: usize = 4096;

/// How to listen: an address, and after it any of `vpc=ID`, `vpce=ID`, `secure-transport`,
/// `client-address=proxy-protocol`, `client-address=x-forwarded-for` and `proxies=CIDR+CIDR`,
/// separated by commas.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listener {
    /// Where to listen.
    pub address: SocketAddr,
    /// The VPC that its clients are in (`aws:SourceVpc`).
    pub vpc: Option<String>,
    /// The VPC endpoint that the listener stands for (`aws:SourceVpce`).
    pub vpce: Option<String>,
    /// Whether something in front of it takes TLS connections (`aws:SecureTransport`).
    pub secure_transport: bool,
    /// Who tells the client's address.
    pub client_address: ClientAddress,
    /// The addresses that proxies may connect from; loopback if nothing is said.
    pub proxies: Vec<IpNet>,
}

/// Who tells the address of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientAddress {
    /// The connection itself.
    Peer,
    /// A PROXY protocol v2 header, with which every connection must begin.
    ProxyProtocol,
    /// The header `X-Forwarded-For` of a request that comes through one of the proxies.
    ForwardedFor,
}

impl Listener {
    /// A listener without tags.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            vpc: None,
            vpce: None,
            secure_transport: false,
            client_address: ClientAddress::Peer,
            proxies: Vec::new(),
        }
    }

    /// Finds out where a new connection comes from, reading its PROXY protocol header if it must
    /// have one.
    ///
    /// # Errors
    /// The peer is no proxy, or the header is missing or malformed.
    pub async fn network(
        &self,
        peer: IpAddr,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Arc<Network>> {
        let source = match self.client_address {
            ClientAddress::Peer | ClientAddress::ForwardedFor => peer,
            ClientAddress::ProxyProtocol => {
                if !self.is_proxy(peer) {
                    return Err(invalid("the peer is none of the proxies"));
                }
                proxied(stream).await?.unwrap_or(peer)
            }
        };
        Ok(Arc::new(self.network_of(source)))
    }

    /// Where a request of a connection comes from: what the connection says, unless its proxies
    /// tell the address in a header. `None` when they tell something that is no address: to take
    /// the proxy's own for it would let anybody pass for the proxy.
    pub(crate) fn forwarded(
        &self,
        connection: &Arc<Network>,
        headers: &HeaderMap,
    ) -> Option<Arc<Network>> {
        if self.client_address != ClientAddress::ForwardedFor
            || !self.is_proxy(connection.source_ip)
        {
            return Some(Arc::clone(connection));
        }
        let lines = headers.get_all("x-forwarded-for").iter();
        let mut entries: Vec<&[u8]> = lines
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
            .collect();
        // Each proxy appends whom it heard from; what stands left of the first stranger is only
        // the stranger's word.
        let mut client = connection.source_ip;
        while self.is_proxy(client) {
            match entries.pop() {
                Some(entry) => client = entry_address(entry)?,
                None => break,
            }
        }
        Some(Arc::new(self.network_of(client)))
    }

    fn network_of(&self, source_ip: IpAddr) -> Network {
        Network {
            source_ip,
            secure_transport: self.secure_transport,
            vpc: self.vpc.clone(),
            vpce: self.vpce.clone(),
        }
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if self.proxies.is_empty() {
            address.is_loopback()
        } else {
            self.proxies.iter().any(|net| net.contains(&address))
        }
    }
}

/// An entry of `X-Forwarded-For`: an address, which some proxies write with a port.
fn entry_address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port)
}

/// Reads a PROXY protocol v2 header; `None` when the proxy speaks for itself (`LOCAL`).
async fn proxied(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    let mut header = vec![0; PROXY_HEADER];
    stream.read_exact(&mut header).await?;
    let rest = match header.last_chunk::<2>() {
        Some(length) if header.starts_with(ppp::v2::PROTOCOL_PREFIX) => {
            usize::from(u16::from_be_bytes(*length))
        }
        Some(_) | None => return Err(invalid("no PROXY protocol v2 header")),
    };
    if rest > PROXY_REST {
        return Err(invalid("the PROXY protocol header is too long"));
    }
    header.resize(PROXY_HEADER + rest, 0);
    if let Some(rest) = header.get_mut(PROXY_HEADER..) {
        stream.read_exact(rest).await?;
    }
    let header = Header::try_from(header.as_slice())
        .map_err(|_| invalid("the PROXY protocol header is malformed"))?;
    if header.command == Command::Local {
        return Ok(None);
    }
    match header.addresses {
        Addresses::IPv4(addresses) => Ok(Some(addresses.source_address.into())),
        Addresses::IPv6(addresses) => Ok(Some(addresses.source_address.into())),
        Addresses::Unix(_) | Addresses::Unspecified => Ok(None),
    }
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// The text was no [`Listener`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvalidListener(String);

impl FromStr for Listener {
    type Err = InvalidListener;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(',').map(str::trim);
        let address = parts.next().unwrap_or_default();
        let no_address =
            |_| InvalidListener(format!("`{address}` is no address like 127.0.0.1:4101"));
        let mut listener = Self::new(address.parse().map_err(no_address)?);
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match (key, value) {
                ("vpc", id) if !id.is_empty() => listener.vpc = Some(id.to_owned()),
                ("vpce", id) if !id.is_empty() => listener.vpce = Some(id.to_owned()),
                ("secure-transport", "") => listener.secure_transport = true,
                ("client-address", "proxy-protocol") => {
                    listener.client_address = ClientAddress::ProxyProtocol;
                }
                ("client-address", "x-forwarded-for") => {
                    listener.client_address = ClientAddress::ForwardedFor;
                }
                ("proxies", nets) if !nets.is_empty() => {
                    listener.proxies = nets.split('+').map(net).collect::<Result<_, _>>()?;
                }
                _ => return Err(InvalidListener(format!("`{part}` is not understood"))),
            }
        }
        Ok(listener)
    }
}

fn net(text: &str) -> Result<IpNet, InvalidListener> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| InvalidListener(format!("`{text}` is no address range like 10.0.0.0/8")))
}

impl fmt::Display for InvalidListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(reason) = self;
        write!(f, "{reason}")
    }
}

impl std::error::Error for InvalidListener {}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn listener(text: &str) -> Listener {
        text.parse().unwrap()
    }

    #[test]
    fn a_listener_is_written_as_an_address_with_tags() {
        let text = "0.0.0.0:4101, vpc=vpc-1,vpce=vpce-2,secure-transport,\
                    client-address=proxy-protocol,proxies=10.0.0.0/8+192.0.2.1+fd00::/8";
        assert_eq!(
            listener(text),
            Listener {
                vpc: Some("vpc-1".to_owned()),
                vpce: Some("vpce-2".to_owned()),
                secure_transport: true,
                client_address: ClientAddress::ProxyProtocol,
                proxies: ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8"]
                    .map(|net| net.parse().unwrap())
                    .to_vec(),
                ..Listener::new("0.0.0.0:4101".parse().unwrap())
            }
        );
        for (wrong, part) in [
            ("", "``"),
            ("localhost:1", "`localhost:1`"),
            ("127.0.0.1", "`127.0.0.1`"),
            ("127.0.0.1:1,vpc", "`vpc`"),
            ("127.0.0.1:1,vpc=", "`vpc=`"),
            ("127.0.0.1:1,secure-transport=no", "`secure-transport=no`"),
            ("127.0.0.1:1,client-address=peer", "`client-address=peer`"),
            ("127.0.0.1:1,proxies=10.0.0.0/33", "`10.0.0.0/33`"),
        ] {
            let error = wrong.parse::<Listener>().unwrap_err().to_string();
            assert!(error.starts_with(part), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_forwarding_header_counts_only_from_a_proxy_and_only_its_own_word() {
        for (text, peer, header, source) in [
            ("", "127.0.0.1", "203.0.113.9", "127.0.0.1"),
            ("X", "127.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("X", "127.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
            (
                "X",
                "127.0.0.1",
                "1.1.1.1, 203.0.113.9 , 127.0.0.1",
                "203.0.113.9",
            ),
            ("X", "127.0.0.1", "2001:db8::1", "2001:db8::1"),
            ("X", "127.0.0.1", "203.0.113.9:4433", "203.0.113.9"),
            ("X", "127.0.0.1", "[2001:db8::1]:4433", "2001:db8::1"),
            ("X", "127.0.0.1", "unknown, 203.0.113.9", "203.0.113.9"),
            ("X", "127.0.0.1", "127.0.0.2", "127.0.0.2"),
            ("X", "127.0.0.1", "1.1.1.1, unknown", "none"),
            ("X", "127.0.0.1", "203.0.113.9,", "none"),
            ("X", "127.0.0.1", "", "none"),
            ("X", "10.1.1.1", "203.0.113.9", "10.1.1.1"),
            (
                "X,proxies=10.0.0.0/8",
                "10.1.1.1",
                "203.0.113.9, 10.2.2.2",
                "203.0.113.9",
            ),
            (
                "X,proxies=10.0.0.0/8",
                "127.0.0.1",
                "203.0.113.9",
                "127.0.0.1",
            ),
        ] {
            let text = text.replace('X', "client-address=x-forwarded-for");
            let listener = listener(format!("127.0.0.1:1,{text}").trim_end_matches(','));
            let connection = Arc::new(listener.network_of(peer.parse().unwrap()));
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("x-forwarded-for"),
                header.parse().unwrap(),
            )]);
            let network = listener.forwarded(&connection, &headers);
            let found = network.map_or("none".to_owned(), |network| network.source_ip.to_string());
            assert_eq!(found, source, "{text} {peer} {header}");
        }
    }

    #[test]
    fn a_forwarding_header_of_other_bytes_is_refused_and_none_is_the_connections() {
        let listener = listener("127.0.0.1:1,client-address=x-forwarded-for");
        let connection = Arc::new(listener.network_of(Ipv4Addr::LOCALHOST.into()));
        let header = http::HeaderValue::from_bytes(b"\xff, 203.0.113.9").unwrap();
        let name = http::HeaderName::from_static("x-forwarded-for");
        let mut headers = HeaderMap::new();
        assert_eq!(
            listener.forwarded(&connection, &headers).as_ref(),
            Some(&connection)
        );
        headers.insert(name.clone(), header);
        let network = listener.forwarded(&connection, &headers).unwrap();
        assert_eq!(network.source_ip.to_string(), "203.0.113.9");
        headers.append(name, http::HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(listener.forwarded(&connection, &headers), None);
    }

    fn proxy_header(command: Command, source: Ipv4Addr) -> Vec<u8> {
        let addresses = ppp::v2::IPv4::new(source, Ipv4Addr::LOCALHOST, 5000, 443);
        ppp::v2::Builder::with_addresses(
            ppp::v2::Version::Two | command,
            ppp::v2::Protocol::Stream,
            addresses,
        )
        .build()
        .unwrap()
    }

    #[tokio::test]
    async fn a_proxy_protocol_header_is_taken_off_and_tells_the_address() {
        let listener = listener("127.0.0.1:1,client-address=proxy-protocol");
        let source = Ipv4Addr::new(203, 0, 113, 9);
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        for (command, expected) in [
            (Command::Proxy, source),
            (Command::Local, Ipv4Addr::LOCALHOST),
        ] {
            let bytes = [proxy_header(command, source), b"GET /".to_vec()].concat();
            let mut stream = bytes.as_slice();
            let network = listener.network(loopback, &mut stream).await.unwrap();
            assert_eq!(network.source_ip, IpAddr::from(expected));
            assert_eq!(stream, b"GET /");
        }
        let stranger = IpAddr::from(source);
        let good = proxy_header(Command::Proxy, source);
        assert!(
            listener
                .network(stranger, &mut good.as_slice())
                .await
                .is_err()
        );
        let mut long = good.clone();
        long[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
        long.resize(PROXY_HEADER + usize::from(u16::MAX), 0);
        for bad in [
            b"".to_vec(),
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            good[..20].to_vec(),
            long,
        ] {
            assert!(
                listener
                    .network(loopback, &mut bad.as_slice())
                    .await
                    .is_err()
            );
        }
    }
}
