//! Customers and events as Parquet files.

use std::{ops::Range, path::Path, sync::Arc};

use arrow::{
    array::{
        ArrayRef, Date32Builder, Decimal128Builder, Int64Builder, RecordBatch, StringBuilder,
        StructArray, TimestampMicrosecondBuilder,
    },
    datatypes::{DataType, Field, Fields, Schema, TimeUnit},
};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use crate::{Result, customer::Customers, event::Events};

/// Rows that are held as columns before they are written.
const BATCH: u64 = 16_384;

/// Writes the customers of some places into a file.
pub fn customers(path: &Path, customers: Customers, places: Range<u64>) -> Result<()> {
    write(path, places, |places| customer_rows(customers, places))
}

/// Writes the events of some places into a file.
pub fn events(path: &Path, events: Events, places: Range<u64>) -> Result<()> {
    write(path, places, |places| event_rows(events, places))
}

fn write(
    path: &Path,
    places: Range<u64>,
    rows: impl Fn(Range<u64>) -> Result<RecordBatch>,
) -> Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .build();
    let schema = rows(0..0)?.schema();
    let file = fs_err::File::create(path)?;
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties))?;
    let mut begin = places.start;
    while begin < places.end {
        let end = (begin + BATCH).min(places.end);
        writer.write(&rows(begin..end)?)?;
        begin = end;
    }
    writer.close()?;
    Ok(())
}

fn customer_rows(customers: Customers, places: Range<u64>) -> Result<RecordBatch> {
    let mut customer_id = StringBuilder::new();
    let mut email = StringBuilder::new();
    let mut signup_date = Date32Builder::new();
    let mut last_activity_date = Date32Builder::new();
    let mut subscription_tier = StringBuilder::new();
    let mut lifetime_value = money();
    let mut support_tickets = Int64Builder::new();
    let mut updated_at = times();
    for place in places {
        let made = customers.record(place);
        customer_id.append_value(made.customer_id);
        email.append_option(made.email);
        signup_date.append_option(made.signup_date);
        last_activity_date.append_option(made.last_activity_date);
        subscription_tier.append_option(made.subscription_tier);
        lifetime_value.append_option(made.lifetime_value.map(i128::from));
        support_tickets.append_option(made.support_tickets);
        updated_at.append_value(made.updated_at);
    }
    table([
        ("customer_id", Arc::new(customer_id.finish())),
        ("email", Arc::new(email.finish())),
        ("signup_date", Arc::new(signup_date.finish())),
        ("last_activity_date", Arc::new(last_activity_date.finish())),
        ("subscription_tier", Arc::new(subscription_tier.finish())),
        ("lifetime_value", Arc::new(lifetime_value.finish())),
        ("support_tickets", Arc::new(support_tickets.finish())),
        ("updated_at", Arc::new(updated_at.finish())),
    ])
}

fn event_rows(events: Events, places: Range<u64>) -> Result<RecordBatch> {
    let mut event_id = StringBuilder::new();
    let mut customer_id = StringBuilder::new();
    let mut event_type = StringBuilder::new();
    let mut occurred_at = times();
    let mut email = StringBuilder::new();
    let mut feature = StringBuilder::new();
    let mut amount = money();
    let mut currency = StringBuilder::new();
    let mut page = StringBuilder::new();
    for place in places {
        let made = events.event(place);
        event_id.append_value(made.event_id());
        customer_id.append_value(made.customer_id());
        event_type.append_value(made.event_type);
        occurred_at.append_value(made.occurred_at);
        email.append_option(made.email);
        feature.append_option(made.feature);
        amount.append_option(made.amount.map(i128::from));
        currency.append_option(made.currency);
        page.append_option(made.page);
    }
    let properties: [(&str, ArrayRef); 4] = [
        ("feature", Arc::new(feature.finish())),
        ("amount", Arc::new(amount.finish())),
        ("currency", Arc::new(currency.finish())),
        ("page", Arc::new(page.finish())),
    ];
    let (names, columns): (Vec<_>, Vec<_>) = properties.into_iter().unzip();
    let properties = StructArray::try_new(fields(&names, &columns), columns, None)?;
    table([
        ("event_id", Arc::new(event_id.finish())),
        ("customer_id", Arc::new(customer_id.finish())),
        ("event_type", Arc::new(event_type.finish())),
        ("occurred_at", Arc::new(occurred_at.finish())),
        ("email", Arc::new(email.finish())),
        ("properties", Arc::new(properties)),
    ])
}

fn table<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch> {
    let (names, columns): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let schema = Schema::new(fields(&names, &columns));
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

fn fields(names: &[&str], columns: &[ArrayRef]) -> Fields {
    let fields = names.iter().zip(columns);
    let fields = fields.map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
    fields.collect()
}

fn money() -> Decimal128Builder {
    Decimal128Builder::new().with_data_type(DataType::Decimal128(18, 2))
}

fn times() -> TimestampMicrosecondBuilder {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    TimestampMicrosecondBuilder::new().with_data_type(utc)
}
