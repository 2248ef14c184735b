//! What a person should look at: checks that found something, and warnings.

use crate::{model::Severity, report::numbers::counted, run::record::RunRecord};

/// Something that a person should look at.
#[derive(Clone, Debug)]
pub struct Concern {
    /// Whether it stops the load.
    pub is_error: bool,
    /// The check that found it, if one did.
    pub check: Option<String>,
    /// What it is, in a line.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Some of the bad rows, as JSON.
    pub examples: Vec<String>,
}

impl Concern {
    /// `error` or `warning`.
    pub fn severity(&self) -> &'static str {
        if self.is_error { "error" } else { "warning" }
    }

    /// All of it in a line.
    pub fn line(&self) -> String {
        format!("{}: {}", self.severity(), self.message)
    }
}

/// All that a person should look at: errors first.
pub fn attention(record: &RunRecord) -> Vec<Concern> {
    let failed = record.checks.iter().filter(|check| !check.passed());
    let checks = failed.map(|check| {
        let found = counted(check.bad_rows, "row");
        Concern {
            is_error: check.severity == Severity::Error,
            check: Some(check.name.clone()),
            message: format!("{} ({found} against it): {}", check.name, check.description),
            hint: check.hint.as_deref().map(|hint| hint.trim().to_owned()),
            examples: check.examples.clone(),
        }
    });
    let warnings = record.all_warnings().into_iter().map(|warning| Concern {
        is_error: false,
        check: None,
        message: warning,
        hint: None,
        examples: vec![],
    });
    let mut all: Vec<_> = checks.chain(warnings).collect();
    all.sort_by_key(|concern| !concern.is_error);
    all
}
