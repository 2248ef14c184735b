//! The first half of a scaling function for many partitions at once.
//!
//! Apart from [`super::fit`], which sums up one column: with a summary per group in one list, a batch is
//! gone through once, instead of being cut in a piece per group. With many small groups that is most of
//! the time.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, LargeBinaryArray, StructArray,
};
use arrow::buffer::NullBuffer;
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::fit::fields;
use super::window::{floats, summary};
use super::{Fit, Scaling, Summary, measurement};

#[derive(Debug)]
pub(super) struct Groups {
    scaling: Scaling,
    constants: Vec<f64>,
    summaries: Vec<Box<dyn Summary>>,
    /// Bytes that the summaries hold.
    held: usize,
}

impl Groups {
    pub(super) fn new(scaling: Scaling, constants: Vec<f64>) -> Result<Self> {
        // Wrong constants are found before there is a group.
        summary(scaling, &constants)?;
        Ok(Self {
            scaling,
            constants,
            summaries: vec![],
            held: 0,
        })
    }

    fn make_room(&mut self, groups: usize) -> Result<()> {
        while self.summaries.len() < groups {
            let summary = summary(self.scaling, &self.constants)?;
            self.held += size_of_val(summary.as_ref());
            self.summaries.push(summary);
        }
        Ok(())
    }

    /// Lets a group's summary take something in, and counts what it holds by then.
    fn with<T>(&mut self, group: usize, take_in: impl FnOnce(&mut dyn Summary) -> T) -> T {
        let summary = self.summaries[group].as_mut();
        let before = summary.heap();
        let taken = take_in(summary);
        self.held = self.held + summary.heap() - before;
        taken
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Box<dyn Summary>> {
        let taken = emit_to.take_needed(&mut self.summaries);
        let held = |summary: &dyn Summary| size_of_val(summary) + summary.heap();
        let held = taken.iter().map(|summary| held(summary.as_ref())).sum();
        self.held = self.held.saturating_sub(held);
        taken
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.make_room(total_num_groups)?;
        let [numbers, ..] = values else {
            return exec_err!("{} needs a number", self.scaling.name());
        };
        let counts = |row: usize| filter.is_none_or(|kept| kept.is_valid(row) && kept.value(row));
        for (row, (number, group)) in floats(numbers)?.iter().zip(group_indices).enumerate() {
            if let Some(number) = number.and_then(measurement).filter(|_| counts(row)) {
                self.with(*group, |summary| summary.add(number));
            }
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.make_room(total_num_groups)?;
        let states = states
            .first()
            .and_then(|states| states.as_binary_opt::<i64>())
            .ok_or_else(|| exec_datafusion_err!("{}: a state is not bytes", self.scaling.name()))?;
        for (state, group) in states.iter().zip(group_indices) {
            if let Some(state) = state {
                self.with(*group, |summary| summary.merge(state))?;
            }
        }
        Ok(())
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let states = self
            .take(emit_to)
            .into_iter()
            .map(|mut summary| summary.state());
        Ok(vec![Arc::new(LargeBinaryArray::from_iter_values(states))])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, arrow::array::Array::len);
        let mut single = Self::new(self.scaling, self.constants.clone())?;
        let groups: Vec<usize> = (0..rows).collect();
        single.update_batch(values, &groups, filter, rows)?;
        single.state(EmitTo::All)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let fits = self
            .take(emit_to)
            .into_iter()
            .map(|mut summary| summary.fit());
        let fits: Vec<Option<Fit>> = fits.collect();
        let there: NullBuffer = fits.iter().map(Option::is_some).collect();
        let one: Float64Array = fits.iter().map(|fit| fit.map(|fit| fit.0)).collect();
        let other: Float64Array = fits.iter().map(|fit| fit.map(|fit| fit.1)).collect();
        let columns: Vec<ArrayRef> = vec![Arc::new(one), Arc::new(other)];
        let fits = StructArray::try_new(fields(self.scaling), columns, Some(there))?;
        Ok(Arc::new(fits))
    }

    fn size(&self) -> usize {
        self.held + self.summaries.capacity() * size_of::<Box<dyn Summary>>()
    }
}
