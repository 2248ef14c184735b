//! Records in, batches out; what does not fit goes to the log of refusals.

use std::{ops::Range, sync::Arc};

use datafusion::arrow::{
    array::{ArrayRef, Int32Builder, Int64Builder, RecordBatch, RecordBatchOptions},
    datatypes::SchemaRef,
    error::ArrowError,
};
use serde_json::value::RawValue;

use super::{
    avro::Schema,
    columns::ColumnBuilder,
    envelope::Envelope,
    refused::{DeadLetter, RefusedLog, Reject},
    slots::PathTree,
    value::{Slot, Value, read},
};
use crate::{
    config::{Column, ColumnType, Source},
    error::{Error, Result},
    sources::{Privacy, source_schema},
};

/// Rows of a full batch.
const BATCH: usize = 8192;

/// Longest piece of a refused value that a message quotes.
const QUOTED: usize = 80;

/// Where a record came from.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// Page, file or partition: the column `_part`.
    pub part: i32,
    /// Record, line or offset: the column `_position`.
    pub position: i64,
    /// The part in words, such as `page 3`.
    pub within: &'a str,
    /// What a position is: `record`, `line` or `offset`.
    pub unit: &'static str,
}

impl Origin<'_> {
    fn place(&self) -> String {
        format!("{}, {} {}", self.within, self.unit, self.position)
    }
}

/// Decodes the records of one partition of a source.
#[derive(Debug)]
pub struct Decoder {
    columns: Vec<Column>,
    key: Option<usize>,
    /// Columns that are read: the projected and the required ones.
    wanted: Vec<usize>,
    /// Indices into the source's schema, in the order of the output.
    projection: Vec<usize>,
    schema: SchemaRef,
    tree: PathTree,
    builders: Vec<ColumnBuilder>,
    parts: Int32Builder,
    positions: Int64Builder,
    rows: usize,
    decoded: usize,
    /// How often each column's field was not there, in records that became rows.
    missing: Vec<u64>,
    privacy: Privacy,
    log: Arc<RefusedLog>,
}

/// Why a record is refused.
struct Fault {
    reason: &'static str,
    detail: String,
}

impl Decoder {
    /// A decoder of `source` that gives the columns `projection` of its schema.
    pub fn new(
        source: &Source,
        projection: &[usize],
        privacy: &Privacy,
        log: Arc<RefusedLog>,
    ) -> Result<Self, ArrowError> {
        let columns = source.columns.clone();
        let is_wanted = |index: &usize| projection.contains(index) || columns[*index].required;
        let wanted: Vec<_> = (0..columns.len()).filter(is_wanted).collect();
        let key = source.key.as_ref();
        let key = key.and_then(|key| columns.iter().position(|column| column.name == *key));
        // A refused record is kept with its key and without what is personal, whatever is projected.
        let is_found = |index: &usize| {
            wanted.contains(index) || key == Some(*index) || columns[*index].mask().is_some()
        };
        let is_in_payload = |index: &usize| columns[*index].from.is_none();
        let found = (0..columns.len()).filter(is_found).filter(is_in_payload);
        let paths = found.map(|index| (index, &*columns[index].path));
        Ok(Self {
            tree: PathTree::new(paths),
            builders: columns
                .iter()
                .map(|column| ColumnBuilder::new(column.kind))
                .collect::<Result<_, _>>()?,
            schema: Arc::new(source_schema(source).project(projection)?),
            projection: projection.to_vec(),
            parts: Int32Builder::new(),
            positions: Int64Builder::new(),
            rows: 0,
            decoded: 0,
            missing: vec![0; columns.len()],
            privacy: privacy.clone(),
            columns,
            key,
            wanted,
            log,
        })
    }

    /// The schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Whether the batch is large enough to be taken.
    pub fn is_full(&self) -> bool {
        self.rows >= BATCH
    }

    /// How many rows this decoder has made in all.
    pub fn decoded(&self) -> usize {
        self.decoded
    }

    /// How often fields were not there in JSON records that became rows, by the names of their columns, since this
    /// was asked last. A field that is null is there.
    pub fn take_missing(&mut self) -> Vec<(String, u64)> {
        let columns = self.columns.iter().zip(&mut self.missing);
        let missing = columns.map(|(column, count)| (column.name.clone(), std::mem::take(count)));
        missing.filter(|(_, count)| *count > 0).collect()
    }

    /// Decodes one JSON record. An error means that a refusal could not be kept.
    pub fn json(&mut self, record: &[u8], origin: Origin<'_>) -> Result<()> {
        self.message(record, origin, Envelope::default())
    }

    /// Decodes one JSON record that came in a message.
    pub fn message(
        &mut self,
        record: &[u8],
        origin: Origin<'_>,
        envelope: Envelope<'_>,
    ) -> Result<()> {
        let text = match std::str::from_utf8(record) {
            Ok(text) => text.trim(),
            Err(error) => return self.bury_message(record, &error, origin, envelope),
        };
        let mut slots = self.slots_of(envelope);
        let filled = self.tree.visit(text, &mut |column, raw| {
            slots[column] = Some(Slot::Json(raw));
        });
        if let Err(error) = filled {
            return match serde_json::from_str::<&RawValue>(text) {
                Ok(_) => self.reject_json(text, &slots, &not_an_object(), origin),
                Err(_) => self.bury_message(record, &error, origin, envelope),
            };
        }
        match self.row(&slots, origin) {
            Ok(()) => Ok(()),
            Err(fault) => self.reject_json(text, &slots, &fault, origin),
        }
    }

    /// Decodes one Avro record, written under `schema`, of the message `whole`.
    pub fn avro(
        &mut self,
        schema: &Schema,
        record: &[u8],
        whole: &[u8],
        origin: Origin<'_>,
        envelope: Envelope<'_>,
    ) -> Result<()> {
        let mut slots = self.slots_of(envelope);
        let visited = schema.visit(&self.tree, record, &mut |column, typed| {
            slots[column] = Some(Slot::Typed(typed));
        });
        if let Err(error) = visited {
            return self.bury_message(whole, &error, origin, envelope);
        }
        let Err(fault) = self.row(&slots, origin) else {
            return Ok(());
        };
        match schema.json(record) {
            Ok(json) => self.reject_json(&json.to_string(), &slots, &fault, origin),
            Err(error) => self.bury_message(whole, &error, origin, envelope),
        }
    }

    /// Appends a row of what was found, if it has the declared shape.
    fn row(&mut self, slots: &[Option<Slot<'_>>], origin: Origin<'_>) -> Result<(), Fault> {
        let values = self.values(&|column| slots[column])?;
        let lacking = self
            .wanted
            .iter()
            .filter(|column| slots[**column].is_none());
        for column in lacking {
            self.missing[*column] += 1;
        }
        self.append(&values, origin);
        Ok(())
    }

    /// A slot for each column, filled with what stands around the payload.
    fn slots_of<'a>(&self, envelope: Envelope<'a>) -> Vec<Option<Slot<'a>>> {
        let parts = self.columns.iter().map(|column| column.from.as_ref());
        parts
            .map(|part| part.and_then(|part| envelope.slot(part)))
            .collect()
    }

    /// Decodes one record of a text format: the field of each column, in order of the columns.
    pub fn fields(&mut self, fields: &[Option<&str>], origin: Origin<'_>) -> Result<()> {
        let slot = |column: usize| fields.get(column).copied().flatten().map(Slot::Text);
        match self.values(&slot) {
            Ok(values) => {
                self.append(&values, origin);
                Ok(())
            }
            Err(fault) => {
                let record = self.fields_as_json(fields);
                let key = self.key.and_then(|key| fields.get(key).copied().flatten());
                let key = key.and_then(|key| self.key_text(key));
                self.reject(&fault, record, key, origin)
            }
        }
    }

    /// Keeps bytes that are no record.
    pub fn bury(
        &mut self,
        payload: &[u8],
        error: &dyn std::fmt::Display,
        origin: Origin<'_>,
    ) -> Result<()> {
        self.bury_message(payload, error, origin, Envelope::default())
    }

    /// Keeps a message that holds no record.
    pub fn bury_message(
        &mut self,
        payload: &[u8],
        error: &dyn std::fmt::Display,
        origin: Origin<'_>,
        envelope: Envelope<'_>,
    ) -> Result<()> {
        self.log.dead_letter(DeadLetter {
            error: self.privacy.mask(&error.to_string()).into_owned(),
            part: origin.part,
            position: origin.position,
            place: origin.place(),
            topic: envelope.topic.map(str::to_owned),
            received_at: envelope.received_at(),
            key: envelope.kept_key(&self.columns, &self.privacy),
            headers: envelope.kept_headers(&self.columns, &self.privacy),
            payload: self.privacy.mask_bytes(payload).into_owned(),
        })
    }

    /// The rows so far, or nothing if there are none.
    pub fn flush(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.rows == 0 {
            return Ok(None);
        }
        let declared = self.columns.len();
        let parts: ArrayRef = Arc::new(self.parts.finish());
        let positions: ArrayRef = Arc::new(self.positions.finish());
        let columns = self
            .projection
            .iter()
            .map(|index| match index.checked_sub(declared) {
                None => self.builders[*index].finish(),
                Some(0) => Arc::clone(&parts),
                Some(_) => Arc::clone(&positions),
            });
        let columns: Vec<_> = columns.collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.log.add_rows(std::mem::take(&mut self.rows));
        RecordBatch::try_new_with_options(self.schema(), columns, &options).map(Some)
    }

    /// The value of every wanted column, in their order.
    fn values<'a>(
        &self,
        slot: &dyn Fn(usize) -> Option<Slot<'a>>,
    ) -> Result<Vec<Value<'a>>, Fault> {
        self.wanted
            .iter()
            .map(|index| self.value(&self.columns[*index], slot(*index)))
            .collect()
    }

    fn value<'a>(&self, column: &Column, slot: Option<Slot<'a>>) -> Result<Value<'a>, Fault> {
        let value = match slot {
            Some(slot) => read(slot, column.kind).ok_or_else(|| self.wrong_type(column, slot))?,
            None => Value::Null,
        };
        let value = self.privacy.protect(value, column);
        let missing = match &value {
            Value::Null => true,
            Value::Text(text) => text.trim().is_empty(),
            _ => false,
        };
        if missing && column.required {
            let detail = format!("`{}` is missing", column.place());
            return Err(Fault {
                reason: "missing_field",
                detail,
            });
        }
        Ok(value)
    }

    fn wrong_type(&self, column: &Column, slot: Slot<'_>) -> Fault {
        let path = column.place();
        let kind = column.kind.name();
        let detail = if column.mask().is_some() {
            format!("`{path}` is not of type {kind}")
        } else {
            let found = slot.shown();
            let found: String = self.privacy.mask(&found).chars().take(QUOTED).collect();
            format!("`{path}` is not of type {kind}: {found}")
        };
        Fault {
            reason: "wrong_type",
            detail,
        }
    }

    fn append(&mut self, values: &[Value<'_>], origin: Origin<'_>) {
        for (index, value) in self.wanted.iter().zip(values) {
            // Columns that are read only to be required are not built.
            if self.projection.contains(index) {
                self.builders[*index].push(value);
            }
        }
        self.parts.append_value(origin.part);
        self.positions.append_value(origin.position);
        self.rows += 1;
        self.decoded += 1;
        self.log.meter().add(1);
    }

    fn reject_json(
        &self,
        json: &str,
        slots: &[Option<Slot<'_>>],
        fault: &Fault,
        origin: Origin<'_>,
    ) -> Result<()> {
        let mut record = String::with_capacity(json.len());
        let mut shown = 0;
        for (range, mask) in self.personal(json) {
            if range.start >= shown {
                record.push_str(&json[shown..range.start]);
                record.push('"');
                record.push_str(mask);
                record.push('"');
            }
            shown = shown.max(range.end);
        }
        record.push_str(&json[shown..]);
        let record = self.privacy.mask(&record).into_owned();
        self.reject(fault, record, self.record_key(slots), origin)
    }

    /// The value of the key column, if it is text.
    fn record_key(&self, slots: &[Option<Slot<'_>>]) -> Option<String> {
        match read(slots[self.key?]?, ColumnType::Text)? {
            Value::Text(text) => self.key_text(&text),
            _ => None,
        }
    }

    /// Where the declared personal data stand in `json`, from the front, and what to put there: each
    /// of them, if a key is there twice.
    fn personal(&self, json: &str) -> Vec<(Range<usize>, &'static str)> {
        let mut ranges = vec![];
        // What is no object ends the search; what was found before it still counts.
        let _ = self.tree.visit(json, &mut |column, raw| {
            if let Some(mask) = self.columns[column].mask() {
                ranges.extend(range_in(json, raw.get()).map(|range| (range, mask)));
            }
        });
        ranges.sort_by_key(|(range, _)| (range.start, range.end));
        ranges
    }

    /// The value of the key column as it may be shown.
    fn key_text(&self, text: &str) -> Option<String> {
        let column = &self.columns[self.key?];
        // Rejects leave the run: a name or a phone number does not name a record there.
        if column.personal.is_some() {
            return None;
        }
        match self.privacy.protect(Value::Text(text.into()), column) {
            Value::Text(text) => Some(text.into_owned()).filter(|text| !text.trim().is_empty()),
            _ => None,
        }
    }

    fn fields_as_json(&self, fields: &[Option<&str>]) -> String {
        let shown = self.columns.iter().zip(fields).map(|(column, field)| {
            let value = match (field, column.mask()) {
                (Some(_), Some(mask)) => mask.into(),
                (Some(text), None) => {
                    serde_json::Value::String(self.privacy.mask(text).into_owned())
                }
                (None, _) => serde_json::Value::Null,
            };
            (column.path.join("."), value)
        });
        serde_json::Value::Object(shown.collect()).to_string()
    }

    fn reject(
        &self,
        fault: &Fault,
        record: String,
        record_key: Option<String>,
        origin: Origin<'_>,
    ) -> Result<()> {
        self.log.reject(Reject {
            reason: fault.reason.into(),
            detail: fault.detail.clone(),
            part: origin.part,
            position: origin.position,
            place: origin.place(),
            record_key,
            record,
        })
    }
}

fn not_an_object() -> Fault {
    Fault {
        reason: "wrong_type",
        detail: "the record is not an object".to_owned(),
    }
}

/// Where `part`, a slice of `whole`, stands in it.
fn range_in(whole: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    (start + part.len() <= whole.len()).then(|| start..start + part.len())
}

/// What a failed [`Decoder::flush`] means.
pub fn broken_batch(error: &ArrowError) -> Error {
    Error::bug("decoded columns do not fit together").because(error)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{decoder, origin, source};

    #[test]
    fn no_occurrence_of_a_declared_address_is_shown() {
        for (record, expected) in [
            (
                r#"{"email":"Jane Doe","email":"b","n":"x"}"#,
                r#"{"email":"[email]","email":"[email]","n":"x"}"#,
            ),
            (
                r#"{"email":{"address":"Jane","name":"Doe"},"n":"x"}"#,
                r#"{"email":"[email]","n":"x"}"#,
            ),
            (
                r#"{"email":{"address":"Jane"},"email":{"name":"Doe"},"n":1}"#,
                r#"{"email":"[email]","email":"[email]","n":1}"#,
            ),
        ] {
            let (mut decoder, log) = decoder(&source("n"));
            decoder.json(record.as_bytes(), origin()).unwrap();
            assert_eq!(log.held().0[0].record, expected);
        }
    }

    #[test]
    fn a_key_that_is_an_address_is_kept_as_its_hash() {
        let (mut decoder, log) = decoder(&source("email"));
        decoder
            .json(br#"{"email":"Jane Doe","n":"x"}"#, origin())
            .unwrap();
        let fields = [Some("Jane Doe"), None, Some("x")];
        decoder.fields(&fields, origin()).unwrap();
        let (rejects, _) = log.held();
        assert_eq!(rejects.len(), 2);
        for reject in rejects {
            let key = reject.record_key.unwrap();
            let is_hash = key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_hash, "{key}");
        }
    }
}
