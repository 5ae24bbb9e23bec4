//! A short wait without sleeping, for the message that follows one within
//! microseconds during a transfer: to sleep and to be woken takes longer.

use std::time::{Duration, Instant};

/// The longest wait.
const LIMIT: Duration = Duration::from_micros(100);
/// Waits in vain after which the other end counts as slow, and few are tried.
const FAILURES: u32 = 16;
const RETRY: u32 = 64;

/// Whether it has been worth it.
#[derive(Default)]
pub struct Spin {
    in_vain: u32,
}

impl Spin {
    /// Calls `is_ready` until it is true, at most for a moment; `looks` calls
    /// between two looks at the clock. False when it has not become true, or
    /// was not so often enough lately.
    ///
    /// # Errors
    /// The first of `is_ready`.
    pub fn until<E>(
        &mut self,
        looks: u32,
        mut is_ready: impl FnMut() -> Result<bool, E>,
    ) -> Result<bool, E> {
        self.in_vain = self.in_vain.wrapping_add(1);
        if self.in_vain > FAILURES && !self.in_vain.is_multiple_of(RETRY) {
            return Ok(false);
        }
        let started = Instant::now();
        while started.elapsed() < LIMIT {
            for _ in 0..looks {
                if is_ready()? {
                    self.in_vain = 0;
                    return Ok(true);
                }
                std::hint::spin_loop();
            }
        }
        Ok(false)
    }
}
