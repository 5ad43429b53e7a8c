//! What the executor tells the template process: to begin a worker on a socket that travels with the
//! message, or to end one. Every message is as long as the others, so that a stream keeps them apart.

use std::{
    io::{self, BufRead as _, BufReader, IoSlice, IoSliceMut, Write as _},
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    os::unix::net::UnixStream,
};

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};

use crate::cage::Layers;

/// Kind and number.
const LENGTH: usize = 9;
const BEGIN: u8 = 1;
const END: u8 = 2;

/// One message.
pub enum Order {
    /// A worker of this number begins, and reads and writes this socket.
    Begin(u64, OwnedFd),
    /// The worker of this number ends, whatever it does.
    End(u64),
}

/// Sends an order; what travels with it is closed here.
pub fn send(control: &UnixStream, order: &Order) -> io::Result<()> {
    let (kind, number) = match order {
        Order::Begin(number, _) => (BEGIN, number),
        Order::End(number) => (END, number),
    };
    let mut message = [kind; LENGTH];
    message[1..].copy_from_slice(&number.to_le_bytes());
    let descriptors = match order {
        Order::Begin(_, socket) => vec![socket.as_raw_fd()],
        Order::End(_) => Vec::new(),
    };
    let beside = [ControlMessage::ScmRights(&descriptors)];
    let beside = if descriptors.is_empty() { &[][..] } else { &beside };
    let parts = [IoSlice::new(&message)];
    let sent = loop {
        match sendmsg::<UnixAddr>(control.as_raw_fd(), &parts, beside, MsgFlags::MSG_NOSIGNAL, None)
        {
            Err(nix::errno::Errno::EINTR) => {}
            done => break done?,
        }
    };
    if sent == LENGTH { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// The template's first word: that it is ready, and in which layers of the cage.
pub fn report(mut control: &UnixStream, layers: &Layers) -> io::Result<()> {
    let mut line = serde_json::to_vec(layers)?;
    line.push(b'\n');
    control.write_all(&line)
}

/// Waits for that word.
pub fn reported(control: &UnixStream) -> io::Result<Layers> {
    let mut line = String::new();
    BufReader::new(control).read_line(&mut line)?;
    serde_json::from_str(&line).map_err(io::Error::other)
}

/// Waits for the next order; `None` when the executor is gone.
pub fn receive(control: &UnixStream) -> io::Result<Option<Order>> {
    let mut message = [0; LENGTH];
    let mut beside = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let mut parts = [IoSliceMut::new(&mut message)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_WAITALL;
    let (bytes, socket) = loop {
        match recvmsg::<UnixAddr>(control.as_raw_fd(), &mut parts, Some(&mut beside), flags) {
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(received) => break (received.bytes, descriptor(received.cmsgs()?)),
        }
    };
    if bytes == 0 {
        return Ok(None);
    }
    let number = u64::from_le_bytes(std::array::from_fn(|i| message[i + 1]));
    match (bytes, message[0], socket) {
        (LENGTH, BEGIN, Some(socket)) => Ok(Some(Order::Begin(number, socket))),
        (LENGTH, END, _) => Ok(Some(Order::End(number))),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn descriptor(messages: impl Iterator<Item = ControlMessageOwned>) -> Option<OwnedFd> {
    let mut found = None;
    for message in messages {
        if let ControlMessageOwned::ScmRights(descriptors) = message {
            for descriptor in descriptors {
                #[expect(unsafe_code, reason = "the kernel has just given it to us alone")]
                let owned = unsafe { OwnedFd::from_raw_fd(descriptor) };
                found = Some(owned);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn orders_arrive_one_by_one_with_their_sockets() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut far, near) = UnixStream::pair().unwrap();
        send(&ours, &Order::Begin(7, near.into())).unwrap();
        send(&ours, &Order::End(u64::MAX)).unwrap();
        drop(ours);
        let Some(Order::Begin(7, socket)) = receive(&theirs).unwrap() else { panic!("a begin") };
        assert!(matches!(receive(&theirs).unwrap(), Some(Order::End(u64::MAX))));
        assert!(receive(&theirs).unwrap().is_none());
        UnixStream::from(socket).write_all(b"here").unwrap();
        let mut said = String::new();
        far.read_to_string(&mut said).unwrap();
        assert_eq!(said, "here", "and nobody else holds it: the stream ends");
    }
}
