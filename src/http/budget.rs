//! At most N requests in any period, such as 60 seconds, and no slower than that: one budget for all requests to a host.
//!
//! Apart from the ledger because here somebody waits, and because the budgets of the process live here: two
//! sources of one API, or a plan before its run, share what the API allows.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use url::Url;

use super::{
    answer::Told,
    client::LONGEST_WAIT,
    ledger::{Ledger, PERIOD},
};

/// The budgets of this process, by scheme, host and port.
static BUDGETS: LazyLock<Mutex<HashMap<String, Arc<Budget>>>> = LazyLock::new(Mutex::default);

/// The budget of one API.
#[derive(Debug)]
pub struct Budget {
    begun: Instant,
    ledger: Mutex<Ledger>,
    /// Whoever came first goes first.
    queue: tokio::sync::Mutex<()>,
}

/// A request that goes out. It arrived when this is dropped, or a while before.
#[derive(Debug)]
pub struct Permit {
    budget: Arc<Budget>,
    number: u64,
}

impl Budget {
    /// `requests` in any 60 seconds.
    pub fn per_minute(requests: u32) -> Self {
        Self::new(requests, PERIOD)
    }

    fn new(requests: u32, period: Duration) -> Self {
        Self {
            begun: Instant::now(),
            ledger: Mutex::new(Ledger::new(requests, period)),
            queue: tokio::sync::Mutex::default(),
        }
    }

    /// The budget of the host of `url`, whatever is asked there: of several limits, the strictest.
    pub fn shared(url: &Url, requests: u32) -> Arc<Self> {
        Self::known("in a minute", url, requests, PERIOD)
    }

    /// The budget of the host of `url` where `requests` are allowed in any second.
    pub fn per_second(url: &Url, requests: u32) -> Arc<Self> {
        Self::known("in a second", url, requests, Duration::from_secs(1))
    }

    fn known(rule: &str, url: &Url, requests: u32, period: Duration) -> Arc<Self> {
        let host = format!("{rule} {}", url.origin().ascii_serialization());
        let mut budgets = locked(&BUDGETS);
        let budget = budgets
            .entry(host)
            .or_insert_with(|| Arc::new(Self::new(requests, period)));
        let budget = Arc::clone(budget);
        drop(budgets);
        let limit = u64::from(requests.max(1));
        let mut ledger = locked(&budget.ledger);
        ledger.narrow(limit, period, 0, Duration::ZERO);
        drop(ledger);
        budget
    }

    /// Waits until a request may go out.
    pub async fn take(self: &Arc<Self>) -> Permit {
        let _turn = self.queue.lock().await;
        loop {
            let taken = locked(&self.ledger).take(self.begun.elapsed());
            match taken {
                Ok(number) => {
                    let budget = Arc::clone(self);
                    return Permit { budget, number };
                }
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// Nothing goes out for so long.
    pub fn pause(&self, wait: Duration) {
        let until = self.begun.elapsed().saturating_add(wait);
        locked(&self.ledger).pause(until);
    }

    /// Heeds what a server told of its limits.
    pub fn heed(&self, told: &Told) {
        let now = self.begun.elapsed();
        let mut ledger = locked(&self.ledger);
        for limit in &told.limits {
            let period = Duration::from_secs(limit.seconds.unwrap_or(60));
            // Nobody waits for tomorrow without a word: such a limit is left to the server's refusal.
            if period > LONGEST_WAIT || !ledger.is_stricter(limit.limit, period) {
                continue;
            }
            let used = limit
                .remaining
                .map_or(0, |left| limit.limit.saturating_sub(left));
            let renewed = now + told.renewed_in.unwrap_or(period).min(period);
            ledger.narrow(limit.limit, period, used, renewed);
        }
        if let Some(wait) = told.exhausted_for().filter(|wait| *wait <= LONGEST_WAIT) {
            ledger.pause(now.saturating_add(wait));
        }
    }

    /// How long it takes at least until so many further requests have gone out.
    pub fn least_wait(&self, requests: usize) -> Duration {
        locked(&self.ledger).least_wait(requests, self.begun.elapsed())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = self.budget.begun.elapsed();
        locked(&self.budget.ledger).arrived(self.number, now);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use futures::FutureExt;

    use super::{
        super::answer::{Allowance, Told},
        Budget,
    };

    #[tokio::test]
    async fn the_budget_goes_out_at_once_and_the_next_request_waits() {
        let budget = Arc::new(Budget::per_minute(3));
        for _ in 0..3 {
            assert!(budget.take().now_or_never().is_some());
        }
        assert!(budget.take().now_or_never().is_none());
    }

    #[tokio::test]
    async fn all_requests_to_a_host_share_one_budget_and_the_strictest_limit_holds() {
        let url = |path: &str| format!("http://shared.test{path}").parse().unwrap();
        let one = Budget::shared(&url("/a"), 3);
        let other = Budget::shared(&url("/b"), 2);
        assert!(one.take().now_or_never().is_some());
        assert!(other.take().now_or_never().is_some());
        assert!(one.take().now_or_never().is_none());
        let elsewhere = Budget::shared(&"http://shared.test:81".parse().unwrap(), 1);
        assert!(elsewhere.take().now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_counts_by_seconds_shares_one_budget_too() {
        let url = "http://by-seconds.test".parse().unwrap();
        let one = Budget::per_second(&url, 2);
        let other = Budget::per_second(&url, 2);
        assert!(one.take().now_or_never().is_some());
        assert!(other.take().now_or_never().is_some());
        assert!(one.take().now_or_never().is_none());
        assert!(Budget::shared(&url, 1).take().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_limit_that_is_used_up_pauses_everyone_until_it_is_renewed() {
        let budget = Arc::new(Budget::per_minute(100));
        budget.heed(&Told {
            limits: vec![],
            remaining: Some(0),
            renewed_in: Some(Duration::from_secs(30)),
        });
        assert!(budget.take().now_or_never().is_none());
    }

    #[tokio::test]
    async fn what_is_left_of_a_stricter_limit_is_all_that_goes_out() {
        let budget = Arc::new(Budget::per_minute(100));
        budget.heed(&Told {
            limits: vec![Allowance {
                limit: 10,
                seconds: Some(60),
                remaining: Some(2),
            }],
            remaining: Some(2),
            renewed_in: Some(Duration::from_secs(30)),
        });
        assert!(budget.take().now_or_never().is_some());
        assert!(budget.take().now_or_never().is_some());
        assert!(budget.take().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_limit_that_is_renewed_tomorrow_is_not_waited_for_without_a_word() {
        let budget = Arc::new(Budget::per_minute(100));
        budget.heed(&Told {
            limits: vec![Allowance {
                limit: 10,
                seconds: Some(86_400),
                remaining: Some(0),
            }],
            remaining: Some(0),
            renewed_in: Some(Duration::from_secs(80_000)),
        });
        assert!(budget.take().now_or_never().is_some());
    }
}
