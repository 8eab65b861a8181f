//! How a successor takes the place of a running host without a request lost.
//!
//! The successor comes to a socket beside the admin socket. From then on the predecessor changes nothing that is written down;
//! it sends its listeners and goes on serving. Both take connections for a moment. When the successor says that it serves, the
//! predecessor takes no more, answers what it has, and ends. A successor that dies on the way changes nothing.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};
use serde::{Deserialize, Serialize};

/// A handover that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most listeners; the kernel carries 253 at once.
const MOST: usize = 200;
/// The longest letter, in bytes.
const LONGEST: u64 = 1024 * 1024;
/// What the successor says when it serves.
const READY: &[u8; 5] = b"ready";

/// What the descriptors are, in their order: the admin socket, this socket, then these.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Letter {
    plain: usize,
    tls: usize,
    ports: Vec<u16>,
}

/// What a predecessor gave.
#[derive(Debug)]
pub struct Inherited {
    pub(super) admin: UnixListener,
    pub(super) handover: UnixListener,
    pub(super) plain: Vec<TcpListener>,
    pub(super) tls: Vec<TcpListener>,
    pub(super) ports: BTreeMap<u16, TcpListener>,
    predecessor: UnixStream,
}

/// What a host gives.
#[derive(Debug)]
pub struct Gift {
    /// The admin socket and the one that a successor comes to.
    pub sockets: [OwnedFd; 2],
    /// For services with a domain.
    pub plain: Vec<OwnedFd>,
    /// The same, encrypted.
    pub tls: Vec<OwnedFd>,
    /// Of services with a port of their own.
    pub ports: Vec<(u16, OwnedFd)>,
}

/// The socket that a successor comes to.
pub fn beside(admin: &Path) -> PathBuf {
    let mut name = admin.as_os_str().to_owned();
    name.push(".handover");
    name.into()
}

/// Asks the host at this admin socket for its place. `None` when there is none.
///
/// # Errors
/// When there is one and it does not give.
pub fn take_over(admin: &Path) -> std::io::Result<Option<Inherited>> {
    let mut stream = match UnixStream::connect(beside(admin)) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => return Ok(None),
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut given = receive(&stream)?.into_iter();
    let mut length = [0; 8];
    stream.read_exact(&mut length)?;
    let mut letter = Vec::new();
    (&stream).take(u64::from_be_bytes(length).min(LONGEST)).read_to_end(&mut letter)?;
    let letter: Letter = serde_json::from_slice(&letter)?;
    let mut next = || given.next().ok_or_else(|| Error::other("the running host gave too few listeners"));
    let (admin, handover) = (UnixListener::from(next()?), UnixListener::from(next()?));
    let mut some = |count| (0..count).map(|_| Ok(TcpListener::from(next()?))).collect::<std::io::Result<Vec<_>>>();
    let (plain, tls) = (some(letter.plain)?, some(letter.tls)?);
    let ports = letter.ports.iter().copied().zip(some(letter.ports.len())?).collect();
    Ok(Some(Inherited { admin, handover, plain, tls, ports, predecessor: stream }))
}

fn receive(stream: &UnixStream) -> std::io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let got = rustix::net::recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if got.bytes == 0 {
        return Err(Error::new(ErrorKind::UnexpectedEof, "the running host does not hand over; its log says why"));
    }
    let given = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(given) => Some(given),
        _ => None,
    });
    Ok(given.flatten().collect())
}

impl Inherited {
    /// Says to the predecessor that we serve. One that is gone already does not mind.
    pub(super) fn serves(mut self) {
        let _ = self.predecessor.write_all(READY);
    }
}

/// Gives everything to `successor` and waits until it serves.
///
/// # Errors
/// When it did not come to serve. Nothing has changed then.
pub fn give(mut successor: UnixStream, gift: &Gift) -> std::io::Result<()> {
    successor.set_read_timeout(Some(PATIENCE))?;
    successor.set_write_timeout(Some(PATIENCE))?;
    let all = gift.sockets.iter().chain(&gift.plain).chain(&gift.tls).chain(gift.ports.iter().map(|(_, fd)| fd));
    let all: Vec<BorrowedFd<'_>> = all.map(AsFd::as_fd).collect();
    if all.len() > MOST {
        return Err(Error::other(format!("{} listeners are more than can be handed over ({MOST})", all.len())));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&all)) {
        return Err(Error::other("the listeners do not fit into one message"));
    }
    rustix::net::sendmsg(&successor, &[IoSlice::new(b"f")], &mut control, SendFlags::NOSIGNAL)?;
    let ports = gift.ports.iter().map(|(port, _)| *port).collect();
    let letter = serde_json::to_vec(&Letter { plain: gift.plain.len(), tls: gift.tls.len(), ports })?;
    successor.write_all(&(letter.len() as u64).to_be_bytes())?;
    successor.write_all(&letter)?;
    let mut word = [0; READY.len()];
    successor.read_exact(&mut word)?;
    if word == *READY { Ok(()) } else { Err(Error::other("the successor said something else than that it serves")) }
}
