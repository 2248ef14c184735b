//! Groups of a column that has few values: one word per group, one bit per value.
//!
//! Apart from [`super::pairs`], which takes over once there are more values than a word has bits: names of features,
//! of countries, of tiers are few, and a bit of a word by the group's number is found sooner than a pair in a table.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array, new_empty_array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::error::Result;
use datafusion::logical_expr::EmitTo;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;

/// Values that have a bit.
const FEW: usize = u64::BITS as usize;

pub(super) struct Bits {
    kind: DataType,
    /// The values, by their bits.
    values: Box<dyn GroupValues>,
    groups: Vec<u64>,
    /// Which bits the rows of a batch have; kept for its memory.
    places: Vec<usize>,
}

impl Bits {
    pub(super) fn new(kind: &DataType) -> Result<Self> {
        let schema = Schema::new(vec![Field::new("value", kind.clone(), true)]);
        Ok(Self {
            kind: kind.clone(),
            values: new_group_values(Arc::new(schema), &GroupOrdering::None)?,
            groups: vec![],
            places: vec![],
        })
    }

    /// Adds pairs, and tells the group of each that is new; not one of them if there are too many values.
    pub(super) fn add(
        &mut self,
        groups: &[u64],
        values: &ArrayRef,
        mut is_new: impl FnMut(usize),
    ) -> Result<bool> {
        let column = std::slice::from_ref(values);
        self.values.intern(column, &mut self.places)?;
        if self.values.len() > FEW {
            return Ok(false);
        }
        for (group, bit) in groups.iter().zip(&self.places) {
            let group = super::index(*group);
            if group >= self.groups.len() {
                self.groups.resize(group + 1, 0);
            }
            let word = &mut self.groups[group];
            if *word >> bit & 1 == 0 {
                *word |= 1 << bit;
                is_new(group);
            }
        }
        Ok(true)
    }

    /// Takes the values of the first `count` groups out, group by group. Those behind move up.
    pub(super) fn take_first(&mut self, count: usize) -> Result<ArrayRef> {
        let rest = self.groups.split_off(count.min(self.groups.len()));
        let taken = std::mem::replace(&mut self.groups, rest);
        self.values_of(taken.iter().flat_map(|word| set_bits(*word)))
    }

    /// Takes everything out: the groups, and the value of each.
    pub(super) fn take_pairs(&mut self) -> Result<(Vec<u64>, ArrayRef)> {
        let words = std::mem::take(&mut self.groups);
        let pairs = words.iter().zip(0..);
        let pairs = pairs.flat_map(|(word, group)| set_bits(*word).map(move |bit| (group, bit)));
        let (groups, bits): (Vec<_>, Vec<_>) = pairs.unzip();
        Ok((groups, self.values_of(bits)?))
    }

    /// A table of groups gives its values away; there are few, so it is told them again.
    fn values_of(&mut self, bits: impl IntoIterator<Item = u64>) -> Result<ArrayRef> {
        let Some(values) = self.values.emit(EmitTo::All)?.pop() else {
            return Ok(new_empty_array(&self.kind));
        };
        self.values.clear_shrink(0);
        if !values.is_empty() {
            let column = std::slice::from_ref(&values);
            self.values.intern(column, &mut self.places)?;
        }
        Ok(take(&values, &UInt64Array::from_iter_values(bits), None)?)
    }

    pub(super) fn clear(&mut self) {
        self.groups = vec![];
    }

    pub(super) fn size(&self) -> usize {
        self.values.size()
            + self.groups.capacity() * size_of::<u64>()
            + self.places.capacity() * size_of::<usize>()
    }
}

fn set_bits(mut word: u64) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| u64::from(word.trailing_zeros()))?;
        word &= word - 1;
        Some(bit)
    })
}
