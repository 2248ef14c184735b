//! The memory limit of a session, and the most that was taken from it while somebody watched.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{
        Arc, PoisonError, RwLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
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

/// A pool whose high-water mark is seen by those who watch.
#[derive(Debug)]
pub struct Memory {
    pool: TrackConsumersPool<FairSpillPool>,
    watches: RwLock<Vec<Weak<AtomicUsize>>>,
}

/// Sees the most bytes that are held at a time, from its beginning on.
#[derive(Debug)]
pub struct Watch(Arc<AtomicUsize>);

impl Watch {
    /// The most so far.
    pub fn peak(&self) -> u64 {
        self.0.load(Ordering::Relaxed) as u64
    }
}

impl Memory {
    /// Memory of `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            pool: TrackConsumersPool::new(FairSpillPool::new(limit), NAMED_CONSUMERS),
            watches: RwLock::default(),
        }
    }

    /// Watches from now on, beside others.
    pub fn watch(&self) -> Watch {
        let watch = Arc::new(AtomicUsize::new(self.pool.reserved()));
        let mut watches = self.watches.write().unwrap_or_else(PoisonError::into_inner);
        watches.retain(|watch| watch.strong_count() > 0);
        watches.push(Arc::downgrade(&watch));
        Watch(watch)
    }

    fn note(&self) {
        let held = self.pool.reserved();
        let watches = self.watches.read().unwrap_or_else(PoisonError::into_inner);
        for watch in watches.iter().filter_map(Weak::upgrade) {
            watch.fetch_max(held, Ordering::Relaxed);
        }
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
