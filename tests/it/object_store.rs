//! An object store in the place of folders: sources read from it, the warehouse lies in it, and nothing differs.

use std::{
    ffi::OsStr,
    io::Write,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use arrow::{
    array::{Decimal128Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use chrono::{DateTime, NaiveDate};
use dfpipe::{
    error::Kind,
    sinks::{Ledger, Load, Note, Receipt, Sink, Stage, parquet::Warehouse},
    table_file::{FileFacts, ParquetFile},
};
use flate2::{Compression, write::GzEncoder};
use insta::assert_snapshot;

use crate::support::{
    artefacts,
    project::Project,
    s3::{Bucket, S3},
};

/// Number, customer, amount in cents: the orders of [`Project::orders`].
const ORDERS: [(i64, &str, i128); 3] = [(1, "ada", 1250), (2, "bob", 700), (3, "ada", 50)];

// --- sources ----------------------------------------------------------------------------------------

/// Every way in which a source's files are written: its name, its files, where its records stand.
const WAYS: [(&str, &str, &str); 6] = [
    ("orders", "csv/*.csv", ""),
    ("lines", "ndjson/*.ndjson", ""),
    ("packed", "packed/*.ndjson.gz", ""),
    ("document", "json/page-*.json", ", records: data.orders"),
    ("columns", "parquet/orders.parquet", ""),
    ("everywhere", "deep/**/*.ndjson", ""),
];

#[test]
fn every_format_is_read_from_a_bucket_as_from_a_folder() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("every-format");

    let local = project_of_every_way().with_variable("PLACE", "data");
    bucket.put_files(&local.path("data"), "in");
    local.succeed(["run"]);
    let remote = s3.serve(project_of_every_way().with_variable("PLACE", "s3://every-format/in"));
    remote.succeed(["run"]);

    for source in remote.json("run.json")["sources"].as_array().unwrap() {
        assert_eq!(source["rows"], 3, "{source}");
    }
    let extracts = |project: &Project| {
        let folder = project.last_run().join("extract");
        artefacts::files(&folder)
            .iter()
            .map(|file| {
                let name = file.strip_prefix(&folder).unwrap().to_owned();
                (name, artefacts::rows(file))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(extracts(&remote), extracts(&local));
    let loaded = "step4_load_receipt.json";
    assert_eq!(
        remote.json(loaded)["sha256"].as_str().map(str::len),
        Some(64)
    );
    assert_eq!(
        remote.sha256("totals.parquet"),
        local.sha256("totals.parquet")
    );
}

#[test]
fn a_listing_of_several_pages_is_read_to_its_end() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("several-pages");
    for number in 1..=50 {
        let order = format!("order_id,customer,amount\n{number},ada,1.00\n");
        bucket.put(&format!("50% of é/day {number}/orders.csv"), order);
        bucket.put(
            &format!("50% of é/day {number}/orders.txt"),
            "not asked for",
        );
    }
    let project = s3.serve(Project::orders());
    let address = "s3://several-pages/50%25 of é/day%20*/orders.csv";
    project.edit("dfpipe.yml", "data/*.csv", &format!("\"{address}\""));
    project.succeed(["run"]);
    assert_eq!(
        project.rows("totals.parquet")[0]["amount"].to_string(),
        "50.0"
    );
}

#[test]
fn a_bucket_that_is_not_there_is_named_as_the_cause() {
    let Some(s3) = S3::get() else { return };
    for name in ["*.csv", "orders.csv"] {
        let project = s3.serve(Project::orders());
        project.edit(
            "dfpipe.yml",
            "data/*.csv",
            &format!("s3://no-such-bucket/{name}"),
        );
        insta::allow_duplicates! {
            assert_snapshot!(project.run(["run"]).screen().replace(name, "[name]"), @"
            exit code: 3
            ----- stderr -----
            as of 2026-11-15 00:00 UTC: fixed by the profile `local`
            extract
            orders 2026-11-15 failed in extract
            Nothing was loaded: the destination is as it was before.
            What it has done is kept, with report.html, in [project]/.dfpipe/work/[run]
            Go on with: dfpipe run --resume [run]
            error: the files of `orders` cannot be listed: `s3://no-such-bucket/[name]`
            cause: NoSuchBucket: The specified bucket does not exist

            hint: look at the bucket's name: it is the first part of the address
            ");
        }
    }
}

#[test]
fn an_object_that_is_not_there_is_a_wrong_path() {
    let Some(s3) = S3::get() else { return };
    s3.bucket("without-orders");
    let project = s3.serve(Project::orders());
    project.edit("dfpipe.yml", "data/*.csv", "s3://without-orders/orders.csv");
    assert_snapshot!(project.run(["run"]).screen(), @"
    exit code: 2
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
    orders 2026-11-15 failed in extract
    Nothing was loaded: the destination is as it was before.
    What it has done is kept, with report.html, in [project]/.dfpipe/work/[run]
    Go on with: dfpipe run --resume [run]
    error: source `orders` has no files at `s3://without-orders/orders.csv`

    hint: look at `path` in dfpipe.yml; a relative path begins at the project
    ");
}

#[test]
fn keys_that_the_store_does_not_take_are_named_as_the_cause() {
    let Some(s3) = S3::that_knows_nobody() else {
        return;
    };
    let project = s3.serve(Project::orders());
    project.edit("dfpipe.yml", "data/*.csv", "s3://any-bucket/*.csv");
    assert_snapshot!(project.run(["run"]).screen(), @"
    exit code: 3
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
    orders 2026-11-15 failed in extract
    Nothing was loaded: the destination is as it was before.
    What it has done is kept, with report.html, in [project]/.dfpipe/work/[run]
    Go on with: dfpipe run --resume [run]
    error: the files of `orders` cannot be listed: `s3://any-bucket/*.csv`
    cause: InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records.

    hint: look at `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, and at what they are allowed to do
    ");
}

#[test]
fn a_store_that_cannot_be_reached_is_given_up_soon() {
    let began = Instant::now();
    let project = nowhere(Project::orders());
    project.edit("dfpipe.yml", "data/*.csv", "s3://any-bucket/*.csv");
    assert_snapshot!(project.run(["run"]).screen(), @"
    exit code: 3
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
    orders 2026-11-15 failed in extract
    Nothing was loaded: the destination is as it was before.
    What it has done is kept, with report.html, in [project]/.dfpipe/work/[run]
    Go on with: dfpipe run --resume [run]
    error: the files of `orders` cannot be listed: `s3://any-bucket/*.csv`
    cause: Connection refused, after 6 retries

    hint: is the store reachable from here? `AWS_ENDPOINT_URL` names one that is not Amazon's
    ");
    assert!(began.elapsed() < Duration::from_secs(40));
}

#[test]
fn an_endpoint_without_tls_has_to_be_allowed() {
    let project = nowhere(Project::orders()).with_variable("AWS_ALLOW_HTTP", "false");
    project.edit("dfpipe.yml", "data/*.csv", "s3://any-bucket/*.csv");
    assert_snapshot!(project.run(["run"]).screen(), @"
    exit code: 3
    ----- stderr -----
    as of 2026-11-15 00:00 UTC: fixed by the profile `local`
    extract
    orders 2026-11-15 failed in extract
    Nothing was loaded: the destination is as it was before.
    What it has done is kept, with report.html, in [project]/.dfpipe/work/[run]
    Go on with: dfpipe run --resume [run]
    error: the files of `orders` cannot be listed: `s3://any-bucket/*.csv`
    cause: URL scheme is not allowed

    hint: `AWS_ALLOW_HTTP=true` permits an endpoint without TLS
    ");
}

/// Three orders in every format, below the folder `data`.
fn project_of_every_way() -> Project {
    let lines: Vec<_> = ORDERS
        .map(|(number, customer, cents)| {
            let amount = format!("{}.{:02}", cents / 100, cents % 100);
            format!(r#"{{"order_id": {number}, "customer": "{customer}", "amount": {amount}}}"#)
        })
        .to_vec();
    let project = Project::orders();
    project.write("data/csv/orders.csv", project.read("data/orders.csv"));
    project.remove("data/orders.csv");
    project.write("data/ndjson/orders.ndjson", lines.join("\n"));
    project.write("data/packed/1.ndjson.gz", packed(&lines[0]));
    project.write("data/packed/2.ndjson.gz", packed(&lines[1..].join("\n")));
    let page = |lines: &[String]| format!(r#"{{"data": {{"orders": [{}]}}}}"#, lines.join(","));
    project.write("data/json/page-1.json", page(&lines[..2]));
    project.write("data/json/page-2.json", page(&lines[2..]));
    project.write("data/deep/orders.ndjson", &lines[0]);
    project.write("data/deep/a/b/orders.ndjson", lines[1..].join("\n"));
    project.write("data/deep/a/b/orders.txt", "not asked for");
    let columnar = project.path("data/parquet/orders.parquet");
    project.write("data/parquet/orders.parquet", "");
    write_parquet(&columnar, &ORDERS);
    project.edit("dfpipe.yml", &project.read("dfpipe.yml"), &configuration());
    project
}

fn configuration() -> String {
    let sources = WAYS.map(|(name, files, records)| {
        format!(
            "  {name}:
    key: order_id
    columns:
      order_id: {{type: integer, required: true}}
      customer: {{type: text}}
      amount:   {{type: \"decimal(18,2)\"}}
    from: {{kind: files, path: \"${{PLACE}}/{files}\"{records}}}
"
        )
    });
    let shipped = include_str!("support/orders.yml");
    let (head, rest) = shipped.split_once("  orders:\n").expect("it has a source");
    let (_, destination) = rest.split_once("\n\n").expect("a destination follows");
    format!("{head}{}\n{destination}", sources.concat())
}

fn packed(text: &str) -> Vec<u8> {
    let mut writer = GzEncoder::new(vec![], Compression::fast());
    writer
        .write_all(text.as_bytes())
        .expect("memory can be written");
    writer.finish().expect("memory can be written")
}

fn write_parquet(path: &Path, orders: &[(i64, &str, i128)]) -> FileFacts {
    let schema = Schema::new(vec![
        Field::new("order_id", DataType::Int64, false),
        Field::new("customer", DataType::Utf8, true),
        Field::new("amount", DataType::Decimal128(18, 2), true),
    ]);
    let amounts = Decimal128Array::from_iter_values(orders.iter().map(|order| order.2));
    let batch = RecordBatch::try_new(
        Arc::new(schema.clone()),
        vec![
            Arc::new(Int64Array::from_iter_values(
                orders.iter().map(|order| order.0),
            )),
            Arc::new(StringArray::from_iter_values(
                orders.iter().map(|order| order.1),
            )),
            Arc::new(amounts.with_precision_and_scale(18, 2).expect("they fit")),
        ],
    );
    let mut file = ParquetFile::create(path, &schema, &[]).expect("a file can be made");
    file.write(&batch.expect("the columns are those of the schema"))
        .expect("rows can be written");
    file.finish().expect("a file can be finished")
}

/// `project` with a store where nobody listens.
fn nowhere(project: Project) -> Project {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT", "http://127.0.0.1:1"),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    variables
        .into_iter()
        .fold(project, |project, (name, value)| {
            project.with_variable(name, value)
        })
}

#[test]
fn a_variable_that_is_no_text_is_nobody_s_business() {
    let Some(s3) = S3::get() else { return };
    let project = Project::orders();
    s3.bucket("no-text").put_files(&project.path("data"), "in");
    project.edit("dfpipe.yml", "data/*.csv", "s3://no-text/in/*.csv");
    let outcome = Command::new(env!("CARGO_BIN_EXE_dfpipe"))
        .args(["run", "--project"])
        .arg(project.folder())
        .envs(s3.variables())
        .env("DFPIPE_TEST_VARIABLE", OsStr::from_bytes(b"\xff"))
        .output()
        .unwrap();
    assert!(outcome.status.success(), "{outcome:?}");
}

// --- the warehouse ----------------------------------------------------------------------------------

#[test]
fn each_run_adds_a_load_to_a_bucket_and_the_latest_answers() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("two-runs");
    let project = s3.serve(Project::orders());
    project.edit(
        "dfpipe.yml",
        "  dataset: shop",
        "  path: s3://two-runs/warehouse\n  dataset: shop",
    );
    project.succeed(["run"]);
    let first = bucket.get("warehouse/shop/totals/run_date=2026-11-15/load-0001.parquet");

    project.write("data/more.csv", "order_id,customer,amount\n4,bob,93.00\n");
    project.succeed(["run"]);
    assert_snapshot!(bucket.keys().join("\n"), @"
    warehouse/shop/totals/run_date=2026-11-15/load-0001.parquet
    warehouse/shop/totals/run_date=2026-11-15/load-0002.parquet
    ");
    assert_eq!(
        bucket.get("warehouse/shop/totals/run_date=2026-11-15/load-0001.parquet"),
        first
    );

    let statement = "select customer, amount, load_number from warehouse.totals_latest order by 1";
    assert_snapshot!(project.succeed(["query", statement]).stdout, @"
    +----------+--------+-------------+
    | customer | amount | load_number |
    +----------+--------+-------------+
    | ada      |  13.00 |           2 |
    | bob      | 100.00 |           2 |
    +----------+--------+-------------+
    ");
    let count = |files: &str| {
        let statement =
            format!("select count(*) from 's3://two-runs/warehouse/shop/totals/{files}'");
        project.run(["query", "-o", "csv", &statement])
    };
    assert_eq!(
        count("run_date=2026-11-15/load-0001.parquet").stdout,
        "count(*)\n2\n"
    );
    assert_eq!(count("*/load-*.parquet").stdout, "count(*)\n4\n");
    let none = count("*/none-*.parquet");
    assert_eq!(none.code, Some(2), "{}", none.screen());
    assert!(
        none.stderr.contains("there is no file"),
        "{}",
        none.screen()
    );
    let receipt = project.json("step4_load_receipt.json");
    assert_snapshot!(receipt["load_id"], @r#""s3://two-runs/warehouse/shop/totals/run_date=2026-11-15/load-0002.parquet""#);
}

#[test]
fn a_number_that_another_run_took_meanwhile_is_refused_and_nothing_is_overwritten() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("taken");
    let [ours, theirs] = ["ours", "theirs"].map(|run| Loader::new(&bucket, run, &ORDERS));
    assert!(ours.loads().is_empty());
    theirs.commit().unwrap();
    let before = bucket.get(FIRST_LOAD);

    let error = ours.commit().unwrap_err();
    assert_eq!(error.kind(), Kind::Outside);
    assert_snapshot!(error, @"load 1 of 2026-11-15 was taken by the run `theirs` in the meantime");
    assert_eq!(bucket.keys(), [FIRST_LOAD]);
    assert_eq!(bucket.get(FIRST_LOAD), before);
}

#[test]
fn a_load_that_is_committed_again_is_found_and_not_loaded_twice() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("twice");
    let loader = Loader::new(&bucket, "ours", &ORDERS);
    let first = loader.commit().unwrap();
    let second = loader.commit().unwrap();
    assert_eq!((first.adopted, second.adopted), (Some(false), Some(true)));
    assert_eq!(first.sha256, second.sha256);
    assert_eq!(bucket.keys(), [FIRST_LOAD]);
}

#[test]
fn a_crash_before_the_commit_leaves_no_load() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("crashed");
    let crashed = Loader::new(&bucket, "crashed", &ORDERS);
    let staged = "warehouse/shop/totals/.staging/crashed.parquet";
    bucket.put(staged, fs_err::read(&crashed.staged().0).unwrap());
    assert!(crashed.loads().is_empty());
    assert!(bucket.wait(crashed.sink.latest()).unwrap().is_empty());

    let next = Loader::new(&bucket, "next", &ORDERS);
    assert_eq!(next.commit().unwrap().adopted, Some(false));
    assert_eq!(next.loads().len(), 1);
    assert_eq!(bucket.keys(), [staged, FIRST_LOAD]);
}

#[test]
fn a_load_of_many_parts_arrives_whole() {
    let Some(s3) = S3::get() else { return };
    let bucket = s3.bucket("many-parts");
    let customers: Vec<_> = (0..20_000).map(noise).collect();
    let orders = customers.iter().map(|customer| (1, customer.as_str(), 100));
    let loader = Loader::new(&bucket, "large", &orders.collect::<Vec<_>>());
    let receipt = loader.commit().unwrap();
    assert!(
        receipt.bytes > 8 * 1024 * 1024,
        "{} bytes are one part",
        receipt.bytes
    );
    assert_eq!(receipt.verified_rows, Some(20_000));
    assert_eq!(bucket.keys(), [FIRST_LOAD]);
}

const FIRST_LOAD: &str = "warehouse/shop/totals/run_date=2026-11-15/load-0001.parquet";

/// A run that has reached its load.
struct Loader<'a> {
    bucket: &'a Bucket,
    sink: Warehouse,
    load: Load,
    folder: tempfile::TempDir,
}

impl<'a> Loader<'a> {
    fn new(bucket: &'a Bucket, run_id: &str, orders: &[(i64, &str, i128)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let file = folder.path().join("totals.parquet");
        let facts = write_parquet(&file, orders);
        let root = bucket.root().join(&["warehouse"]);
        Self {
            bucket,
            sink: Warehouse::below(&root, "shop", "totals"),
            load: Load {
                run_id: run_id.to_owned(),
                run_timestamp: DateTime::UNIX_EPOCH,
                run_date: NaiveDate::from_ymd_opt(2026, 11, 15).expect("a date"),
                load_number: 1,
                source_version: "test".to_owned(),
                file,
                key: vec![],
                rows: facts.rows,
            },
            folder,
        }
    }

    fn loads(&self) -> Vec<dfpipe::sinks::Loaded> {
        let loads = self.sink.loads(self.load.run_date);
        self.bucket.wait(loads).expect("loads can be listed")
    }

    fn staged(&self) -> (PathBuf, FileFacts) {
        let staging = self.sink.stage(&self.load, self.folder.path());
        self.bucket.wait(staging).expect("a load can be staged")
    }

    fn commit(&self) -> dfpipe::error::Result<Receipt> {
        let (path, facts) = self.staged();
        self.bucket
            .wait(self.sink.commit(&self.load, &path, &facts, &Unkept))
    }
}

/// A ledger for a sink that needs none.
struct Unkept;

impl Ledger for Unkept {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::UNIX_EPOCH
    }

    fn earlier(&self) -> &[Note] {
        &[]
    }

    fn note(&self, note: Note) -> dfpipe::error::Result<()> {
        panic!("files need no ledger: {note:?}")
    }

    fn draft(&self, _: &Receipt) -> dfpipe::error::Result<()> {
        Ok(())
    }

    fn tell(&self, _: Stage) {}
}

/// A text that cannot be packed much: it looks like chance and is not.
fn noise(seed: u64) -> String {
    let mut state = seed.wrapping_add(1);
    let mut letters = || {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(seed);
        format!("{:016x}", state ^ (state >> 29))
    };
    (0..64).map(|_| letters()).collect()
}

// --- names ------------------------------------------------------------------------------------------

#[test]
fn a_project_may_lie_in_a_folder_of_any_name() {
    let project = Project::orders();
    project.write(
        "data/été 50% [a].csv",
        "order_id,customer,amount\n4,bob,93.00\n",
    );
    for name in [
        "with space",
        "100% é",
        "[a]",
        "a*b",
        "who?",
        "#1",
        "%41",
        "a=b",
        "~",
    ] {
        let folder = project.surroundings().join(name);
        fs_err::rename(project.folder(), &folder).unwrap();
        fs_err::create_dir(project.folder()).unwrap();
        let address = folder.to_str().unwrap();
        project.succeed(["run", "--project", address]);
        let count = "select count(*) as loads, sum(amount) as amount from warehouse.totals_latest";
        let asked = project.succeed(["query", "--project", address, "-o", "csv", count]);
        assert_eq!(asked.stdout, "loads,amount\n2,113.00\n", "in `{name}`");
        fs_err::remove_dir(project.folder()).unwrap();
        fs_err::rename(&folder, project.folder()).unwrap();
    }
    let runs = project.archived().len();
    let last = project.json("step4_load_receipt.json");
    assert_eq!(last["load_number"], runs);
}
