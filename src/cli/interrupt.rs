//! Ctrl-C and its kin: the first one ends a run cleanly, the second one at once.

use std::future::Future;

use tokio::sync::Notify;

use super::screen::Screen;
use crate::error::Kind;

/// Waits for `work`; a signal meanwhile is passed on to it.
pub async fn listening<T>(work: impl Future<Output = T>, interrupt: &Notify, screen: &Screen) -> T {
    tokio::pin!(work);
    let mut signals = Signals::listen();
    let first = tokio::select! {
        done = &mut work => return done,
        name = signals.next() => name,
    };
    let its_screen = screen.clone();
    // A task of its own: the work may be waiting for a disk that never answers.
    let second = tokio::spawn(async move {
        signals.next().await;
        its_screen.clear();
        std::process::exit(i32::from(Kind::Interrupted.exit_code()))
    });
    screen.note(&format!(
        "{first}: the run ends cleanly; once more ends it at once"
    ));
    interrupt.notify_one();
    let done = work.await;
    second.abort();
    done
}

/// The next signal that asks the process to end.
pub async fn signal() -> &'static str {
    Signals::listen().next().await
}

/// Hears the signals that come from now on.
#[cfg(unix)]
struct Signals([Option<tokio::signal::unix::Signal>; 2]);

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        Self(kinds.map(|kind| signal(kind).ok()))
    }

    async fn next(&mut self) -> &'static str {
        let [Some(interrupt), Some(terminate)] = &mut self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => "interrupted",
            _ = terminate.recv() => "asked to terminate",
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "interrupted",
            Err(_) => std::future::pending().await,
        }
    }
}
