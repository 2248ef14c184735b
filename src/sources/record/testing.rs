//! A small source for the tests of the decoders: an address, an address within it, a number.

use std::sync::Arc;

use super::{Decoder, Origin, RefusedLog};
use crate::{
    config::{Column, ColumnType, FileFormat, Files, From, Secret, Source},
    sources::Privacy,
};

/// A source with the columns `email`, `email.address` and `n`.
pub fn source(key: &str) -> Source {
    let columns = vec![
        column("email", ColumnType::Text, true),
        column("email.address", ColumnType::Text, true),
        column("n", ColumnType::Integer, false),
    ];
    of(columns, key)
}

/// A source of `columns`.
pub fn of(columns: Vec<Column>, key: &str) -> Source {
    let files = Files {
        path: "/in/*.json".to_owned(),
        format: FileFormat::Ndjson,
        records: vec![],
    };
    Source {
        name: "people".to_owned(),
        description: None,
        key: Some(key.to_owned()),
        columns,
        max_dead_letters: 1.0,
        checks: vec![],
        from: From::Files(files),
    }
}

/// A column that is not required.
pub fn column(path: &str, kind: ColumnType, is_email: bool) -> Column {
    Column {
        name: path.replace('.', "_"),
        kind,
        path: path.split('.').map(str::to_owned).collect(),
        from: None,
        required: false,
        is_email,
        personal: None,
        description: None,
    }
}

/// How addresses are kept out.
pub fn privacy() -> Privacy {
    Privacy::new(&Secret::new("a key for tests"))
}

/// A decoder of all columns of `source`, and its log.
pub fn decoder(source: &Source) -> (Decoder, Arc<RefusedLog>) {
    let log = Arc::new(RefusedLog::counting(&source.name));
    let projection: Vec<_> = (0..source.columns.len()).collect();
    let decoder = Decoder::new(source, &projection, &privacy(), Arc::clone(&log)).unwrap();
    (decoder, log)
}

/// The first line of a file.
pub fn origin() -> Origin<'static> {
    Origin {
        part: 0,
        position: 1,
        within: "in.json",
        unit: "line",
    }
}
