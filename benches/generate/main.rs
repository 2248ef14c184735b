//! Makes customers and events of any size: `cargo bench --workspace --bench generate -- --help`.
//!
//! The same seed gives the same records in every form and on any number of threads. Nothing is held: a billion
//! events need time and disk, not memory.

mod chance;
mod customer;
mod event;
mod form;
mod week;

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use clap::{Parser, ValueEnum};

use customer::Customers;
use event::Events;
use form::{kafka, pages, parquet, text};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Records of a file, so that files can be made side by side.
const FILE: u64 = 1 << 20;

/// Makes up a week of customers and events, which ends on 2026-11-15.
#[derive(Debug, Parser)]
struct Wish {
    /// Customers that the CRM knows.
    #[arg(long, default_value_t = 100_000)]
    customers: u64,
    /// Events that they sent.
    #[arg(long, default_value_t = 5_000_000)]
    events: u64,
    /// Another seed gives other customers and events.
    #[arg(long, default_value_t = 20_261_115)]
    seed: u64,
    /// Parquet; or pages of an API and lines of JSON; or pages, and messages of a topic.
    #[arg(long, value_enum, default_value = "parquet")]
    form: Form,
    /// Where files go, below `crm` and `events`; what is there under the same names is replaced.
    #[arg(long, default_value = "target/bench/data")]
    out: PathBuf,
    /// Of the topic.
    #[arg(long, default_value = "127.0.0.1:9092")]
    brokers: String,
    /// Has to exist; its partitions are used as they are.
    #[arg(long, default_value = "customer-events")]
    topic: String,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Parquet,
    Json,
    Kafka,
}

fn main() -> Result<()> {
    let wish = Wish::parse();
    let customers = Customers {
        seed: wish.seed,
        count: wish.customers,
    };
    let events = Events {
        seed: wish.seed,
        count: wish.events,
        customers: wish.customers,
    };
    let (crm, lines) = (wish.out.join("crm"), wish.out.join("events"));
    match wish.form {
        Form::Parquet => {
            files(
                &crm,
                "parquet",
                customers.records(),
                FILE,
                |path, places| parquet::customers(path, customers, places),
            )?;
            files(&lines, "parquet", events.count, FILE, |path, places| {
                parquet::events(path, events, places)
            })
        }
        Form::Json => {
            write_pages(&crm, customers)?;
            files(&lines, "ndjson", events.count, FILE, |path, places| {
                text::events(path, events, places)
            })
        }
        Form::Kafka => {
            write_pages(&crm, customers)?;
            kafka::send(&wish.brokers, &wish.topic, events)
        }
    }
}

fn write_pages(folder: &Path, customers: Customers) -> Result<()> {
    files(
        folder,
        "json",
        customers.records(),
        pages::SIZE,
        |path, places| pages::page(path, customers, places.start / pages::SIZE),
    )
}

/// Makes the files of a folder, as many at a time as there are processors; the first failure ends it.
fn files(
    folder: &Path,
    ending: &str,
    records: u64,
    size: u64,
    make: impl Fn(&Path, std::ops::Range<u64>) -> Result<()> + Sync,
) -> Result<()> {
    fs_err::create_dir_all(folder)?;
    let next = AtomicU64::new(0);
    let failed = Mutex::new(None);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let begin = number * size;
            if begin >= records {
                return;
            }
            let path = folder.join(format!("part-{number:06}.{ending}"));
            if let Err(error) = make(&path, begin..(begin + size).min(records)) {
                failed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(error);
                next.store(records, Ordering::Relaxed);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        None => Ok(()),
        Some(error) => Err(error),
    }
}
