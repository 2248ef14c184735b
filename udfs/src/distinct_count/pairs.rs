//! Pairs of a group and a value, each once, of whatever number of values: in DataFusion's own table of groups.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use datafusion::error::Result;
use datafusion::logical_expr::EmitTo;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;

use super::index;

pub(super) struct Pairs {
    table: Box<dyn GroupValues>,
    /// Where the table has the rows of a batch; kept for its memory.
    places: Vec<usize>,
}

impl Pairs {
    pub(super) fn new(kind: &DataType) -> Result<Self> {
        let group = Field::new("group", DataType::UInt64, false);
        let value = Field::new("value", kind.clone(), true);
        let schema = Arc::new(Schema::new(vec![group, value]));
        Ok(Self {
            table: new_group_values(schema, &GroupOrdering::None)?,
            places: vec![],
        })
    }

    /// Adds pairs, and tells the group of each that is new.
    pub(super) fn add(
        &mut self,
        groups: Vec<u64>,
        values: ArrayRef,
        mut is_new: impl FnMut(usize),
    ) -> Result<()> {
        if groups.is_empty() {
            return Ok(());
        }
        let before = self.table.len();
        let groups = Arc::new(UInt64Array::from(groups));
        let columns = [Arc::clone(&groups) as ArrayRef, values];
        self.table.intern(&columns, &mut self.places)?;
        // New places are not always given in the order of the rows.
        let mut is_seen = vec![false; self.table.len() - before];
        for (place, group) in self.places.iter().zip(groups.values()) {
            let Some(is_seen) = place
                .checked_sub(before)
                .and_then(|new| is_seen.get_mut(new))
            else {
                continue;
            };
            if !std::mem::replace(is_seen, true) {
                is_new(index(*group));
            }
        }
        Ok(())
    }

    /// Takes the values of the first `count` groups out, group by group. Those behind move up.
    pub(super) fn take_first(&mut self, count: usize) -> Result<ArrayRef> {
        let mut columns = self.take_all()?.into_iter();
        let (Some(groups), Some(values)) = (columns.next(), columns.next()) else {
            return datafusion::common::internal_err!("pairs have two columns");
        };
        let groups = groups.as_primitive::<UInt64Type>().values();
        self.put_back(groups, &values, count)?;
        let order = sorted(groups, count);
        Ok(take(&values, &UInt64Array::from(order), None)?)
    }

    /// Adds those of the groups behind the first `count` again.
    fn put_back(&mut self, groups: &[u64], values: &ArrayRef, count: usize) -> Result<()> {
        let behind = |(_, group): &(usize, &u64)| index(**group) >= count;
        let (rows, groups): (Vec<_>, Vec<_>) = groups
            .iter()
            .enumerate()
            .filter(behind)
            .map(|(row, group)| (row as u64, group - count as u64))
            .unzip();
        let values = take(values, &UInt64Array::from(rows), None)?;
        self.add(groups, values, |_| ())
    }

    /// Takes all pairs out.
    fn take_all(&mut self) -> Result<Vec<ArrayRef>> {
        let columns = self.table.emit(EmitTo::All)?;
        // What is given out is still known by its hash until the table is cleared as well.
        self.table.clear_shrink(0);
        Ok(columns)
    }

    pub(super) fn clear(&mut self) {
        self.table.clear_shrink(0);
    }

    pub(super) fn size(&self) -> usize {
        self.table.size() + self.places.capacity() * size_of::<usize>()
    }
}

/// The rows of the first `count` groups in the order of the groups: counted, then put into place.
fn sorted(groups: &[u64], count: usize) -> Vec<u64> {
    let mut next = vec![0_usize; count + 1];
    let wanted = || {
        groups
            .iter()
            .enumerate()
            .filter(|(_, group)| index(**group) < count)
    };
    for (_, group) in wanted() {
        next[index(*group) + 1] += 1;
    }
    for group in 0..count {
        next[group + 1] += next[group];
    }
    let mut rows = vec![0; next[count]];
    for (row, group) in wanted() {
        let place = &mut next[index(*group)];
        rows[*place] = row as u64;
        *place += 1;
    }
    rows
}
