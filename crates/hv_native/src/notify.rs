//! sd_notify(3): one datagram to the service manager.

use crate::error::{Result, failed};
use napi_derive::napi;
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with,
};

/// Sends `state` (lines such as `READY=1`) to `socket`, the value of
/// `NOTIFY_SOCKET`: a path, or an abstract name that begins with `@`.
///
/// # Errors
/// Those of sendto(2); `EAGAIN` instead of waiting.
#[napi]
pub fn notify_service_manager(socket: String, state: String) -> Result<()> {
    let call = || format!("notify '{socket}'");
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
        state.as_bytes(),
        SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
        &address,
    )
    .map_err(|errno| failed(call(), errno))?;
    Ok(())
}
