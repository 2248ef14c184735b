//! What was counted: bits while there are few values, pairs from then on.

use std::fmt;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::{bits::Bits, pairs::Pairs};

pub(super) enum Kept {
    Bits(Bits),
    Pairs(Pairs),
}

impl Kept {
    pub(super) fn new(kind: &DataType) -> Result<Self> {
        Bits::new(kind).map(Self::Bits)
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
        if let Self::Bits(bits) = self {
            if bits.add(&groups, &values, &mut is_new)? {
                return Ok(());
            }
            let mut pairs = Pairs::new(values.data_type())?;
            let (groups, values) = bits.take_pairs()?;
            pairs.add(groups, values, |_| ())?;
            *self = Self::Pairs(pairs);
        }
        match self {
            Self::Pairs(pairs) => pairs.add(groups, values, is_new),
            Self::Bits(_) => Ok(()),
        }
    }

    /// Takes the values of the first `count` groups out, group by group. Those behind move up.
    pub(super) fn take_first(&mut self, count: usize) -> Result<ArrayRef> {
        match self {
            Self::Bits(bits) => bits.take_first(count),
            Self::Pairs(pairs) => pairs.take_first(count),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Bits(bits) => bits.clear(),
            Self::Pairs(pairs) => pairs.clear(),
        }
    }

    pub(super) fn size(&self) -> usize {
        match self {
            Self::Bits(bits) => bits.size(),
            Self::Pairs(pairs) => pairs.size(),
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bits(_) => "few values",
            Self::Pairs(_) => "many values",
        })
    }
}
