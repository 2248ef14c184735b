//! What the run was made of and what it made: sources, models, checks, the receipt, and how it can be
//! repeated.

use super::{
    Kind::{Code, Number, Words},
    Table,
};
use crate::{
    model::Severity,
    report::numbers::{bytes, counted, counted_list, grouped, moment},
    run::record::{Job, ModelRecord, RunRecord, SourceRange},
};

/// When the run went on after it had stopped.
pub fn resumed(record: &RunRecord) -> Table {
    let rows = record.resumed.iter().map(|resumption| {
        let redone = resumption.redone.iter();
        let redone = redone.map(|redone| format!("{}: {}", redone.table, redone.reason));
        let again = match redone.collect::<Vec<_>>() {
            none if none.is_empty() => "nothing".to_owned(),
            some => some.join("; "),
        };
        let at = resumption.at.format("%Y-%m-%d %H:%M:%S").to_string();
        let kept = counted(resumption.kept as u64, "table");
        vec![at, kept, again]
    });
    let columns = [
        ("At (UTC)", Words),
        ("Kept", Number),
        ("Made again, and why", Words),
    ];
    Table::new("Resumed", &columns).with(rows)
}

/// Where the records came from.
pub fn inputs(record: &RunRecord) -> Table {
    let rows = record.sources.iter().map(|source| {
        vec![
            source.name.clone(),
            source.kind.clone(),
            grouped(source.records),
            grouped(source.rows),
            grouped(source.rejected + source.dead_lettered),
            moment(source.seconds),
            source.origin.clone(),
            ranges(&source.ranges),
        ]
    });
    let columns = [
        ("Source", Words),
        ("Kind", Words),
        ("Read", Number),
        ("Rows", Number),
        ("Refused", Number),
        ("Took", Number),
        ("From", Code),
        ("Parts", Words),
    ];
    Table::new("Sources", &columns).with(rows)
}

fn ranges(ranges: &[SourceRange]) -> String {
    match ranges {
        [] => "–".to_owned(),
        some if some.len() > 4 => counted_list(some, "part"),
        some => {
            let shown = some.iter().map(|range| match (range.first, range.end) {
                (Some(first), Some(end)) => format!("{} from {first} to before {end}", range.part),
                _ => range.part.clone(),
            });
            shown.collect::<Vec<_>>().join(", ")
        }
    }
}

/// What each model became.
pub fn models(record: &RunRecord) -> Table {
    let has_spilled = record.models.iter().any(|model| model.spill.files > 0);
    let mut columns = vec![
        ("Model", Words),
        ("Rows", Number),
        ("Size", Number),
        ("Took", Number),
        ("Memory", Number),
        ("Version", Number),
        ("Fingerprint", Code),
    ];
    if has_spilled {
        columns.insert(5, ("Spilled", Number));
    }
    let cluster = record.engine.cluster.as_ref();
    if cluster.is_some() {
        columns.extend([("Stages", Number), ("Tasks", Number), ("Executors", Number)]);
    }
    let row = |model: &ModelRecord| {
        // A view has none of what a file has.
        let kept = |fact: String, of_view: &str| {
            if model.is_view() {
                of_view.to_owned()
            } else {
                fact
            }
        };
        let mut row = vec![
            model.name.clone(),
            kept(grouped(model.file.rows), "view"),
            kept(bytes(model.file.bytes), ""),
            moment(model.seconds),
            kept(bytes(model.peak_memory), ""),
            model.version.to_string(),
            model.fingerprint.chars().take(12).collect(),
        ];
        if has_spilled {
            row.insert(5, bytes(model.spill.bytes));
        }
        if cluster.is_some() {
            row.extend(jobs(model));
        }
        row
    };
    let memory = match record.peak_memory {
        Some(peak) => format!(" The process held at most {}.", bytes(peak)),
        None => String::new(),
    };
    let on = match cluster {
        None => counted(record.engine.partitions as u64, "partition"),
        Some(cluster) => format!(
            "{} of the scheduler {}, in {}",
            counted(cluster.executors as u64, "executor"),
            cluster.scheduler,
            counted(record.engine.partitions as u64, "partition")
        ),
    };
    let lead = format!(
        "In the order of building, on {on}; queries may hold {} before they spill.{memory}",
        bytes(record.engine.memory_limit as u64),
    );
    Table::new("Models", &columns)
        .with(record.models.iter().map(row))
        .led_by(lead)
}

/// What a cluster did for a model: stages, tasks, executors.
fn jobs(model: &ModelRecord) -> [String; 3] {
    let of = |count: fn(&Job) -> usize| {
        let job = model.job.as_ref();
        job.map_or(String::new(), |job| grouped(count(job) as u64))
    };
    [
        of(|job| job.stages),
        of(|job| job.tasks),
        of(|job| job.executors.len()),
    ]
}

/// All checks.
pub fn checks(record: &RunRecord) -> Table {
    let rows = record.checks.iter().map(|check| {
        let severity = match check.severity {
            Severity::Error => "stops the load",
            Severity::Warn => "warns",
        };
        let found = match check.bad_rows {
            0 => "passed".to_owned(),
            bad => counted(bad, "bad row"),
        };
        let texts = [&check.name, &found, severity, &check.description];
        texts.map(str::to_owned).to_vec()
    });
    let columns = [
        ("Check", Code),
        ("Found", Words),
        ("Otherwise", Words),
        ("What should hold", Words),
    ];
    let passed = record.checks.iter().filter(|check| check.passed()).count();
    let lead = format!("{passed} of {} passed.", record.checks.len());
    Table::new("Checks", &columns).with(rows).led_by(lead)
}

/// What was loaded, provably.
pub fn receipt(record: &RunRecord) -> Table {
    let table = Table::new("Receipt", &[("Fact", Words), ("Value", Code)]);
    let Some(load) = &record.load else {
        return table;
    };
    let receipt = &load.receipt;
    let verified = receipt.verified_rows;
    let console = receipt.console.iter().map(|url| ("Console", url.clone()));
    let rows = [
        ("Table", receipt.destination.clone()),
        (
            "Load",
            format!("{} of {}", receipt.load_number, receipt.run_date),
        ),
        ("Rows", grouped(receipt.rows)),
        (
            "Rows read back",
            verified.map_or_else(|| "unknown".to_owned(), grouped),
        ),
        ("File or job", receipt.load_id.clone().unwrap_or_default()),
        ("Size", bytes(receipt.bytes)),
        ("SHA-256", receipt.sha256.clone()),
    ];
    table.with(facts(rows.into_iter().chain(console)))
}

/// Of what the run was made: the same again gives the same bytes.
pub fn repeat(record: &RunRecord) -> Table {
    let build = &record.build;
    let time = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M:%S").to_string();
    let as_of = record
        .as_of
        .to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    let selected = match record.select.as_slice() {
        [] => "all".to_owned(),
        some => some.join(", "),
    };
    let window = format!(
        "{} to {} UTC",
        time(record.window_start),
        time(record.window_end)
    );
    let program = format!(
        "dfpipe {} (source {}, functions {}, DataFusion {})",
        build.version, build.source, build.udfs, build.datafusion
    );
    let again = format!("dfpipe replay {}", record.run_id);
    let lead = "The same program, SQL, parameters, key and records give the same bytes. The records \
                lie in extract/, the SQL in sql/, all facts in run.json; `dfpipe replay` proves it.";
    Table::new(
        "How it can be repeated",
        &[("Fact", Words), ("Value", Code)],
    )
    .led_by(lead)
    .with(facts([
        ("Run", record.run_id.clone()),
        ("Profile", record.profile.clone()),
        ("As of", as_of),
        ("Window", window),
        ("Models", selected),
        (
            "Version of the SQL (source_version)",
            record.source_version.clone(),
        ),
        ("Program", program),
        ("Fingerprint of the e-mail key", build.email_key.clone()),
        ("Run folder", record.folder.clone()),
        ("Once more, from its own extract", again),
    ]))
    .with(exceptions(record))
}

/// Models that may give other bytes of the same rows, and why that is right.
fn exceptions(record: &RunRecord) -> Vec<Vec<String>> {
    let allowed = record.models.iter().flat_map(|model| {
        let allows = model.allows.iter();
        allows.map(|(key, reason)| {
            let what = format!("Exception of {} ({key})", model.name);
            vec![what, reason.clone()]
        })
    });
    allowed.collect()
}

fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> Vec<Vec<String>> {
    let facts = facts.into_iter();
    facts
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect()
}
