//! What writing a table file costs per row: `make bench-parquet`.
//!
//! Beside it stands the library's writer alone, with the same settings: the rest is regrouping and the hash.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "made-up numbers are small, or of any value"
)]

use std::{hint::black_box, sync::Arc};

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dfpipe::table_file::ParquetFile;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

/// Rows of a batch, as queries give them.
const ROWS: usize = 8192;

/// Batches of a file: one group of rows.
const BATCHES: usize = 32;

fn writing(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("dfpipe-bench-{}", std::process::id()));
    fs_err::create_dir_all(&folder).expect("the system's folder takes files");
    let batches: Vec<_> = (0..BATCHES).map(batch).collect();
    let mut group = criterion.benchmark_group("parquet");
    group.sample_size(20);
    group.throughput(Throughput::Elements((ROWS * BATCHES) as u64));
    group.bench_function("table file", |bencher| {
        bencher.iter(|| black_box(table_file(&folder.join("ours.parquet"), &batches)));
    });
    group.bench_function("the library's writer alone", |bencher| {
        bencher.iter(|| alone(&folder.join("theirs.parquet"), &batches));
    });
    group.finish();
    fs_err::remove_dir_all(&folder).expect("the folder is ours");
}

fn table_file(path: &std::path::Path, batches: &[RecordBatch]) -> u64 {
    let mut file = ParquetFile::create(path, &batches[0].schema(), &[]).expect("it is created");
    for batch in batches {
        file.write(batch).expect("it is written");
    }
    file.finish().expect("it is finished").bytes
}

fn alone(path: &std::path::Path, batches: &[RecordBatch]) {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let file = fs_err::File::create(path).expect("it is created");
    let writer = ArrowWriter::try_new(file, batches[0].schema(), Some(properties));
    let mut writer = writer.expect("it begins");
    for batch in batches {
        writer.write(batch).expect("it is written");
    }
    writer.close().expect("it is finished");
}

/// Made-up rows like those of the loaded table: a key, words, numbers, money, times, flags.
fn batch(number: usize) -> RecordBatch {
    let rows = || (number * ROWS..(number + 1) * ROWS).map(|row| row as i64);
    let text = |text: &dyn Fn(i64) -> String| {
        Arc::new(rows().map(|row| Some(text(row))).collect::<StringArray>()) as ArrayRef
    };
    let mixed = |row: i64| row.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64);
    let money = rows().map(|row| i128::from(mixed(row) % 90_000));
    let money = Decimal128Array::from_iter_values(money).with_precision_and_scale(18, 2);
    RecordBatch::try_from_iter([
        ("customer_id", text(&|row| format!("CUS-{row:08}"))),
        ("email_hash", text(&|row| format!("{:064x}", mixed(row)))),
        (
            "tier",
            text(&|row| {
                ["free", "basic", "premium"][(mixed(row) % 3).unsigned_abs() as usize].to_owned()
            }),
        ),
        (
            "events",
            Arc::new(rows().map(|row| mixed(row) % 500).collect::<Int64Array>()),
        ),
        ("amount", Arc::new(money.expect("it fits"))),
        (
            "score",
            Arc::new(
                rows()
                    .map(|row| (mixed(row) % 1_000_000) as f64 / 1e4)
                    .collect::<Float64Array>(),
            ),
        ),
        (
            "seen",
            Arc::new(Date32Array::from_iter_values(
                rows().map(|row| (mixed(row) % 9000) as i32),
            )),
        ),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from_iter_values(
                rows().map(|row| mixed(row) % 604_800_000),
            )),
        ),
        (
            "flag",
            Arc::new(
                rows()
                    .map(|row| Some(mixed(row) % 2 == 0))
                    .collect::<BooleanArray>(),
            ),
        ),
    ])
    .expect("columns of one length")
}

criterion_group!(benches, writing);
criterion_main!(benches);
