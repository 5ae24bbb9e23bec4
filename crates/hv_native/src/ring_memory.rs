//! Memory that two ends share: the header page and the data area of one VMBus
//! ring (`struct hv_ring_buffer`, include/linux/hyperv.h). The other end may
//! change every word at any time, so all access is by atomics.
#![expect(unsafe_code, reason = "the memory of a ring is mapped from the driver")]

use rustix::fd::OwnedFd;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::param::page_size;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// The memory of one ring, wherever it is.
pub trait RingMemory {
    /// The words of the header page.
    fn header(&self) -> &[AtomicU32];
    /// The data area: at least two words, a power of two is not needed.
    fn data(&self) -> &[AtomicU64];
}

/// Both rings of a channel as the driver maps them: first the one to the host,
/// then the one from the host, of equal size.
struct Mapping {
    base: NonNull<c_void>,
    bytes: usize,
}

// SAFETY: the mapping is plain shared memory without thread affinity.
unsafe impl Send for Mapping {}
// SAFETY: it is only reached through atomics.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: base and bytes are those of the mmap; no reference outlives
        // the Arc that is being dropped. It cannot fail for a valid mapping.
        let _ = unsafe { munmap(self.base.as_ptr(), self.bytes) };
    }
}

/// One ring of a mapped channel.
pub struct MappedRing {
    mapping: Arc<Mapping>,
    offset: usize,
    bytes: usize,
}

impl MappedRing {
    /// Maps `bytes` of `device` and gives the ring to the host and the ring from
    /// the host.
    ///
    /// # Errors
    /// Those of mmap(2); `EINVAL` when `bytes` is not two rings of whole pages,
    /// each with a header and data.
    pub fn map_pair(device: &OwnedFd, bytes: usize) -> rustix::io::Result<(Self, Self)> {
        let half = bytes / 2;
        if !bytes.is_multiple_of(2) || !half.is_multiple_of(page_size()) || half < 2 * page_size() {
            return Err(rustix::io::Errno::INVAL);
        }
        // SAFETY: a new mapping at an address of the kernel's choice.
        let base = unsafe {
            mmap(
                std::ptr::null_mut(),
                bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                device,
                0,
            )
        }?;
        let base = NonNull::new(base).ok_or(rustix::io::Errno::NOMEM)?;
        let mapping = Arc::new(Mapping { base, bytes });
        let ring = |offset| Self {
            mapping: Arc::clone(&mapping),
            offset,
            bytes: half,
        };
        Ok((ring(0), ring(half)))
    }

    fn at(&self, offset: usize) -> NonNull<c_void> {
        // SAFETY: offset is within this ring's half, which is within the mapping.
        unsafe { self.mapping.base.byte_add(self.offset + offset) }
    }
}

impl RingMemory for MappedRing {
    fn header(&self) -> &[AtomicU32] {
        // SAFETY: the first page of the half is mapped, page-aligned, and lives
        // as long as self; AtomicU32 has no invalid bit patterns.
        unsafe {
            std::slice::from_raw_parts(self.at(0).cast().as_ptr(), page_size() / size_of::<u32>())
        }
    }

    fn data(&self) -> &[AtomicU64] {
        let bytes = self.bytes - page_size();
        // SAFETY: the pages after the header are mapped, page-aligned, and live
        // as long as self; they do not overlap the header's words.
        unsafe {
            std::slice::from_raw_parts(
                self.at(page_size()).cast().as_ptr(),
                bytes / size_of::<u64>(),
            )
        }
    }
}

/// A ring in ordinary memory, for tests with both ends; clones share it.
#[derive(Clone)]
pub struct HeapRing {
    header: Arc<[AtomicU32]>,
    data: Arc<[AtomicU64]>,
}

impl HeapRing {
    /// An empty ring with `bytes` of data, a multiple of 8.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self {
            header: (0..32).map(|_| AtomicU32::new(0)).collect(),
            data: (0..bytes / 8).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl RingMemory for HeapRing {
    fn header(&self) -> &[AtomicU32] {
        &self.header
    }

    fn data(&self) -> &[AtomicU64] {
        &self.data
    }
}
