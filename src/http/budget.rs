//! At most N requests in any period, such as 60 seconds, and no slower than that.
//!
//! A bucket with a burst of N would let 2·N through in its first period. Here the requests take
//! turns on N slots, each a limiter that lets one request through per period: request n goes out no
//! sooner than a period after request n − N, which is the rule itself.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// The budget of one API.
#[derive(Debug)]
pub struct Budget {
    begun: Instant,
    period: Duration,
    slots: Vec<Slot>,
    next: AtomicUsize,
}

#[derive(Debug)]
struct Slot {
    limiter: DefaultDirectRateLimiter,
    /// When it lets the next request through, in milliseconds after the budget began.
    free: AtomicU64,
}

impl Budget {
    /// `requests` in any 60 seconds.
    pub fn per_minute(requests: u32) -> Self {
        Self::new(requests, Duration::from_mins(1))
    }

    /// `requests` in any second.
    pub fn per_second(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(1))
    }

    fn new(requests: u32, period: Duration) -> Self {
        let quota = Quota::with_period(period).expect("no period is zero");
        let quota = quota.allow_burst(NonZeroU32::MIN);
        let slots = (0..requests.max(1))
            .map(|_| Slot {
                limiter: RateLimiter::direct(quota),
                free: AtomicU64::new(0),
            })
            .collect();
        Self {
            begun: Instant::now(),
            period,
            slots,
            next: AtomicUsize::new(0),
        }
    }

    /// Waits until a request may go out.
    pub async fn take(&self) {
        let turn = self.next.fetch_add(1, Relaxed) % self.slots.len();
        let slot = &self.slots[turn];
        slot.limiter.until_ready().await;
        let free = (self.begun.elapsed() + self.period).as_millis();
        slot.free
            .store(u64::try_from(free).unwrap_or(u64::MAX), Relaxed);
    }

    /// How long it takes at least until so many further requests have gone out.
    pub fn least_wait(&self, requests: usize) -> Duration {
        let Some(last) = requests.checked_sub(1) else {
            return Duration::ZERO;
        };
        // The slot of the last of them is used once in every round before.
        let rounds = u32::try_from(last / self.slots.len()).unwrap_or(u32::MAX);
        let turn = self.next.load(Relaxed).wrapping_add(last) % self.slots.len();
        let free = Duration::from_millis(self.slots[turn].free.load(Relaxed));
        self.period.saturating_mul(rounds) + free.saturating_sub(self.begun.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::Budget;

    const PERIOD: std::time::Duration = std::time::Duration::from_mins(1);

    #[tokio::test]
    async fn the_budget_goes_out_at_once_and_the_next_request_waits() {
        let budget = Budget::per_minute(3);
        for _ in 0..3 {
            assert!(budget.take().now_or_never().is_some());
        }
        assert!(budget.take().now_or_never().is_none());
    }

    #[tokio::test]
    async fn the_wait_that_is_foretold_is_that_of_the_last_request() {
        let budget = Budget::per_minute(3);
        for (requests, minutes) in [(0, 0), (1, 0), (3, 0), (4, 1), (6, 1), (7, 2)] {
            assert_eq!(budget.least_wait(requests), PERIOD * minutes, "{requests}");
        }
        budget.take().await;
        budget.take().await;
        for (requests, minutes) in [(1, 0), (2, 1), (3, 1), (4, 1), (5, 2)] {
            let wait = budget.least_wait(requests);
            let expected = PERIOD * minutes;
            let about = expected.saturating_sub(PERIOD / 12)..=expected;
            assert!(about.contains(&wait), "{requests}: {wait:?}");
        }
    }
}
