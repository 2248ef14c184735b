//! How properties are tried: the same cases on every run, so that a build never fails by chance; others on demand.
//!
//! Whoever looks for cases that nobody tried says so by proptest's own variables, or by `make chaos`, which takes a new
//! seed each time. Also part of the unit tests of both crates, by its path.

use proptest::test_runner::{Config, RngSeed, contextualize_config};

/// Any number would do.
const SEED: u64 = 42;

/// So many cases of one property, unless `PROPTEST_CASES` and `PROPTEST_RNG_SEED` say otherwise. If one fails, it is
/// told how to try the same again.
pub(crate) fn properties(cases: u32) -> Config {
    let config = contextualize_config(Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(SEED),
        ..Config::default()
    });
    if let RngSeed::Fixed(seed) = config.rng_seed {
        let cases = config.cases;
        eprintln!("the same cases again: PROPTEST_RNG_SEED={seed} PROPTEST_CASES={cases}");
    }
    config
}
