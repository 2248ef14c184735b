//! What a person should look at: checks that found something, and warnings.

use crate::{
    checks::CheckRecord,
    model::Severity,
    report::numbers::{counted, grouped},
    run::record::{RunRecord, Status},
};

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
    /// Where the bad rows are kept.
    pub kept: Option<Kept>,
}

/// Bad rows that are kept with the run.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The command that shows them, of whatever run is the last one by then.
    pub command: String,
    /// Where they are, in a sentence.
    pub place: String,
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
            kept: kept(record, check),
        }
    });
    let warnings = record.all_warnings().into_iter().map(|warning| Concern {
        is_error: false,
        check: None,
        message: warning,
        hint: None,
        examples: vec![],
        kept: None,
    });
    let mut all: Vec<_> = checks.chain(warnings).collect();
    all.sort_by_key(|concern| !concern.is_error);
    all
}

/// What a dry run keeps is gone with it.
fn kept(record: &RunRecord, check: &CheckRecord) -> Option<Kept> {
    let rows = check.rows_kept.as_ref()?;
    if record.status == Status::DryRun {
        return None;
    }
    let which = if rows.file.rows == check.bad_rows {
        "The rows lie".to_owned()
    } else {
        format!("The first {} of them lie", grouped(rows.file.rows))
    };
    let (run, table) = (&record.run_id, &rows.table);
    Some(Kept {
        command: format!("dfpipe query --run {run} \"select * from {table}\""),
        place: format!("{which} in the run's folder, in `{}`.", rows.path),
    })
}
