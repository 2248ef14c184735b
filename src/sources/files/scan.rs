//! Reads the files of one partition, one after the other, by their format.

use std::{
    error::Error as StdError,
    io::{BufRead, Read},
    sync::Arc,
};

use datafusion::parquet::arrow::ParquetRecordBatchStreamBuilder;
use futures::StreamExt;
use tokio::runtime::Handle;

use super::{
    csv_text::{Quotes, joined, places},
    input::{open, unreadable},
    list::FilePart,
    object::ParquetObject,
};
use crate::{
    config::{FileFormat, Files, Source},
    error::{Error, Result},
    sources::{
        Privacy, ReadRange, Scan, partition,
        partition::Output,
        record::{Decoder, Document, Origin, ParquetDecoder, broken_batch},
    },
};

/// Longest line that is read as a record.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// Reads some files of a source.
#[derive(Debug)]
pub struct Reader {
    pub files: Vec<FilePart>,
    pub settings: Files,
    pub scan: Scan,
}

impl partition::Read for Reader {
    fn read(&self, output: &Output) -> Result<()> {
        for file in &self.files {
            let keep_on = match self.settings.format {
                FileFormat::Parquet => self.parquet(file, output)?,
                format => self.records(file, format, output)?,
            };
            if !keep_on {
                break;
            }
        }
        Ok(())
    }
}

impl Reader {
    /// Formats that are read record by record.
    fn records(&self, file: &FilePart, format: FileFormat, output: &Output) -> Result<bool> {
        let scan = &self.scan;
        let decoder = Decoder::new(
            &scan.source,
            &scan.projection,
            &scan.privacy,
            Arc::clone(&scan.log),
        );
        let decoder = decoder.map_err(|error| broken_batch(&error))?;
        let name = file.location.path.filename().unwrap_or_default().to_owned();
        let mut sheet = Sheet {
            file,
            name,
            decoder,
            output,
            limit: scan.limit,
            privacy: &scan.privacy,
            read: None,
        };
        let input = open(&file.location)?;
        let keep_on = match format {
            FileFormat::Json => sheet.document(input, &self.settings.records)?,
            FileFormat::Csv => sheet.csv(input, &scan.source)?,
            FileFormat::Ndjson | FileFormat::Parquet => sheet.lines(input)?,
        };
        self.note(file, sheet.read);
        Ok(keep_on && sheet.flush()?)
    }

    fn parquet(&self, file: &FilePart, output: &Output) -> Result<bool> {
        let scan = &self.scan;
        let wrong = |error: &(dyn StdError + 'static)| unreadable(&file.location, error);
        let name = file.location.path.filename().unwrap_or_default();
        let mut decoder = ParquetDecoder::new(scan, file.part, name);
        let reading = async {
            let object = ParquetObject::open(&file.location).await?;
            let builder = ParquetRecordBatchStreamBuilder::new(object).await;
            let builder = builder.map_err(|error| wrong(&error))?;
            let mask = decoder.mask(builder.parquet_schema());
            builder
                .with_projection(mask)
                .build()
                .map_err(|error| wrong(&error))
        };
        let mut batches = Handle::current().block_on(reading)?;
        while let Some(batch) = Handle::current().block_on(batches.next()) {
            let batch = decoder.decode(&batch.map_err(|error| wrong(&error))?)?;
            self.note(file, decoder.read());
            if !output.send(batch) {
                return Ok(false);
            }
        }
        self.note(file, decoder.read());
        Ok(true)
    }

    /// Says which of a file's records were read: the places of the first and of the last.
    fn note(&self, file: &FilePart, read: Option<(i64, i64)>) {
        let range = ReadRange {
            part: file.name.clone(),
            first: read.map(|(first, _)| first),
            end: read.map(|(_, last)| last.saturating_add(1)),
            ..ReadRange::default()
        };
        self.scan.log.meter().note(file.part, range);
    }
}

/// One file that is being decoded.
struct Sheet<'a> {
    file: &'a FilePart,
    name: String,
    decoder: Decoder,
    output: &'a Output,
    /// Rows that are enough, if not all.
    limit: Option<usize>,
    privacy: &'a Privacy,
    /// The places of the first and of the last record so far.
    read: Option<(i64, i64)>,
}

impl Sheet<'_> {
    fn lines(&mut self, mut input: Box<dyn BufRead>) -> Result<bool> {
        let mut line = vec![];
        for position in 1.. {
            line.clear();
            let length = (&mut input)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)
                .map_err(|error| unreadable(&self.file.location, &error))?;
            if length == 0 {
                break;
            }
            let origin = origin(self.file, &self.name, position, "line");
            if length as u64 == LONGEST_LINE && line.last() != Some(&b'\n') {
                self.decoder
                    .bury(&line[..1024], &"the line is longer than 64 MiB", origin)?;
                skip_line(&mut input).map_err(|error| unreadable(&self.file.location, &error))?;
            } else if !line.trim_ascii().is_empty() {
                self.decoder.json(&line, origin)?;
            }
            if !self.advance(position)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn document(&mut self, mut input: Box<dyn BufRead>, records: &[String]) -> Result<bool> {
        let mut text = String::new();
        input
            .read_to_string(&mut text)
            .map_err(|error| unreadable(&self.file.location, &error))?;
        let document = Document::parse(&text, records).map_err(|error| {
            let place = if records.is_empty() {
                "the top".into()
            } else {
                records.join(".")
            };
            Error::outside(format!(
                "`{}` is not the JSON it should be",
                self.file.location.display()
            ))
            .because(self.privacy.mask(&error.to_string()))
            .with_hint(format!("a list of records is expected at `{place}`"))
        })?;
        for (position, record) in (1..).zip(document.records) {
            let origin = origin(self.file, &self.name, position, "record");
            self.decoder.json(record.get().as_bytes(), origin)?;
            if !self.advance(position)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn csv(&mut self, input: Box<dyn BufRead>, source: &Source) -> Result<bool> {
        let input = Quotes::new(input);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
        let wrong = |error: &(dyn StdError + 'static)| unreadable(&self.file.location, error);
        let header = reader.headers().map_err(|error| wrong(&error))?.clone();
        // An empty file has no rows, and so none that lack a column.
        if header.is_empty() {
            return Ok(true);
        }
        let places = places(&source.columns, &header).map_err(|missing| {
            missing.error(source, &self.file.location.display(), self.privacy)
        })?;
        let mut record = csv::ByteRecord::new();
        loop {
            let more = reader
                .read_byte_record(&mut record)
                .map_err(|error| wrong(&error))?;
            if !more {
                return Ok(true);
            }
            let line = record.position().map_or(0, csv::Position::line);
            let line = i64::try_from(line).unwrap_or(i64::MAX);
            let origin = origin(self.file, &self.name, line, "line");
            if reader.get_ref().end_inside() {
                let error = "a quote is not closed: it takes in the rest of the file";
                self.decoder.bury(&joined(&record), &error, origin)?;
                return self.advance(line);
            }
            match csv::StringRecord::from_byte_record(record.clone()) {
                Err(error) => self.decoder.bury(&joined(&record), &error, origin)?,
                Ok(text) if text.len() != header.len() => {
                    let found = format!("{} fields, not {}", text.len(), header.len());
                    self.decoder.bury(&joined(&record), &found, origin)?;
                }
                Ok(text) => {
                    let fields = places.iter().map(|place| text.get(*place));
                    self.decoder.fields(&fields.collect::<Vec<_>>(), origin)?;
                }
            }
            if !self.advance(line)? {
                return Ok(false);
            }
        }
    }

    /// After the record at `position`: hands on a full batch; `false` when no more is wanted.
    fn advance(&mut self, position: i64) -> Result<bool> {
        let (first, _) = self.read.unwrap_or((position, position));
        self.read = Some((first, position));
        if self
            .limit
            .is_some_and(|limit| self.decoder.decoded() >= limit)
        {
            return self.flush().map(|_| false);
        }
        if self.decoder.is_full() {
            self.flush()
        } else {
            Ok(true)
        }
    }

    fn flush(&mut self) -> Result<bool> {
        let batch = self.decoder.flush().map_err(|error| broken_batch(&error))?;
        Ok(batch.is_none_or(|batch| self.output.send(batch)))
    }
}

/// Where a record of `file` stands.
fn origin<'a>(file: &FilePart, name: &'a str, position: i64, unit: &'static str) -> Origin<'a> {
    Origin {
        part: file.part,
        position,
        within: name,
        unit,
    }
}

/// Reads on to the end of a line without keeping it.
fn skip_line(input: &mut dyn BufRead) -> std::io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        let finished = end.is_some() || length == 0;
        input.consume(length);
        if finished {
            return Ok(());
        }
    }
}
