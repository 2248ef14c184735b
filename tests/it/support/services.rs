//! Which of the services of `tests/services/install.sh` are there, and what to say when one is not.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a service is installed, or `None` after saying loudly that this test is skipped.
///
/// # Panics
///
/// In CI (`CI=true`), where no test may be skipped.
pub(crate) fn find(service: &str) -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/services")
        .join(service);
    if home.join("stamp").exists() {
        return Some(home);
    }
    let advice = format!("the service `{service}` is not installed; `make services` installs it");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{advice}");

    // Straight to standard error: what a passing test prints is captured, and a skip must be seen.
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    writeln!(std::io::stderr(), "SKIPPED: {test}: {advice}")
        .expect("standard error can be written");
    None
}
