//! The memory limit of a session, and the most that was taken from it since somebody asked.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
};

use datafusion::{
    error::Result,
    execution::memory_pool::{
        FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
        TrackConsumersPool,
    },
};

/// How many consumers an error about memory names.
const NAMED_CONSUMERS: NonZeroUsize = NonZeroUsize::new(5).expect("five is not zero");

/// A pool with a high-water mark.
#[derive(Debug)]
pub struct Memory {
    pool: TrackConsumersPool<FairSpillPool>,
    peak: AtomicUsize,
}

impl Memory {
    /// Memory of `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            pool: TrackConsumersPool::new(FairSpillPool::new(limit), NAMED_CONSUMERS),
            peak: AtomicUsize::new(0),
        }
    }

    /// The most bytes that were held at a time since the last call.
    pub fn take_peak(&self) -> u64 {
        self.peak.swap(self.pool.reserved(), Ordering::Relaxed) as u64
    }

    fn note(&self) {
        self.peak.fetch_max(self.pool.reserved(), Ordering::Relaxed);
    }
}

impl MemoryPool for Memory {
    fn name(&self) -> &str {
        self.pool.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.pool.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
        self.note();
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.pool.try_grow(reservation, additional)?;
        self.note();
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.pool.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(formatter)
    }
}
