//! At most N requests in any 60 seconds, and no slower than that.
//!
//! A bucket with a burst of N would let 2·N through in its first minute. Here the requests take
//! turns on N slots, each a limiter that lets one request through per minute: request n goes out no
//! sooner than a minute after request n − N, which is the rule itself.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

const PERIOD: Duration = Duration::from_mins(1);

/// The budget of one API.
#[derive(Debug)]
pub struct Budget {
    slots: Vec<DefaultDirectRateLimiter>,
    next: AtomicUsize,
}

impl Budget {
    /// `requests` in any 60 seconds.
    pub fn per_minute(requests: u32) -> Self {
        let quota = Quota::with_period(PERIOD).expect("a minute is not zero");
        let quota = quota.allow_burst(NonZeroU32::MIN);
        let slots = (0..requests.max(1))
            .map(|_| RateLimiter::direct(quota))
            .collect();
        Self {
            slots,
            next: AtomicUsize::new(0),
        }
    }

    /// Waits until a request may go out.
    pub async fn take(&self) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        self.slots[turn].until_ready().await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::Budget;

    #[tokio::test]
    async fn the_budget_goes_out_at_once_and_the_next_request_waits() {
        let budget = Budget::per_minute(3);
        for _ in 0..3 {
            assert!(budget.take().now_or_never().is_some());
        }
        assert!(budget.take().now_or_never().is_none());
    }
}
