//! Tells those who asked for it how a run ended.

use super::interrupt;
use crate::{
    config::{self, Config, NotifyOn},
    error::Error,
    notify, report,
    run::{
        Event, Progress,
        record::{RunRecord, Status},
    },
};

/// Who is told how a run ended.
pub struct Told<'a> {
    notify: config::Notify,
    pipeline: String,
    profile: String,
    progress: &'a dyn Progress,
}

impl<'a> Told<'a> {
    /// Those whom the configuration names. Who tries something out looks at the screen: of a dry run
    /// nobody is told.
    pub fn new(config: &Config, is_dry_run: bool, progress: &'a dyn Progress) -> Self {
        let mut notify = config.notify.clone();
        if is_dry_run {
            notify.webhook = None;
        }
        Self {
            notify,
            pipeline: config.pipeline.clone(),
            profile: config.profile.clone(),
            progress,
        }
    }

    /// A run that was asked for less than all has somebody who looks at it.
    pub async fn of_run(&self, record: &RunRecord) {
        let end = match record.status {
            Status::Succeeded => NotifyOn::Success,
            Status::Failed | Status::Interrupted => NotifyOn::Failure,
            Status::Running | Status::DryRun | Status::Stopped | Status::Abandoned => return,
        };
        self.send(end, &report::notification(record)).await;
    }

    /// A run that was refused before it began.
    pub async fn of_refusal(&self, error: &Error) {
        let message = report::notification_of_refusal(&self.pipeline, &self.profile, error);
        self.send(NotifyOn::Failure, &message).await;
    }

    /// Whoever is waiting may stop waiting: the run itself is over.
    async fn send(&self, end: NotifyOn, message: &serde_json::Value) {
        let sent = tokio::select! {
            sent = notify::send(&self.notify, end, message) => sent,
            name = interrupt::signal() => Err(Error::outside("nobody was notified").because(name)),
        };
        if let Err(error) = sent {
            let message = error.to_string();
            self.progress.report(&Event::Warning { message });
        }
    }
}
