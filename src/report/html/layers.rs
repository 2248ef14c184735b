//! Where the parts of a picture of arrows lie: in which layer, in which order, at which place.
//!
//! The usual three steps (Sugiyama): longest paths give layers, averages of neighbours an order with few
//! crossings, and the nearest places that keep the order and do not overlap the rest.

use crate::report::numbers::size;

/// Times that the order is mended, downwards and upwards.
const SWEEPS: usize = 8;

/// The length of the longest way to each of `count` nodes. Of a circle, which no model graph has, the way
/// once around counts.
pub fn longest_ways(count: usize, arrows: &[(usize, usize)]) -> Vec<usize> {
    let mut layers = vec![0; count];
    for _ in 0..count {
        let mut is_settled = true;
        for (from, to) in arrows {
            if layers[*to] <= layers[*from] && layers[*from] + 1 < count {
                layers[*to] = layers[*from] + 1;
                is_settled = false;
            }
        }
        if is_settled {
            break;
        }
    }
    layers
}

/// The arrows that do not follow from others: without them the picture says the same, and can be read.
pub fn needed(count: usize, arrows: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut ends = vec![vec![]; count];
    for (from, to) in arrows {
        ends[*from].push(*to);
    }
    let is_needed = |(from, to): &&(usize, usize)| {
        let mut seen = vec![false; count];
        let others = ends[*from].iter().copied();
        let mut open: Vec<usize> = others.filter(|end| end != to).collect();
        while let Some(node) = open.pop() {
            if node == *to {
                return false;
            }
            if !std::mem::replace(&mut seen[node], true) {
                open.extend(&ends[node]);
            }
        }
        true
    };
    arrows.iter().filter(is_needed).copied().collect()
}

/// Nodes in rows, and arrows that go from one row to the next only.
pub struct Rows {
    /// The nodes of each row, from left to right.
    pub rows: Vec<Vec<usize>>,
    /// Half of the room that each node takes in its row.
    pub halves: Vec<f64>,
    /// The arrows.
    pub arrows: Vec<(usize, usize)>,
}

impl Rows {
    /// The middle of each node: orders the rows and places their nodes near what they are bound to.
    pub fn placed(mut self) -> Vec<f64> {
        let mut middles = vec![0.0; self.halves.len()];
        for row in &self.rows {
            self.place(row, &vec![0.0; row.len()], &mut middles);
        }
        for sweep in 0..SWEEPS {
            let is_downwards = sweep % 2 == 0;
            for index in 0..self.rows.len() {
                let index = if is_downwards {
                    index
                } else {
                    self.rows.len() - 1 - index
                };
                let mut row = std::mem::take(&mut self.rows[index]);
                let wish = |node: &usize| self.wish(*node, is_downwards, &middles);
                row.sort_by(|a, b| wish(a).total_cmp(&wish(b)));
                let wishes: Vec<_> = row.iter().map(wish).collect();
                self.place(&row, &wishes, &mut middles);
                self.rows[index] = row;
            }
        }
        middles
    }

    /// The middle of a node's neighbours, above or below it.
    fn wish(&self, node: usize, above: bool, middles: &[f64]) -> f64 {
        let neighbour = |(from, to): &(usize, usize)| {
            let (here, there) = if above { (to, from) } else { (from, to) };
            (*here == node).then(|| middles[*there])
        };
        let neighbours = self.arrows.iter().filter_map(neighbour);
        let neighbours: Vec<f64> = neighbours.collect();
        if neighbours.is_empty() {
            return middles[node];
        }
        neighbours.iter().sum::<f64>() / size(neighbours.len())
    }

    /// The places nearest to the wishes that keep the order and the distances (by pooling neighbours that
    /// would overlap).
    fn place(&self, row: &[usize], wishes: &[f64], middles: &mut [f64]) {
        let mut offset = 0.0;
        let mut offsets = vec![];
        for (index, node) in row.iter().enumerate() {
            if index > 0 {
                offset += self.halves[row[index - 1]] + self.halves[*node];
            }
            offsets.push(offset);
        }
        let mut pools: Vec<(f64, usize)> = vec![];
        for (wish, offset) in wishes.iter().zip(&offsets) {
            let mut pool = (wish - offset, 1);
            while let Some((mean, count)) = pools.pop_if(|(mean, _)| *mean > pool.0) {
                let sum = mean * size(count) + pool.0 * size(pool.1);
                pool = (sum / size(count + pool.1), count + pool.1);
            }
            pools.push(pool);
        }
        let starts = pools.into_iter();
        let starts = starts.flat_map(|(mean, count)| std::iter::repeat_n(mean, count));
        for ((node, offset), start) in row.iter().zip(offsets).zip(starts) {
            middles[*node] = start + offset;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rows, longest_ways, needed};

    #[test]
    fn a_node_lies_below_all_that_it_reads() {
        let arrows = [(0, 1), (1, 2), (0, 2), (2, 3)];
        assert_eq!(longest_ways(4, &arrows), [0, 1, 2, 3]);
        assert_eq!(needed(4, &arrows), [(0, 1), (1, 2), (2, 3)]);
        assert!(
            longest_ways(2, &[(0, 1), (1, 0)])
                .iter()
                .all(|layer| *layer < 2)
        );
    }

    #[test]
    fn nodes_of_a_row_never_overlap_and_lie_below_their_neighbours() {
        let rows = Rows {
            rows: vec![vec![0, 1], vec![2, 3]],
            halves: vec![10.0; 4],
            arrows: vec![(0, 3), (1, 2)],
        };
        let middles = rows.placed();
        assert!((middles[0] - middles[3]).abs() < 0.1, "{middles:?}");
        assert!((middles[1] - middles[2]).abs() < 0.1, "{middles:?}");
        assert!((middles[2] - middles[3]).abs() > 19.9, "{middles:?}");
    }
}
