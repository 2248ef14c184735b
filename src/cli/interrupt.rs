//! Ctrl-C and its kin: the first one ends a run cleanly, the second one at once.

use std::future::Future;

use tokio::sync::Notify;

use super::screen::Screen;
use crate::error::Kind;

/// Waits for `work`; a signal meanwhile is passed on to it.
pub async fn listening<T>(work: impl Future<Output = T>, interrupt: &Notify, screen: &Screen) -> T {
    tokio::pin!(work);
    let first = tokio::select! {
        done = &mut work => return done,
        name = signal() => name,
    };
    screen.note(&format!(
        "{first}: the run ends cleanly; once more ends it at once"
    ));
    interrupt.notify_one();
    tokio::select! {
        done = &mut work => done,
        _ = signal() => std::process::exit(i32::from(Kind::Interrupted.exit_code())),
    }
}

/// The next signal that asks the process to end.
#[cfg(unix)]
pub async fn signal() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => "interrupted",
        _ = terminate.recv() => "asked to terminate",
    }
}

#[cfg(not(unix))]
pub async fn signal() -> &'static str {
    match tokio::signal::ctrl_c().await {
        Ok(()) => "interrupted",
        Err(_) => std::future::pending().await,
    }
}
