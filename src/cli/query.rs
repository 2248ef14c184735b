//! `dfpipe query`: one statement over the tables of a run, for scripts.

use std::sync::Arc;

use clap::ValueEnum;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray},
        csv,
        datatypes::{DataType, Field, Schema},
        json::{ArrayWriter, LineDelimitedWriter},
        util::{display::array_value_to_string, pretty::pretty_format_batches_with_schema},
    },
    parquet::arrow::ArrowWriter,
};

use super::Context;
use crate::{
    engine::{Engine, Rows},
    error::{Error, Result},
    model::Parameters,
    run::history,
};

/// Ask the tables of the last run (`show tables` lists them)
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The statement
    #[arg(value_name = "SQL", allow_hyphen_values = true)]
    statement: String,
    /// How the rows are printed
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
    /// Ask this run instead of the last finished one: its name, the beginning of it, or `last`
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

/// How rows are printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    Csv,
    Json,
    Ndjson,
    Parquet,
}

/// Runs the statement and prints its rows.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let config = context.config()?;
    let asks_sources = history::names_sources(&arguments.statement);
    let run = match history::find(&config, arguments.run.as_deref()).await {
        // Sources can be asked before there is any run.
        Err(_) if asks_sources && arguments.run.is_none() => None,
        run => Some(run?),
    };
    let spill = std::env::temp_dir();
    let engine = Engine::new(&config, &spill)?;
    let mut parameters = Parameters::default();
    if let Some(run) = &run {
        history::open(&engine, run).await?;
        parameters = Parameters::of_run(&run.record.parameters);
    }
    if history::names_warehouse(&arguments.statement) {
        history::open_warehouse(&engine, &config).await?;
    }
    let live = if asks_sources {
        history::open_sources(&engine, &config, &context.clock)?
    } else {
        vec![]
    };
    let rows = engine.ask(&arguments.statement, &parameters).await?;
    print(rows, arguments.output, context).await?;
    for source in live {
        for note in source.notes()? {
            context.screen.note(&note);
        }
    }
    Ok(())
}

async fn print(mut rows: Rows, format: Format, context: &Context) -> Result<()> {
    // A table's columns are as wide as their widest value, so its rows are needed at once.
    if let Format::Table = format {
        let schema = rows.schema.clone();
        let batches = rows.collect().await?;
        let table = pretty_format_batches_with_schema(schema, &batches);
        return context
            .screen
            .result(format!("{}\n", table.map_err(odd)?).as_bytes());
    }
    let mut writer = Writer::new(format, &rows)?;
    while let Some(batch) = rows.next().await {
        writer.write(&batch?)?;
        if !context.screen.stream(&writer.take())? {
            return Ok(());
        }
    }
    let rest = writer.finish()?;
    context.screen.result(&rest)
}

/// The streaming formats, all into memory that is taken batch by batch.
enum Writer {
    Csv {
        header: Option<Vec<u8>>,
        buffer: Vec<u8>,
    },
    Json(ArrayWriter<Vec<u8>>),
    Ndjson(LineDelimitedWriter<Vec<u8>>),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
}

impl Writer {
    fn new(format: Format, rows: &Rows) -> Result<Self> {
        Ok(match format {
            Format::Table | Format::Csv => Self::Csv {
                header: Some(csv_of(&RecordBatch::new_empty(rows.schema.clone()), true)?),
                buffer: vec![],
            },
            Format::Json => Self::Json(ArrayWriter::new(vec![])),
            Format::Ndjson => Self::Ndjson(LineDelimitedWriter::new(vec![])),
            Format::Parquet => {
                let writer = ArrowWriter::try_new(vec![], rows.schema.clone(), None);
                Self::Parquet(Box::new(writer.map_err(odd)?))
            }
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Self::Csv { header, buffer } => {
                buffer.extend(header.take().into_iter().flatten());
                buffer.extend(csv_of(batch, false)?);
                Ok(())
            }
            Self::Json(writer) => writer.write(batch).map_err(odd),
            Self::Ndjson(writer) => writer.write(batch).map_err(odd),
            Self::Parquet(writer) => writer.write(batch).map_err(odd),
        }
    }

    /// What can be printed already.
    fn take(&mut self) -> Vec<u8> {
        match self {
            Self::Csv { buffer, .. } => std::mem::take(buffer),
            Self::Ndjson(writer) => std::mem::take(writer.get_mut()),
            Self::Json(_) | Self::Parquet(_) => vec![],
        }
    }

    fn finish(self) -> Result<Vec<u8>> {
        match self {
            Self::Csv { header, mut buffer } => {
                buffer.extend(header.into_iter().flatten());
                Ok(buffer)
            }
            Self::Json(mut writer) => {
                writer.finish().map_err(odd)?;
                let mut bytes = writer.into_inner();
                if bytes.is_empty() {
                    bytes.extend(b"[]");
                }
                bytes.push(b'\n');
                Ok(bytes)
            }
            Self::Ndjson(mut writer) => {
                writer.finish().map_err(odd)?;
                Ok(writer.into_inner())
            }
            Self::Parquet(writer) => writer.into_inner().map_err(odd),
        }
    }
}

fn csv_of(batch: &RecordBatch, header: bool) -> Result<Vec<u8>> {
    let batch = &flat(batch)?;
    let mut writer = csv::WriterBuilder::new().with_header(header).build(vec![]);
    writer.write(batch).map_err(odd)?;
    Ok(writer.into_inner())
}

/// Lists and structs as text: CSV has no other form for them.
fn flat(batch: &RecordBatch) -> Result<RecordBatch> {
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if !column.data_type().is_nested() {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
            continue;
        }
        let texts = (0..column.len()).map(|row| array_value_to_string(column, row));
        let texts: StringArray = texts.collect::<Result<Vec<_>, _>>().map_err(odd)?.into();
        fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
        columns.push(Arc::new(texts));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let schema = Arc::new(Schema::new(fields));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(odd)
}

fn odd(error: impl std::fmt::Display) -> Error {
    Error::usage("these rows cannot be printed in this format").because(error)
}
