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
    let call = || format!("send to '{socket}'");
    let address = match socket.strip_prefix('@') {
        Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes()),
        None => SocketAddrUnix::new(socket.as_str()),
    }
    .map_err(|errno| failed(call(), errno))?;
    let sender = socket_with(
        AddressFamily::UNIX,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )
    .map_err(|errno| failed(call(), errno))?;
    sendto(
        &sender,
        text.as_bytes(),
        SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
        &address,
    )
    .map_err(|errno| failed(call(), errno))?;
    Ok(())
}
