//! What the executor tells the template process: to begin a worker on pipes that travel with the
//! message, or to end one. Every message is as long as the others, so that a stream keeps them apart.

use std::{
    io::{self, BufRead as _, BufReader, IoSlice, IoSliceMut, Write as _},
    os::fd::{AsRawFd, FromRawFd as _, OwnedFd, RawFd},
    os::unix::net::UnixStream,
};

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};

use crate::sandbox::Layers;

/// Kind and number.
const LENGTH: usize = 9;
const BEGIN: u8 = 1;
const END: u8 = 2;

/// One message.
pub enum Order {
    /// A worker of this number begins, and reads and writes these pipes.
    Begin(u64, [OwnedFd; 2]),
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
    let descriptors: Vec<RawFd> = match order {
        Order::Begin(_, pipes) => pipes.iter().map(AsRawFd::as_raw_fd).collect(),
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

/// The template's first word: that it is ready, and in which layers of the sandbox.
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
    let mut beside = nix::cmsg_space!([RawFd; 2]);
    let mut parts = [IoSliceMut::new(&mut message)];
    // A template starts no program, so what arrives need not be closed for one (Linux: it is).
    #[cfg(target_os = "linux")]
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_WAITALL;
    #[cfg(not(target_os = "linux"))]
    let flags = MsgFlags::MSG_WAITALL;
    let (bytes, pipes) = loop {
        match recvmsg::<UnixAddr>(control.as_raw_fd(), &mut parts, Some(&mut beside), flags) {
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(received) => break (received.bytes, descriptors(received.cmsgs()?)),
        }
    };
    if bytes == 0 {
        return Ok(None);
    }
    let number = u64::from_le_bytes(std::array::from_fn(|i| message[i + 1]));
    match (bytes, message[0], <[OwnedFd; 2]>::try_from(pipes)) {
        (LENGTH, BEGIN, Ok(pipes)) => Ok(Some(Order::Begin(number, pipes))),
        (LENGTH, END, _) => Ok(Some(Order::End(number))),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn descriptors(messages: impl Iterator<Item = ControlMessageOwned>) -> Vec<OwnedFd> {
    let mut found = Vec::new();
    for message in messages {
        if let ControlMessageOwned::ScmRights(descriptors) = message {
            for descriptor in descriptors {
                #[expect(unsafe_code, reason = "the kernel has just given it to us alone")]
                let owned = unsafe { OwnedFd::from_raw_fd(descriptor) };
                found.push(owned);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{Read as _, Write as _},
    };

    use super::*;

    #[test]
    fn orders_arrive_one_by_one_with_their_sockets() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (input, _ours) = nix::unistd::pipe().unwrap();
        let (far, output) = nix::unistd::pipe().unwrap();
        send(&ours, &Order::Begin(7, [input, output])).unwrap();
        send(&ours, &Order::End(u64::MAX)).unwrap();
        drop(ours);
        let Some(Order::Begin(7, [_, output])) = receive(&theirs).unwrap() else {
            panic!("a begin")
        };
        assert!(matches!(receive(&theirs).unwrap(), Some(Order::End(u64::MAX))));
        assert!(receive(&theirs).unwrap().is_none());
        File::from(output).write_all(b"here").unwrap();
        let mut said = String::new();
        File::from(far).read_to_string(&mut said).unwrap();
        assert_eq!(said, "here", "and nobody else holds it: the stream ends");
    }
}
