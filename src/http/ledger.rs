//! Which request may go out when, in any sliding period: told the time, it waits for nothing and asks nobody.
//!
//! Apart from the budget that waits, so that hours of it can be tried in a moment. A bucket with a burst of N
//! would let 2·N through in its first minute. Here the requests take turns on N slots, each a limiter that
//! lets one request through per minute: request n goes out no sooner than a minute after request n − N,
//! which is the rule itself. What goes out is not yet what the server counts: a request that was long under
//! way may arrive beside one that left much later, so a turn begins when the answer shows that it arrived.

use std::{
    collections::VecDeque,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};

/// The period of an API's budget, unless it says otherwise.
pub const PERIOD: Duration = Duration::from_mins(1);

/// What a period is longer than it has to be, for clocks and switches.
const MARGIN: Duration = Duration::from_millis(25);

/// A request whose answer is not there arrived by then.
const ARRIVES: Duration = Duration::from_secs(2);

/// Limits of servers beyond this are none.
const MOST: u64 = 100_000;

/// The requests of one budget. Moments are told as time since it began.
#[derive(Debug)]
pub struct Ledger {
    hand: Hand,
    turns: VecDeque<Turn>,
    rules: Vec<Rule>,
    paused_until: Duration,
    next: u64,
}

type Turn = RateLimiter<NotKeyed, InMemoryState, Hand, NoOpMiddleware<Duration>>;

/// The time that was told last.
#[derive(Clone, Debug, Default)]
struct Hand(Arc<AtomicU64>);

impl Clock for Hand {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }
}

/// So many requests in any such period.
#[derive(Debug)]
struct Rule {
    limit: usize,
    period: Duration,
    /// The requests of the last period: their number, and when they count no longer.
    counted: VecDeque<(u64, Duration)>,
}

impl Ledger {
    /// `requests` in any such period.
    pub fn new(requests: u32, period: Duration) -> Self {
        let hand = Hand::default();
        let limit = requests.max(1) as usize;
        Self {
            turns: (0..limit).map(|_| turn(&hand, period)).collect(),
            hand,
            rules: vec![Rule::new(limit, period)],
            paused_until: Duration::ZERO,
            // Those that only the server knows of are number 0.
            next: 1,
        }
    }

    /// Lets a request through at `now` and gives its number, or says how long to wait before asking again.
    pub fn take(&mut self, now: Duration) -> Result<u64, Duration> {
        let rules = self.rules.iter_mut();
        let free = rules.map(|rule| rule.free_at(now)).max();
        let free = free.unwrap_or_default().max(self.paused_until);
        if free > now {
            return Err(free.saturating_sub(now));
        }
        let nanoseconds = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.hand.0.store(nanoseconds, Relaxed);
        if let Some(turn) = self.turns.front()
            && let Err(refused) = turn.check()
        {
            return Err(refused.wait_time_from(now).max(Duration::from_millis(1)));
        }
        self.turns.rotate_left(1);
        let number = self.next;
        self.next += 1;
        for rule in &mut self.rules {
            let over = now + ARRIVES + rule.length();
            rule.counted.push_back((number, over));
        }
        Ok(number)
    }

    /// The request with this number has been answered, so that it arrived.
    pub fn arrived(&mut self, number: u64, now: Duration) {
        for rule in &mut self.rules {
            let length = rule.length();
            let index = rule.counted.partition_point(|(other, _)| *other < number);
            if let Some((other, over)) = rule.counted.get_mut(index)
                && *other == number
            {
                *over = (*over).min(now + length);
            }
        }
    }

    /// Nothing goes out before `until`.
    pub fn pause(&mut self, until: Duration) {
        self.paused_until = self.paused_until.max(until);
    }

    /// At most `limit` requests in any `period`, beside what holds already. Of the period that it is in, the
    /// server counts `used` requests, until `renewed`.
    pub fn narrow(&mut self, limit: u64, period: Duration, used: u64, renewed: Duration) {
        let Some(limit) = usize::try_from(limit)
            .ok()
            .filter(|_| (1..=MOST).contains(&limit))
        else {
            return;
        };
        if period == self.rules[0].period {
            self.turns.drain(..self.turns.len().saturating_sub(limit));
        }
        let rule = match self.rules.iter_mut().find(|rule| rule.period == period) {
            Some(rule) => {
                rule.limit = rule.limit.min(limit);
                rule
            }
            None => {
                let mut rule = Rule::new(limit, period);
                let (old, new) = (self.rules[0].length(), rule.length());
                let sent = self.rules[0].counted.iter();
                let sent = sent.map(|(number, over)| (*number, (*over + new).saturating_sub(old)));
                rule.counted = sent.collect();
                self.rules.push(rule);
                self.rules.last_mut().expect("one was pushed just now")
            }
        };
        rule.use_up(used, renewed);
    }

    /// How long it takes at least until so many further requests have gone out.
    pub fn least_wait(&self, requests: usize, now: Duration) -> Duration {
        let waits = self.rules.iter().map(|rule| rule.least_wait(requests, now));
        waits.max().unwrap_or_default()
    }

    /// Whether a limit is stricter than what holds already.
    pub fn is_stricter(&self, limit: u64, period: Duration) -> bool {
        let base = &self.rules[0];
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if period < base.period {
            return limit < base.limit;
        }
        // Compared by the period of the base.
        let told = u128::try_from(limit)
            .unwrap_or(u128::MAX)
            .saturating_mul(base.period.as_millis());
        told < (base.limit as u128).saturating_mul(period.as_millis())
    }
}

fn turn(hand: &Hand, period: Duration) -> Turn {
    let quota = Quota::with_period(period).expect("no budget has an empty period");
    RateLimiter::direct_with_clock(quota.allow_burst(NonZeroU32::MIN), hand.clone())
}

impl Rule {
    fn new(limit: usize, period: Duration) -> Self {
        Self {
            limit,
            period,
            counted: VecDeque::new(),
        }
    }

    /// How long a request counts after it arrived.
    fn length(&self) -> Duration {
        self.period + MARGIN
    }

    /// When the next request may go out.
    fn free_at(&mut self, now: Duration) -> Duration {
        while self.counted.front().is_some_and(|(_, over)| *over <= now) {
            self.counted.pop_front();
        }
        match self.counted.len().checked_sub(self.limit) {
            None => Duration::ZERO,
            // The latest of those that have to be over: they may have arrived in another order.
            Some(surplus) => {
                let first = self.counted.iter().take(surplus + 1);
                first.map(|(_, over)| *over).max().unwrap_or_default()
            }
        }
    }

    /// The server counts `used` requests of this period: those that we know nothing of are over when it is.
    fn use_up(&mut self, used: u64, renewed: Duration) {
        let used = usize::try_from(used).unwrap_or(usize::MAX).min(self.limit);
        while self.counted.len() < used {
            self.counted.push_front((0, renewed));
        }
    }

    fn least_wait(&self, requests: usize, now: Duration) -> Duration {
        let free = self.limit.saturating_sub(self.counted.len());
        let Some(behind) = requests.checked_sub(free + 1) else {
            return Duration::ZERO;
        };
        let rounds = u32::try_from(behind / self.limit).unwrap_or(u32::MAX);
        let skipped = self.counted.len().saturating_sub(self.limit);
        let before = self.counted.get(skipped + behind % self.limit);
        let over = before.map(|(_, over)| over.saturating_sub(MARGIN));
        let first = over.unwrap_or(now + self.period);
        first.saturating_sub(now) + self.period.saturating_mul(rounds)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Ledger, PERIOD};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Asks for so many requests, one after the other; gives when each arrived at the server, whose answers
    /// take as long as `delays` say, in turn: half of it on the way there.
    fn arrivals(ledger: &mut Ledger, requests: usize, delays: &[u64]) -> Vec<Duration> {
        let mut now = Duration::ZERO;
        let (mut arrivals, mut open): (Vec<_>, Vec<(Duration, u64)>) = (vec![], vec![]);
        for delay in delays.iter().cycle().take(requests) {
            let number = loop {
                open.retain(|(answered, number)| {
                    if *answered <= now {
                        ledger.arrived(*number, *answered);
                    }
                    *answered > now
                });
                match ledger.take(now) {
                    Ok(number) => break number,
                    Err(wait) => {
                        let answers = open.iter().map(|(answered, _)| *answered);
                        now = answers.chain([now + wait]).min().unwrap();
                    }
                }
            };
            let delay = Duration::from_millis(*delay);
            arrivals.push(now + delay / 2);
            open.push((now + delay, number));
        }
        arrivals.sort();
        arrivals
    }

    /// The most that arrived within any `period`.
    fn most_within(arrivals: &[Duration], period: Duration) -> usize {
        let within = |first: &Duration| {
            let inside = |other: &&Duration| **other >= *first && **other < *first + period;
            arrivals.iter().filter(inside).count()
        };
        arrivals.iter().map(within).max().unwrap_or_default()
    }

    #[test]
    fn the_server_never_sees_more_than_the_limit_in_any_minute_however_long_requests_are_under_way()
    {
        for delays in [&[10][..], &[1900, 10, 300], &[3, 2500, 40, 900, 7]] {
            let mut ledger = Ledger::new(100, PERIOD);
            let arrivals = arrivals(&mut ledger, 450, delays);
            assert!(most_within(&arrivals, PERIOD) <= 100, "{delays:?}");
            let took = *arrivals.last().unwrap();
            assert!(took <= PERIOD * 4 * 105 / 100, "{delays:?}: {took:?}");
        }
    }

    #[test]
    fn the_whole_budget_goes_out_at_once() {
        let mut ledger = Ledger::new(3, PERIOD);
        for _ in 0..3 {
            assert!(ledger.take(Duration::ZERO).is_ok());
        }
        assert!(ledger.take(seconds(59)).is_err());
        assert!(ledger.take(seconds(63)).is_ok());
    }

    #[test]
    fn a_pause_stops_every_request_and_a_shorter_one_does_not_end_it() {
        let mut ledger = Ledger::new(100, PERIOD);
        ledger.pause(seconds(30));
        ledger.pause(seconds(10));
        assert_eq!(ledger.take(seconds(5)), Err(seconds(25)));
        assert!(ledger.take(seconds(30)).is_ok());
    }

    #[test]
    fn a_stricter_limit_of_the_server_narrows_the_budget_from_then_on() {
        let mut ledger = Ledger::new(100, PERIOD);
        for _ in 0..5 {
            ledger.take(Duration::ZERO).unwrap();
        }
        assert!(ledger.is_stricter(10, PERIOD));
        ledger.narrow(10, PERIOD, 5, seconds(60));
        for _ in 0..5 {
            assert!(ledger.take(seconds(1)).is_ok());
        }
        assert!(ledger.take(seconds(1)).is_err());
    }

    #[test]
    fn what_others_have_used_of_a_limit_is_waited_for() {
        let mut ledger = Ledger::new(100, PERIOD);
        ledger.narrow(10, PERIOD, 9, seconds(40));
        assert!(ledger.take(seconds(1)).is_ok());
        assert!(ledger.take(seconds(39)).is_err());
        assert!(ledger.take(seconds(41)).is_ok());
    }

    #[test]
    fn a_limit_of_another_period_holds_beside_the_first() {
        let mut ledger = Ledger::new(100, PERIOD);
        assert!(ledger.is_stricter(5, seconds(1)));
        assert!(!ledger.is_stricter(200, seconds(1)));
        assert!(!ledger.is_stricter(6000, seconds(3600)));
        assert!(ledger.is_stricter(5999, seconds(3600)));
        ledger.narrow(5, seconds(1), 0, Duration::ZERO);
        let arrivals = arrivals(&mut ledger, 250, &[20]);
        assert!(most_within(&arrivals, seconds(1)) <= 5);
        assert!(most_within(&arrivals, PERIOD) <= 100);
    }

    #[test]
    fn a_limit_of_nothing_is_none() {
        let mut ledger = Ledger::new(2, PERIOD);
        ledger.narrow(0, PERIOD, 0, Duration::ZERO);
        assert!(ledger.take(Duration::ZERO).is_ok());
        assert!(ledger.take(Duration::ZERO).is_ok());
    }

    #[test]
    fn the_wait_that_is_foretold_is_that_of_the_last_request() {
        let mut ledger = Ledger::new(3, PERIOD);
        let now = Duration::ZERO;
        for (requests, minutes) in [(0, 0), (1, 0), (3, 0), (4, 1), (6, 1), (7, 2)] {
            assert_eq!(
                ledger.least_wait(requests, now),
                PERIOD * minutes,
                "{requests}"
            );
        }
        for _ in 0..2 {
            let number = ledger.take(now).unwrap();
            ledger.arrived(number, now);
        }
        for (requests, minutes) in [(1, 0), (2, 1), (3, 1), (4, 1), (5, 2)] {
            assert_eq!(
                ledger.least_wait(requests, now),
                PERIOD * minutes,
                "{requests}"
            );
        }
    }
}
