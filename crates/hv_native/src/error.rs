//! Errors as TypeScript receives them: `code` is the errno in decimal, the
//! message names the call and its object.

use rustix::io::Errno;

/// What an exported function returns; `src/native/native-error.ts` reads it.
pub type Result<T> = std::result::Result<T, napi::Error<Code>>;

/// The `code` property of the JavaScript error: an errno in decimal.
pub struct Code(String);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<napi::Status> for Code {
    fn from(status: napi::Status) -> Self {
        Self(status.as_ref().to_owned())
    }
}

/// The failure of `call` (such as `open '/dev/vmbus/hv_kvp'`) with `errno`.
pub fn failed(call: impl Into<String>, errno: Errno) -> napi::Error<Code> {
    napi::Error::new(Code(errno.raw_os_error().to_string()), call.into())
}

/// Converts an error of N-API itself, which has no errno.
pub fn from_napi(error: napi::Error) -> napi::Error<Code> {
    let reason = error.reason.to_string();
    napi::Error::new(Code::from(error.status), reason)
}

/// The errno of a standard library error, `EIO` where it has none.
pub fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
