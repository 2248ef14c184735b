//! How long is waited: from 1 to 32 seconds, doubling, and a little more or less each time.
//!
//! Apart, so that tests need not wait: what is waited in name counts against every limit of time, and a
//! debug build waits a thousandth of it if it is told to.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use tokio::time::Instant;

/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(32);

/// The wait before the attempt after `failed` failures, from 1.
pub fn back_off(failed: u32) -> Duration {
    let seconds = 1_u64 << failed.saturating_sub(1).min(5);
    Duration::from_secs(seconds).min(LONGEST)
}

/// A clock for one wait with a limit.
#[derive(Debug)]
pub struct Pace {
    begun: Instant,
    waited: Duration,
    limit: Duration,
}

impl Pace {
    /// Begins to wait for `limit` at most.
    pub fn new(limit: Duration) -> Self {
        Self {
            begun: Instant::now(),
            waited: Duration::ZERO,
            limit,
        }
    }

    /// Whether the limit is reached.
    pub fn is_over(&self) -> bool {
        self.waited.max(self.begun.elapsed()) >= self.limit
    }

    /// What is left of the limit, at most `wait`.
    pub fn within(&self, wait: Duration) -> Duration {
        let gone = self.waited.max(self.begun.elapsed());
        wait.min(self.limit.saturating_sub(gone))
    }

    fn count(&mut self, wait: Duration) {
        self.waited += wait;
    }

    /// Waits.
    pub async fn wait(&mut self, wait: Duration) {
        self.count(wait);
        tokio::time::sleep(scaled(jitter(wait))).await;
    }
}

/// Up to a quarter more, so that many who failed together do not come back together.
fn jitter(wait: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 251;
    let share = u32::try_from(random).unwrap_or(0);
    wait + wait * share / 1000
}

#[cfg(debug_assertions)]
fn scaled(wait: Duration) -> Duration {
    let is_hasty = std::env::var_os("DFPIPE_HASTE").is_some_and(|value| value == "1");
    if is_hasty { wait / 1000 } else { wait }
}

#[cfg(not(debug_assertions))]
fn scaled(wait: Duration) -> Duration {
    wait
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Pace, back_off, jitter};

    #[test]
    fn waits_double_from_one_second_to_thirty_two() {
        let seconds: Vec<_> = (1..=8).map(|failed| back_off(failed).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 32, 32]);
        assert_eq!(back_off(u32::MAX), Duration::from_secs(32));
    }

    #[test]
    fn a_wait_is_never_shorter_than_its_name_and_at_most_a_quarter_longer() {
        let wait = Duration::from_secs(8);
        for _ in 0..1000 {
            assert!((wait..=wait * 5 / 4).contains(&jitter(wait)));
        }
    }

    #[tokio::test]
    async fn what_is_waited_in_name_counts_against_the_limit() {
        let mut pace = Pace::new(Duration::from_secs(1000));
        assert!(!pace.is_over());
        assert!(pace.within(Duration::from_secs(3200)) <= Duration::from_secs(1000));
        pace.count(Duration::from_secs(400));
        assert!(!pace.is_over());
        assert_eq!(
            pace.within(Duration::from_secs(3200)),
            Duration::from_mins(10)
        );
        pace.count(Duration::from_mins(10));
        assert!(pace.is_over());
        assert_eq!(pace.within(Duration::from_secs(32)), Duration::ZERO);
    }
}
