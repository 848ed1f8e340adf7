//! The first bytes of a connection: TLS at once, or asked for, or a `CancelRequest` without.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::End;
use super::packet::Packet;
use super::wire::startup_packet;
use crate::refusal::Refusal;

/// The first byte of a TLS handshake, which no startup packet that is short enough begins with.
const TLS_HANDSHAKE: u8 = 0x16;

/// How a client begins.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Opening {
    /// TLS follows; the byte is the first of it, if it has been read.
    Tls(Option<u8>),
    /// It wants something cancelled.
    Cancel(i32, i32),
}

/// Reads up to where TLS begins.
pub(crate) async fn open(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> Result<Opening, End> {
    let first = stream.read_u8().await?;
    if first == TLS_HANDSHAKE {
        return Ok(Opening::Tls(Some(first)));
    }
    let mut packet = startup_packet(stream, Some(first)).await?;
    if packet == Packet::GssEncryption {
        stream.write_all(b"N").await?;
        stream.flush().await?;
        packet = startup_packet(stream, None).await?;
    }
    match packet {
        Packet::Ssl => {
            // Whatever else has come without encryption is taken for TLS, and is none.
            stream.write_all(b"S").await?;
            stream.flush().await?;
            Ok(Opening::Tls(None))
        }
        Packet::Cancel { process, secret } => Ok(Opening::Cancel(process, secret)),
        Packet::GssEncryption => {
            Err(Refusal::protocol_violation("GSSAPI encryption has been refused already").into())
        }
        Packet::Startup(_) => Err(Refusal::plaintext().into()),
    }
}

/// A stream with a byte put back in front.
pub(crate) struct Rewound<S> {
    first: Option<u8>,
    inner: S,
}

impl<S> Rewound<S> {
    pub(crate) fn new(first: Option<u8>, inner: S) -> Self {
        Self { first, inner }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0
            && let Some(first) = self.first.take()
        {
            buffer.put_slice(&[first]);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
