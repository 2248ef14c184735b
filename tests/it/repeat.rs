//! Loading a date again: by mistake it is refused, on purpose it is appended; nothing is overwritten.

use std::{path::PathBuf, sync::Arc};

use datafusion::{
    arrow::array::RecordBatch,
    parquet::{
        arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
        file::{metadata::KeyValue, properties::WriterProperties},
    },
};
use insta::assert_snapshot;

use crate::support::{artefacts, project::Project};

const TABLE: &str = ".dfpipe/warehouse/shop/totals";
const FIRST: &str = ".dfpipe/warehouse/shop/totals/run_date=2026-11-15/load-0001.parquet";
const SECOND: &str = ".dfpipe/warehouse/shop/totals/run_date=2026-11-15/load-0002.parquet";
const THIRD: &str = ".dfpipe/warehouse/shop/totals/run_date=2026-11-15/load-0003.parquet";

#[test]
fn a_date_that_is_added_again_gets_the_next_number_and_keeps_what_it_had() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    let first = bytes(&project, FIRST);
    project.write("data/late.csv", "order_id,customer,amount\n4,bob,1.00\n");

    project.succeed(["run", "-q"]);

    assert_eq!(loads(&project), [FIRST, SECOND]);
    assert_eq!(bytes(&project, FIRST), first);
    assert_eq!(project.json("step4_load_receipt.json")["load_number"], 2);
    assert_snapshot!(latest(&project), @"
    +------------+-------------+----------+--------+
    | run_date   | load_number | customer | amount |
    +------------+-------------+----------+--------+
    | 2026-11-15 |           2 | ada      |  13.00 |
    | 2026-11-15 |           2 | bob      |   8.00 |
    +------------+-------------+----------+--------+
    ");
}

#[test]
fn a_date_that_is_loaded_is_refused_before_anything_is_extracted() {
    let project = refusing();
    project.succeed(["run", "-q"]);
    let first = bytes(&project, FIRST);

    assert_snapshot!(project.run(["run"]).screen(), @"
    exit code: 7
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    error: 2026-11-15 is loaded already: run `[run]`, 2 rows
    cause: `[project]/.dfpipe/warehouse/shop/totals/run_date=2026-11-15/load-0001.parquet` holds it as load 1; its receipt is `[project]/.dfpipe/archive/pipeline_runs/2026-11-15/[run]/step4_load_receipt.json`

    hint: `dfpipe run --new-load` appends a further load of that date
    ");

    assert_eq!(project.archived().len(), 1);
    assert!(project.unfinished().is_empty(), "nothing was extracted");
    assert_eq!(loads(&project), [FIRST]);
    assert_eq!(bytes(&project, FIRST), first);
}

#[test]
fn a_new_load_of_a_date_can_be_asked_for() {
    let project = refusing();
    project.succeed(["run", "-q"]);
    project.succeed(["run", "-q", "--new-load"]);
    assert_eq!(loads(&project), [FIRST, SECOND]);
    assert_eq!(project.run(["run", "-q"]).code, Some(7));
}

#[test]
fn a_part_of_the_pipeline_can_run_whatever_is_loaded() {
    let project = refusing();
    project.write(
        "sql/customers.sql",
        "/* dfpipe\nversion: 1\ndescription: For a test.\n*/\nselect distinct customer from orders\n",
    );
    project.succeed(["run", "-q"]);
    project.succeed(["run", "-q", "-s", "customers"]);
    assert_eq!(loads(&project), [FIRST]);
}

#[test]
fn dates_do_not_get_in_each_others_way() {
    let project = refusing();
    project.succeed(["run", "-q"]);
    project.succeed(["run", "-q", "--as-of", "2026-11-16"]);
    project.succeed(["run", "-q", "--as-of", "2026-11-17T23:59:59+01:00"]);
    assert_eq!(
        project
            .run(["run", "-q", "--as-of", "2026-11-16T12:00"])
            .code,
        Some(7)
    );
    assert_snapshot!(latest(&project), @"
    +------------+-------------+----------+--------+
    | run_date   | load_number | customer | amount |
    +------------+-------------+----------+--------+
    | 2026-11-15 |           1 | ada      |  13.00 |
    | 2026-11-15 |           1 | bob      |   7.00 |
    | 2026-11-16 |           1 | ada      |  13.00 |
    | 2026-11-16 |           1 | bob      |   7.00 |
    | 2026-11-17 |           1 | ada      |  13.00 |
    | 2026-11-17 |           1 | bob      |   7.00 |
    +------------+-------------+----------+--------+
    ");
}

/// Rows are missing: the load before it is the latest that can be trusted.
#[test]
fn a_load_that_lost_rows_is_not_the_latest() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project.succeed(["run", "-q"]);
    lose_a_row(&project, SECOND);

    assert_snapshot!(latest(&project), @"
    +------------+-------------+----------+--------+
    | run_date   | load_number | customer | amount |
    +------------+-------------+----------+--------+
    | 2026-11-15 |           1 | ada      |  13.00 |
    | 2026-11-15 |           1 | bob      |   7.00 |
    +------------+-------------+----------+--------+
    ");

    project.succeed(["run", "-q"]);
    assert_eq!(loads(&project), [FIRST, SECOND, THIRD]);
    assert_snapshot!(latest(&project), @"
    +------------+-------------+----------+--------+
    | run_date   | load_number | customer | amount |
    +------------+-------------+----------+--------+
    | 2026-11-15 |           3 | ada      |  13.00 |
    | 2026-11-15 |           3 | bob      |   7.00 |
    +------------+-------------+----------+--------+
    ");
}

#[test]
fn a_load_that_was_deleted_is_not_the_latest() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project.succeed(["run", "-q"]);
    project.remove(SECOND);
    assert_snapshot!(latest(&project), @"
    +------------+-------------+----------+--------+
    | run_date   | load_number | customer | amount |
    +------------+-------------+----------+--------+
    | 2026-11-15 |           1 | ada      |  13.00 |
    | 2026-11-15 |           1 | bob      |   7.00 |
    +------------+-------------+----------+--------+
    ");
}

#[test]
fn a_file_in_the_warehouse_that_is_no_load_is_not_passed_over() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    project.write(SECOND, "not Parquet");
    assert_snapshot!(project.run(["run", "-q"]).screen(), @"
    exit code: 3
    ----- stderr -----
    error: `[project]/.dfpipe/warehouse/shop/totals/run_date=2026-11-15/load-0002.parquet` cannot be read
    cause: Parquet error: Invalid Parquet file. Corrupt footer

    hint: a file that is no load of dfpipe must not lie in its warehouse
    ");
    assert_eq!(loads(&project), [FIRST, SECOND]);
}

/// Both see the same loads; the file's name decides who is first.
#[test]
fn two_runs_at_once_never_share_a_load() {
    let project = Arc::new(Project::orders());
    let runs = [(); 4].map(|()| {
        let project = Arc::clone(&project);
        std::thread::spawn(move || project.run(["run", "-q"]))
    });
    let outcomes = runs.map(|run| run.join().expect("a run ends"));

    let succeeded = outcomes
        .iter()
        .filter(|outcome| outcome.code == Some(0))
        .count();
    for outcome in &outcomes {
        assert!(matches!(outcome.code, Some(0 | 3)), "{}", outcome.screen());
    }
    assert!(succeeded > 0);
    assert_eq!(loads(&project).len(), succeeded);
}

/// A pipeline whose destination takes each date once.
fn refusing() -> Project {
    let project = Project::orders();
    project.edit("dfpipe.yml", "on_repeat: add", "on_repeat: refuse");
    project
}

/// The files of the destination, relative to the project.
fn loads(project: &Project) -> Vec<String> {
    let files = artefacts::files(&project.path(TABLE));
    let relative = |file: PathBuf| {
        let file = file.strip_prefix(project.folder());
        file.expect("it lies in the project").display().to_string()
    };
    files.into_iter().map(relative).collect()
}

fn bytes(project: &Project, file: &str) -> Vec<u8> {
    fs_err::read(project.path(file)).expect("a load is there")
}

/// What readers of the destination see.
fn latest(project: &Project) -> String {
    let query = "select run_date, load_number, customer, amount \
                 from warehouse.totals_latest order by run_date, load_number, customer";
    project.succeed(["query", query]).stdout
}

/// Writes the file again, with the same footer and one row less.
fn lose_a_row(project: &Project, file: &str) {
    let pairs = footer(project, file);
    let rows: Vec<RecordBatch> = artefacts::batches(&project.path(file));
    let properties = WriterProperties::builder().set_key_value_metadata(Some(pairs));
    let mut writer =
        ArrowWriter::try_new(vec![], rows[0].schema(), Some(properties.build())).expect("a writer");
    writer
        .write(&rows[0].slice(1, rows[0].num_rows() - 1))
        .expect("rows can be written");
    project.write(file, writer.into_inner().expect("a file can be ended"));
}

fn footer(project: &Project, file: &str) -> Vec<KeyValue> {
    let file = fs_err::File::open(project.path(file)).expect("a load is there");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.into_file());
    let metadata = reader.expect("it is a Parquet file").metadata().clone();
    let pairs = metadata.file_metadata().key_value_metadata().cloned();
    let mut pairs = pairs.expect("a load says whose it is");
    pairs.retain(|pair| pair.key.starts_with("dfpipe."));
    pairs
}
