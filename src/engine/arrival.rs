//! The order in which an extract's rows came: by part and position, as a rule.
//!
//! Where it is so, models that keep this order need not sort. No source promises it (an API's pages may be asked for
//! again from an earlier one on), so it is looked at while a file is written, and noted in the file.

use std::path::Path;

use datafusion::{
    arrow::{
        array::{AsArray, RecordBatch},
        datatypes::{Int32Type, Int64Type},
    },
    parquet::file::reader::{FileReader, SerializedFileReader},
};

use crate::sources::{PART, POSITION};

/// Looks at rows as they come.
#[derive(Debug, Default)]
pub struct Arrival {
    last: Option<(i32, i64)>,
    is_disordered: bool,
}

impl Arrival {
    /// The note in the footer of a file whose rows are in order.
    pub const NOTE: &str = "dfpipe.in_order_of_arrival";

    /// Rows came.
    pub fn note(&mut self, batch: &RecordBatch) {
        let parts = batch.column_by_name(PART);
        let parts = parts.and_then(|column| column.as_primitive_opt::<Int32Type>());
        let positions = batch.column_by_name(POSITION);
        let positions = positions.and_then(|column| column.as_primitive_opt::<Int64Type>());
        let (Some(parts), Some(positions)) = (parts, positions) else {
            self.is_disordered = true;
            return;
        };
        for place in parts
            .values()
            .iter()
            .copied()
            .zip(positions.values().iter().copied())
        {
            self.is_disordered |= self.last.is_some_and(|last| last >= place);
            self.last = Some(place);
        }
    }

    /// Whether each row came behind the one before it.
    pub fn is_in_order(&self) -> bool {
        !self.is_disordered
    }
}

/// Whether the rows of every file of a folder are in the order of their arrival.
pub fn is_in_order(folder: &Path) -> bool {
    let is_noted = |path: &Path| {
        let reader = fs_err::File::open(path).ok()?;
        let reader = SerializedFileReader::new(reader.into_parts().0).ok()?;
        let metadata = reader.metadata().file_metadata();
        let notes = metadata.key_value_metadata()?;
        Some(notes.iter().any(|note| note.key == Arrival::NOTE))
    };
    let Ok(mut files) = fs_err::read_dir(folder) else {
        return false;
    };
    files.all(|file| file.is_ok_and(|file| is_noted(&file.path()).unwrap_or(false)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch};

    use super::Arrival;
    use crate::sources::{PART, POSITION};

    fn is_in_order(batches: &[&[(i32, i64)]]) -> bool {
        let mut arrival = Arrival::default();
        for rows in batches {
            let parts: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int32Array>());
            let positions: ArrayRef =
                Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>());
            let batch = RecordBatch::try_from_iter([(PART, parts), (POSITION, positions)]);
            arrival.note(&batch.unwrap());
        }
        arrival.is_in_order()
    }

    #[test]
    fn rows_are_in_order_if_each_stands_behind_the_one_before_it() {
        assert!(is_in_order(&[]));
        assert!(is_in_order(&[&[(0, 7), (0, 9)], &[(1, 1)], &[], &[(3, 1)]]));
        assert!(!is_in_order(&[&[(0, 7)], &[(0, 7)]]));
        assert!(!is_in_order(&[&[(1, 7), (0, 9)]]));
    }
}
