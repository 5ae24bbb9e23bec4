//! A short wait without sleeping, for the message that follows one within
//! microseconds during a transfer: to sleep and to be woken takes longer.

use std::time::{Duration, Instant};

/// The longest wait.
const LIMIT: Duration = Duration::from_micros(100);
/// Most waits that past successes pay for.
const MOST_CREDIT: u32 = 16;
/// What a wait in vain costs, in successes.
const PRICE: u32 = 1;
/// Without credit one message in so many is tried.
const RETRY: u32 = 32;

/// Whether it has been worth it: on a busy machine the processor that waits is
/// one that the other end would need.
pub struct Spin {
    credit: u32,
    skipped: u32,
}

impl Default for Spin {
    fn default() -> Self {
        Self {
            credit: MOST_CREDIT,
            skipped: 0,
        }
    }
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
        if self.credit < PRICE {
            self.skipped = (self.skipped + 1) % RETRY;
            if self.skipped != 0 {
                return Ok(false);
            }
        }
        let started = Instant::now();
        while started.elapsed() < LIMIT {
            for _ in 0..looks {
                if is_ready()? {
                    self.credit = MOST_CREDIT.min(self.credit + 1);
                    return Ok(true);
                }
                std::hint::spin_loop();
            }
        }
        self.credit = self.credit.saturating_sub(PRICE);
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::Spin;
    use std::convert::Infallible;

    fn looks(spin: &mut Spin, ready: bool) -> u32 {
        let mut count = 0;
        let result = spin.until(1, || {
            count += 1;
            Ok::<bool, Infallible>(ready)
        });
        assert_eq!(result, Ok(ready && count > 0));
        count
    }

    #[test]
    fn what_is_ready_is_seen_at_the_first_look() {
        let mut spin = Spin::default();
        for _ in 0..100 {
            assert_eq!(looks(&mut spin, true), 1);
        }
    }

    #[test]
    fn an_end_that_is_always_slow_is_seldom_waited_for_until_it_is_quick() {
        let mut spin = Spin::default();
        let waits = (0..1000).filter(|_| looks(&mut spin, false) > 0).count();
        assert!(waits < 60, "{waits} waits");
        let waits = (0..1000).filter(|_| looks(&mut spin, true) > 0).count();
        assert!(waits > 900, "{waits} waits");
    }
}
