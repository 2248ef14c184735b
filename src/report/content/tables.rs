//! The tables that tell what the run did: figures, steps, records, refusals.

use super::{
    Kind::{Number, Words},
    Table,
};
use crate::{
    report::numbers::{change, grouped, moment, shown},
    run::record::{Figure, RunRecord, StepRecord, seconds},
};

/// The pipeline's own figures, beside those of the last run if there was one.
pub fn figures(record: &RunRecord) -> Table {
    let Some(last) = record.previous.first() else {
        let rows = record.summary.iter();
        let rows = rows.map(|figure| vec![figure.label.clone(), shown(figure)]);
        return Table::new("Figures", &[("Figure", Words), ("This run", Number)]).with(rows);
    };
    let rows = record.summary.iter().map(|figure| {
        let before = last.summary.iter().find(|old| old.metric == figure.metric);
        vec![
            figure.label.clone(),
            shown(figure),
            before.map_or_else(|| "–".to_owned(), shown),
            before.map_or_else(|| "new".to_owned(), |before| changed(figure, before)),
        ]
    });
    let columns = [
        ("Figure", Words),
        ("This run", Number),
        ("Last run", Number),
        ("Change", Number),
    ];
    let lead = format!("The last run was {} of {}.", last.run_id, last.run_date);
    Table::new("Figures", &columns).with(rows).led_by(lead)
}

fn changed(now: &Figure, before: &Figure) -> String {
    match (now.value, before.value) {
        (Some(now_value), Some(before)) => change(now_value, before, &now.unit),
        _ => "–".to_owned(),
    }
}

/// The steps and how long they took.
pub fn steps(record: &RunRecord) -> Table {
    let rows = record.steps.iter().map(|step| {
        let state = if step.is_done { "done" } else { "not finished" };
        let began = step.began_at.format("%Y-%m-%d %H:%M:%S").to_string();
        let name = step.step.name().to_owned();
        let took = moment(took(record, step));
        vec![name, state.to_owned(), began, took]
    });
    let columns = [
        ("Step", Words),
        ("State", Words),
        ("Began (UTC)", Words),
        ("Took", Number),
    ];
    Table::new("Steps", &columns).with(rows)
}

/// How long a step took, up to the end of the run if it did not get to its own.
pub fn took(record: &RunRecord, step: &StepRecord) -> f64 {
    let unfinished = if step.is_done {
        0.0
    } else {
        seconds(step.began_at, record.finished_at).max(0.0)
    };
    step.seconds + unfinished
}

/// What went through each step.
pub fn records(record: &RunRecord) -> Table {
    let mut rows = vec![];
    for source in &record.sources {
        let refused = source.rejected + source.dead_lettered;
        let kept = grouped(source.rows);
        let count = match refused {
            0 => kept,
            _ => format!("{kept} of {}", grouped(source.records)),
        };
        rows.push(vec![
            format!("extract {} ({})", source.name, source.kind),
            count,
        ]);
    }
    for model in record.models.iter().filter(|model| model.save_as.is_some()) {
        let rows_made = grouped(model.file.rows);
        rows.push(vec![format!("transform {}", model.name), rows_made]);
    }
    if let Some(load) = &record.load {
        rows.push(vec!["load".to_owned(), grouped(load.receipt.rows)]);
    }
    Table::new("Records per step", &[("Step", Words), ("Records", Number)]).with(rows)
}

/// Fields that were missing from records that became rows, by source and name.
pub fn missing(record: &RunRecord) -> Table {
    let rows = record.sources.iter().flat_map(|source| {
        let fields = source.missing.iter();
        fields.map(|(field, count)| vec![format!("{}: {field}", source.name), grouped(*count)])
    });
    let columns = [("Source and field", Words), ("Records", Number)];
    Table::new("Records without a field", &columns).with(rows)
}

/// Records that were refused or could not be read, by source and reason.
pub fn left_out(record: &RunRecord) -> Table {
    let row = |source: &str, reason: &str, records: u64| {
        vec![format!("{source}: {reason}"), grouped(records)]
    };
    let refused = record.rejects.iter();
    let refused = refused.map(|one| row(&one.source, &one.reason, one.records));
    let sources = record.sources.iter();
    let dead = sources.filter(|source| source.dead_lettered > 0);
    let dead = dead.map(|source| row(&source.name, "unreadable", source.dead_lettered));
    let columns = [("Source and reason", Words), ("Records", Number)];
    Table::new("Records left out", &columns).with(refused.chain(dead))
}
