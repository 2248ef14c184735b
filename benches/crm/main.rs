//! How fast an API is read, and how much of that is decoding: `make bench-crm`.
//!
//! A server on loopback without any limit gives the same pages to three readers, one after the other and
//! round after round: who only fetches them, who only decodes them from memory, and the source itself.
//! `BENCH_RECORDS`, `BENCH_PAGE` and `BENCH_ROUNDS` say how much is read, and how often.

#![expect(
    clippy::print_stdout,
    reason = "what was measured is for whoever asked"
)]

mod pipeline;
mod server;

use std::time::{Duration, Instant};

use pipeline::Pipeline;
use server::Server;

/// One round: how long each of the three took.
struct Round {
    fetched: Duration,
    decoded: Duration,
    extracted: Duration,
}

fn main() {
    let (records, size, rounds) = (
        asked("BENCH_RECORDS", 100_000),
        asked("BENCH_PAGE", 1000),
        asked("BENCH_ROUNDS", 7),
    );
    let server = Server::start(records, size);
    let pipeline = Pipeline::of(&server.url(), size);
    // Nobody is the first to fill the caches.
    round(&server, &pipeline, records);
    let rounds: Vec<_> = (0..rounds)
        .map(|_| round(&server, &pipeline, records))
        .collect();

    let profile = if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    };
    let megabytes = server.bytes() / 1_000_000;
    println!(
        "{records} records in pages of {size} ({megabytes} MB), medians of {} interleaved rounds, {profile} build",
        rounds.len()
    );
    let extracted = median(&rounds, |round| round.extracted);
    let lines = [
        ("fetching alone", median(&rounds, |round| round.fetched)),
        ("decoding alone", median(&rounds, |round| round.decoded)),
        ("whole extract", extracted),
    ];
    for (what, took) in lines {
        let share = 100.0 * took.as_secs_f64() / extracted.as_secs_f64();
        let per_second = rate(records, took);
        println!(
            "{what:<15} {took:>10.1?} {per_second:>12.0} rows/s {share:>5.0} % of the extract"
        );
    }
}

fn round(server: &Server, pipeline: &Pipeline, records: usize) -> Round {
    let timed = |work: &dyn Fn() -> usize| {
        let begun = Instant::now();
        assert_eq!(work(), records, "all records were read");
        begun.elapsed()
    };
    Round {
        fetched: timed(&|| pipeline.fetch(server)),
        decoded: timed(&|| pipeline.decode(server.pages())),
        extracted: timed(&|| pipeline.extract()),
    }
}

fn asked(variable: &str, default: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().expect("a variable of the bench is a number"),
        Err(_) => default,
    }
}

fn median(rounds: &[Round], of: impl Fn(&Round) -> Duration) -> Duration {
    let mut all: Vec<_> = rounds.iter().map(of).collect();
    all.sort();
    all[all.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "nobody reads 2^52 records")]
fn rate(records: usize, took: Duration) -> f64 {
    records as f64 / took.as_secs_f64()
}
