//! Thaws file systems by their paths, without a guard: what a dead agent has left.

use crate::error::{Result, errno_of, failed, from_napi};
use crate::file_name::bytes_of_name;
use crate::freeze::{Callback, FreezeEvent};
use crate::freeze_run::failure;
use crate::freeze_workers::Workers;
use crate::fs_freeze;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

/// Thaws file systems that a dead agent has left frozen, in the background, and
/// tells which could not be thawed. One that is not frozen is no failure.
///
/// # Errors
/// `EAGAIN` when no thread can be made.
#[napi]
pub fn thaw_paths(paths: Vec<String>, on_done: Function<'_, FreezeEvent, ()>) -> Result<()> {
    let callback: Callback = on_done
        .build_threadsafe_function()
        .build()
        .map_err(from_napi)?;
    std::thread::Builder::new()
        .name("thaw".to_owned())
        .stack_size(128 * 1024)
        .spawn(move || {
            // Fails only while the runtime is ending.
            callback.call(thaw_each(&paths), ThreadsafeFunctionCallMode::NonBlocking);
        })
        .map_err(|error| failed("start a thread", errno_of(&error)))?;
    Ok(())
}

fn thaw_each(paths: &[String]) -> FreezeEvent {
    let mut event = FreezeEvent {
        kind: "thawed".to_owned(),
        ..FreezeEvent::default()
    };
    let never = |_| Err(Errno::NOSYS);
    let thaw = |member: usize| {
        let path = bytes_of_name(&paths[member]);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        fs_freeze::thaw(open(path, flags, Mode::empty())?)
    };
    let workers = Workers::new(&never, &thaw);
    let results = std::thread::scope(|scope| {
        workers.start(scope, paths.len());
        let results = workers.thaw(0..paths.len());
        workers.end();
        results
    });
    for (member, result) in results {
        match result {
            Ok(()) => {}
            Err(Errno::INVAL) => event.lost.push(paths[member].clone()),
            Err(errno) => event.failures.push(failure("thaw", &paths[member], errno)),
        }
    }
    event
}
