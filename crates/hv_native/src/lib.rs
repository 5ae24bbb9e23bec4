//! The native part of hvguest.
//!
//! It moves bytes between Linux and TypeScript: message devices, rings, locks,
//! freezing, netlink, the log. It knows no message of any protocol, keeps no
//! policy and writes no log line of its own.

pub mod attributes;
pub mod datagram;
pub mod device;
pub mod device_watch;
pub mod directory_watch;
pub mod diversion;
pub mod error;
pub mod file_name;
pub mod fork;
pub mod freeze;
pub mod freeze_marker;
pub mod freeze_run;
pub mod freeze_target;
pub mod freeze_workers;
pub mod fs_freeze;
pub mod guard_agent;
pub mod guard_child;
pub mod guard_loop;
pub mod guard_memory;
pub mod guard_messages;
pub mod guard_process;
pub mod guard_table;
pub mod lock;
pub mod log_writer;
pub mod netlink;
pub mod netlink_records;
pub mod netlink_watch;
pub mod placing;
pub mod prepared;
pub mod program_text;
pub mod ring;
pub mod ring_memory;
pub mod spin;
pub mod stop;
pub mod thaw_paths;
pub mod uio;
pub mod uio_outbound;
pub mod uio_reader;
pub mod uio_wait;
pub mod watch_thread;
