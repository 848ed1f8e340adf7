//! The messages of a connection before its session begins. Exactly what is needed is read, so that
//! nothing is left over for the next stage, encrypted or not.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::End;
use super::packet::{self, Packet};
use crate::frames;
use crate::refusal::Refusal;

/// The longest password, in bytes. A token with the longest security token takes half of them.
const LONGEST_PASSWORD: usize = 16_384;

/// Reads a startup packet whose first bytes have been read.
pub(crate) async fn startup_packet(
    stream: &mut (impl AsyncRead + Unpin),
    first: Option<u8>,
) -> Result<Packet, End> {
    let mut length = [0; 4];
    match (first, length.split_first_mut()) {
        (Some(byte), Some((place, rest))) => {
            *place = byte;
            stream.read_exact(rest).await?;
        }
        (_, _) => {
            stream.read_exact(&mut length).await?;
        }
    }
    let mut body = vec![0; packet::body_length(length)?];
    stream.read_exact(&mut body).await?;
    Ok(packet::read(&body)?)
}

/// Asks for the password and reads it.
pub(crate) async fn ask_password(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> Result<Zeroizing<String>, End> {
    // `AuthenticationCleartextPassword`
    send(stream, b'R', &3_u32.to_be_bytes()).await?;
    stream.flush().await?;
    let mut header = [0; 5];
    stream.read_exact(&mut header).await?;
    let [tag, length @ ..] = header;
    if tag != b'p' {
        return Err(Refusal::protocol_violation("expected password response").into());
    }
    let length = u32::from_be_bytes(length) as usize;
    if !(5..=LONGEST_PASSWORD + 5).contains(&length) {
        return Err(Refusal::protocol_violation("invalid message length").into());
    }
    let mut body = Zeroizing::new(vec![0; length - 4]);
    stream.read_exact(&mut body).await?;
    match body.split_last() {
        Some((0, text)) if !text.contains(&0) => std::str::from_utf8(text)
            .map(|text| Zeroizing::new(text.to_owned()))
            .map_err(|_| Refusal::invalid_encoding().into()),
        Some(_) | None => Err(Refusal::protocol_violation("invalid password packet size").into()),
    }
}

/// Sends a message.
pub(crate) async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    tag: u8,
    body: &[u8],
) -> io::Result<()> {
    stream.write_all(&frames::whole(tag, body)).await
}

/// Sends messages that are ready.
pub(crate) async fn send_all(
    stream: &mut (impl AsyncWrite + Unpin),
    messages: &Bytes,
) -> io::Result<()> {
    stream.write_all(messages).await?;
    stream.flush().await
}
