//! A limit that is enforced strictly: so many requests in any stretch of time, wherever it begins.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Lets requests through, or says how long it takes until one may come.
pub(super) struct Limit {
    requests: usize,
    period: Duration,
    taken: VecDeque<Instant>,
    refused: usize,
}

impl Limit {
    pub(super) fn new(requests: usize, period: Duration) -> Self {
        Self {
            requests,
            period,
            taken: VecDeque::new(),
            refused: 0,
        }
    }

    /// Lets a request through that comes `now`, or says how long it has to wait.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        while self
            .taken
            .front()
            .is_some_and(|first| now - *first >= self.period)
        {
            self.taken.pop_front();
        }
        if self.taken.len() < self.requests {
            self.taken.push_back(now);
            return Ok(());
        }
        self.refused += 1;
        let first = self.taken.front().copied().unwrap_or(now);
        Err(self.period.saturating_sub(now - first))
    }

    /// How many came too early.
    pub(super) fn refused(&self) -> usize {
        self.refused
    }

    /// How many requests, in which time.
    pub(super) fn allowance(&self) -> (usize, Duration) {
        (self.requests, self.period)
    }
}
