//! One datagram to a Unix socket: sd_notify(3), syslog(3).

use crate::error::{Result, failed};
use napi_derive::napi;
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with,
};

/// Sends `text` to `socket`: a path, or an abstract name that begins with `@`.
///
/// # Errors
/// Those of sendto(2); `EAGAIN` instead of waiting.
#[napi]
pub fn send_datagram(socket: String, text: String) -> Result<()> {
    send(&socket, text.as_bytes()).map_err(|errno| failed(format!("send to '{socket}'"), errno))
}

fn send(socket: &str, bytes: &[u8]) -> rustix::io::Result<()> {
    let address = match socket.strip_prefix('@') {
        Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes()),
        None => SocketAddrUnix::new(socket),
    }?;
    let sender = socket_with(
        AddressFamily::UNIX,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    sendto(&sender, bytes, flags, &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::path::PathBuf;

    fn place(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("hvguest-{}-{name}", std::process::id()))
    }

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 256];
        let count = socket.recv(&mut buffer).expect("a datagram");
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    }

    #[test]
    fn a_text_arrives_at_a_path() {
        let path = place("path");
        let socket = UnixDatagram::bind(&path).expect("bind");
        let result = send(&path.to_string_lossy(), b"READY=1");
        std::fs::remove_file(&path).expect("remove");
        assert_eq!(result, Ok(()));
        assert_eq!(received(&socket), "READY=1");
    }

    #[test]
    fn a_text_arrives_at_an_abstract_name() {
        let name = format!("hvguest-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("an address");
        let socket = UnixDatagram::bind_addr(&address).expect("bind");
        assert_eq!(send(&format!("@{name}"), b"READY=1"), Ok(()));
        assert_eq!(received(&socket), "READY=1");
    }

    #[test]
    fn a_failure_is_told_by_its_errno() {
        assert_eq!(send("/nonexistent/socket", b"x"), Err(Errno::NOENT));
        assert_eq!(send(&"x".repeat(200), b"x"), Err(Errno::NAMETOOLONG));
    }

    #[test]
    fn a_reader_that_does_not_read_is_not_waited_for() {
        let path = place("full");
        let _socket = UnixDatagram::bind(&path).expect("bind");
        let mut result = Ok(());
        for _ in 0..10_000 {
            result = send(&path.to_string_lossy(), b"WATCHDOG=1");
            if result.is_err() {
                break;
            }
        }
        std::fs::remove_file(&path).expect("remove");
        assert_eq!(result, Err(Errno::AGAIN));
    }
}
