//! Where the plates and arrows of the model graph lie: rows of tables, and lanes in which an arrow passes
//! the rows between.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    layers::{Rows, longest_ways, needed},
    markup::place,
};
use crate::report::numbers::size;

/// The size of a plate.
pub const PLATE: (f64, f64) = (160.0, 46.0);
/// From one row to the next.
const PITCH: f64 = 80.0;
/// Between two plates of a row.
const GAP: f64 = 14.0;
/// What an arrow takes where it passes a row.
const LANE: f64 = 14.0;
const MARGIN: f64 = 6.0;

/// Where everything lies.
pub struct Plan {
    /// The middle of every plate, then of every lane.
    middles: Vec<f64>,
    /// The row of each of them.
    rows: Vec<usize>,
    /// How many of them are plates.
    plates: usize,
    /// What goes from one row to the next.
    hops: BTreeSet<(usize, usize)>,
    /// The whole size.
    pub size: (f64, f64),
}

impl Plan {
    /// Lays out `plates` tables; `is_read_only` tells those that nothing was made into.
    pub fn of(
        plates: usize,
        arrows: &[(usize, usize)],
        is_read_only: &dyn Fn(usize) -> bool,
    ) -> Self {
        let arrows = needed(plates, arrows);
        let mut rows = longest_ways(plates, &arrows);
        for index in (0..plates).filter(|index| is_read_only(*index)) {
            // What is only read late stands where it is read, not above everything.
            let readers = arrows.iter().filter(|(from, _)| *from == index);
            if let Some(first) = readers.map(|(_, to)| rows[*to]).min() {
                rows[index] = first.saturating_sub(1);
            }
        }
        let hops = lanes(&arrows, &mut rows);
        let half = |index| {
            if index < plates {
                (PLATE.0 + GAP) / 2.0
            } else {
                LANE / 2.0
            }
        };
        let halves: Vec<f64> = (0..rows.len()).map(half).collect();
        let middles = Rows {
            rows: in_rows(&rows),
            halves: halves.clone(),
            arrows: hops.iter().copied().collect(),
        };
        let plan = Self {
            middles: middles.placed(),
            rows,
            plates,
            hops,
            size: (0.0, 0.0),
        };
        plan.moved_into_view(&halves)
    }

    fn moved_into_view(mut self, halves: &[f64]) -> Self {
        let both = self.middles.iter().zip(halves);
        let (left, right) = both.fold(
            (f64::INFINITY, f64::NEG_INFINITY),
            |(left, right), (x, half)| (left.min(x - half), right.max(x + half)),
        );
        for middle in &mut self.middles {
            *middle += MARGIN - left;
        }
        let count = self.rows.iter().max().map_or(0, |last| last + 1);
        let height = PITCH * size(count) - (PITCH - PLATE.1) + 2.0 * MARGIN;
        self.size = (right - left + 2.0 * MARGIN, height);
        self
    }

    /// The upper left corner of a plate.
    pub fn corner(&self, plate: usize) -> (f64, f64) {
        (self.middles[plate] - PLATE.0 / 2.0, self.top(plate))
    }

    /// The ways of all arrows: those of one table share their lane as far as it goes.
    pub fn ways(&self) -> impl Iterator<Item = String> {
        self.hops.iter().map(|(from, to)| self.way(*from, *to))
    }

    fn way(&self, from: usize, to: usize) -> String {
        let (x, to_x) = (self.middles[from], self.middles[to]);
        let (foot, to_y) = (self.top(from) + PLATE.1, self.top(to));
        let start = if from < self.plates {
            foot
        } else {
            self.top(from)
        };
        let half = (foot + to_y) / 2.0;
        let [x, start, foot, half, to_x, to_y] = [x, start, foot, half, to_x, to_y].map(place);
        format!("M{x} {start}V{foot}C{x} {half} {to_x} {half} {to_x} {to_y}")
    }

    fn top(&self, index: usize) -> f64 {
        MARGIN + PITCH * size(self.rows[index])
    }
}

/// Cuts arrows into hops from row to row; `rows` gets a lane for every row that arrows of a table pass.
fn lanes(arrows: &[(usize, usize)], rows: &mut Vec<usize>) -> BTreeSet<(usize, usize)> {
    let mut lanes = BTreeMap::new();
    let mut hops = BTreeSet::new();
    for (from, to) in arrows {
        let mut last = *from;
        for row in rows[*from] + 1..rows[*to] {
            let lane = *lanes.entry((*from, row)).or_insert_with(|| {
                rows.push(row);
                rows.len() - 1
            });
            hops.insert((last, lane));
            last = lane;
        }
        hops.insert((last, *to));
    }
    hops
}

/// What lies in each row.
fn in_rows(rows: &[usize]) -> Vec<Vec<usize>> {
    let count = rows.iter().max().map_or(0, |last| last + 1);
    let mut all = vec![vec![]; count];
    for (index, row) in rows.iter().enumerate() {
        all[*row].push(index);
    }
    all
}
