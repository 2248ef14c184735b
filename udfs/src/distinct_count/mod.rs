//! `count(distinct x)` for many groups at once: what the engine puts in its place beside other aggregates.
//!
//! DataFusion keeps a set per group and gives each a piece of every batch: with a hundred thousand groups that
//! takes gigabytes and a hundred times as long as counting in two steps. Here all pairs of a group and a value
//! stand in one table, the same that `group by` uses, and as bits as long as there are few values, so that the form
//! that people write is as fast as the one that they would have to think of. It is written by the engine, so `show
//! functions` leaves it out.

mod bits;
mod kept;
mod pairs;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, LargeListArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{filter, is_not_null};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{ScalarValue, exec_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use kept::Kept;

pub(crate) const NAME: &str = "distinct_count";

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct DistinctCount {
    signature: Signature,
}

impl DistinctCount {
    pub(crate) fn new() -> Self {
        Self {
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

/// Whether values of this type are the same exactly if `count(distinct …)` takes them for the same. Zeros with
/// a sign and dictionaries are not worth the doubt.
pub fn counts_distinct(kind: &DataType) -> bool {
    kind.is_integer()
        || kind.is_decimal()
        || kind.is_string()
        || kind.is_binary()
        || matches!(
            kind,
            DataType::Boolean | DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _)
        )
}

impl AggregateUDFImpl for DistinctCount {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let [field] = args.input_fields else {
            return Err(exec_datafusion_err!("{NAME} counts one column"));
        };
        let name = format_state_name(args.name, "values");
        let kind = DataType::LargeList(item(field.data_type()));
        Ok(vec![Arc::new(Field::new(name, kind, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(One::new(Groups::of(&args)?)))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups::of(&args)?))
    }
}

/// The values of a group in a state.
fn item(kind: &DataType) -> FieldRef {
    Arc::new(Field::new_list_field(kind.clone(), true))
}

/// The counts of all groups, and what was counted.
#[derive(Debug)]
struct Groups {
    kind: DataType,
    kept: Kept,
    counts: Vec<i64>,
}

impl Groups {
    fn of(args: &AccumulatorArgs<'_>) -> Result<Self> {
        match args.expr_fields {
            [field] => Self::new(field.data_type()),
            _ => Err(exec_datafusion_err!("{NAME} counts one column")),
        }
    }

    fn new(kind: &DataType) -> Result<Self> {
        Ok(Self {
            kind: kind.clone(),
            kept: Kept::new(kind)?,
            counts: vec![],
        })
    }

    fn add(&mut self, groups: Vec<u64>, values: ArrayRef) -> Result<()> {
        let counts = &mut self.counts;
        self.kept.add(groups, values, |group| counts[group] += 1)
    }

    fn make_room(&mut self, groups: usize) {
        self.counts.resize(groups.max(self.counts.len()), 0);
    }

    fn list(&self, lengths: impl IntoIterator<Item = usize>, values: ArrayRef) -> Result<ArrayRef> {
        let offsets = OffsetBuffer::from_lengths(lengths);
        let list = LargeListArray::try_new(item(&self.kind), offsets, values, None)?;
        Ok(Arc::new(list))
    }
}

/// The rows that count: those with a value that the filter lets through; `None` where all do.
fn counted(values: &ArrayRef, kept: Option<&BooleanArray>) -> Result<Option<BooleanArray>> {
    if values.logical_null_count() == 0 && kept.is_none() {
        return Ok(None);
    }
    let there = is_not_null(values)?;
    let both = |kept: &BooleanArray| -> BooleanArray {
        let is_kept = |row| kept.is_valid(row) && kept.value(row) && there.value(row);
        (0..kept.len()).map(|row| Some(is_kept(row))).collect()
    };
    Ok(Some(kept.map_or_else(|| there.clone(), both)))
}

fn index(group: u64) -> usize {
    usize::try_from(group).unwrap_or(usize::MAX)
}

fn column(values: &[ArrayRef]) -> Result<&ArrayRef> {
    let none = || exec_datafusion_err!("{NAME} counts one column");
    values.first().ok_or_else(none)
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        kept: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.make_room(total_num_groups);
        let values = column(values)?;
        let all = group_indices.iter().map(|group| *group as u64);
        let Some(counted) = counted(values, kept)? else {
            return self.add(all.collect(), Arc::clone(values));
        };
        let groups = all.zip(counted.values()).filter(|(_, counts)| *counts);
        let groups = groups.map(|(group, _)| group).collect();
        self.add(groups, filter(values, &counted)?)
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.make_room(total_num_groups);
        let no_list = || exec_datafusion_err!("{NAME}: a state is no list");
        let states = column(states)?.as_list_opt::<i64>().ok_or_else(no_list)?;
        let lengths = states.offsets().lengths();
        let groups = group_indices.iter().zip(lengths);
        let groups = groups.flat_map(|(group, length)| std::iter::repeat_n(*group as u64, length));
        let (first, end) = (
            states.value_offsets().first(),
            states.value_offsets().last(),
        );
        let bound =
            |offset: Option<&i64>| usize::try_from(offset.copied().unwrap_or(0)).unwrap_or(0);
        let (first, end) = (bound(first), bound(end));
        self.add(groups.collect(), states.values().slice(first, end - first))
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let counts = emit_to.take_needed(&mut self.counts);
        match emit_to {
            EmitTo::All => self.kept.clear(),
            EmitTo::First(groups) => _ = self.kept.take_first(groups)?,
        }
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let counts = emit_to.take_needed(&mut self.counts);
        let values = self.kept.take_first(counts.len())?;
        let lengths = counts
            .into_iter()
            .map(|count| usize::try_from(count).unwrap_or(0));
        Ok(vec![self.list(lengths, values)?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        kept: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let values = column(values)?;
        Ok(vec![match counted(values, kept)? {
            None => self.list(vec![1; values.len()], Arc::clone(values))?,
            Some(counted) => {
                let lengths = counted.values().iter().map(usize::from);
                self.list(lengths, filter(values, &counted)?)?
            }
        }])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.kept.size() + self.counts.capacity() * size_of::<i64>()
    }
}

/// The same for a single group. The lock is never waited for: it makes shareable what has one owner anyway.
#[derive(Debug)]
struct One(Mutex<Groups>);

impl One {
    fn new(groups: Groups) -> Self {
        Self(Mutex::new(groups))
    }

    fn groups(&mut self) -> &mut Groups {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = vec![0; column(values)?.len()];
        self.groups().update_batch(values, &rows, None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = vec![0; column(states)?.len()];
        self.groups().merge_batch(states, &rows, 1)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.groups().make_room(1);
        let states = self.groups().state(EmitTo::All)?;
        let one = |state: &ArrayRef| ScalarValue::try_from_array(state, 0);
        states.iter().map(one).collect()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let count = self.groups().counts.first().copied();
        Ok(ScalarValue::Int64(Some(count.unwrap_or(0))))
    }

    fn size(&self) -> usize {
        let groups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        groups.size()
    }
}
