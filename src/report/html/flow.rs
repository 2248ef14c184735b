//! The way of the records as bands from place to place: what is kept goes on along the top, what is left
//! out branches off below. Ways that never meet are pictures of their own, each with its own scale.

use super::{
    layers::longest_ways,
    markup::{Markup, element, place},
    picture::{Picture, hint, label, path, rectangle},
};
use crate::{
    report::numbers::{grouped, length, size},
    run::record::Flow,
};

/// From one column to the next.
const PITCH: f64 = 236.0;
/// Behind the last column, for its words: at least this, and so much for each letter.
const TAIL: f64 = 150.0;
const LETTER: f64 = 6.9;
/// How wide a place is.
const NODE: f64 = 10.0;
/// How tall the largest place is.
const TALLEST: f64 = 130.0;
/// What a line of words takes.
const LINE: f64 = 19.0;
/// Between what is kept and what is left out.
const GAP: f64 = 22.0;
const TOP: f64 = 4.0;

/// The pictures of all ways.
pub fn flows(flows: &[Flow]) -> Vec<Markup> {
    let drawn = ways(flows).into_iter().enumerate();
    drawn
        .map(|(number, way)| Plan::of(&way).draw(number))
        .collect()
}

/// The flows in groups that never meet, in the order in which they are told.
fn ways(flows: &[Flow]) -> Vec<Vec<&Flow>> {
    let mut ways: Vec<Vec<&Flow>> = vec![];
    for flow in flows {
        let meets = |way: &Vec<&Flow>| way.iter().any(|other| do_meet(flow, other));
        let (met, mut others): (Vec<_>, Vec<_>) = ways.into_iter().partition(meets);
        let mut way: Vec<&Flow> = met.into_iter().flatten().collect();
        way.push(flow);
        others.push(way);
        ways = others;
    }
    let first = |way: &Vec<&Flow>| flows.iter().position(|flow| std::ptr::eq(flow, way[0]));
    ways.sort_by_key(first);
    ways
}

/// Two records may be left out for the same reason at different places: that joins no ways.
fn do_meet(one: &Flow, other: &Flow) -> bool {
    one.origin == other.origin
        || (one.is_kept
            && (one.target == other.origin || (other.is_kept && one.target == other.target)))
        || (other.is_kept && other.target == one.origin)
}

/// A place that records come to.
struct Place<'a> {
    name: &'a str,
    records: u64,
    is_kept: bool,
    column: usize,
    x: f64,
    y: f64,
    height: f64,
}

struct Plan<'a> {
    places: Vec<Place<'a>>,
    /// From which place to which, and how many.
    bands: Vec<(usize, usize, &'a Flow)>,
    width: f64,
    height: f64,
    scale: f64,
}

impl<'a> Plan<'a> {
    fn of(way: &[&'a Flow]) -> Self {
        let mut names: Vec<&str> = vec![];
        for flow in way {
            for name in [Some(&flow.origin), flow.is_kept.then_some(&flow.target)]
                .into_iter()
                .flatten()
            {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
        let find = |name: &str| names.iter().position(|known| *known == name).unwrap_or(0);
        let kept = way.iter().filter(|flow| flow.is_kept);
        let arrows: Vec<_> = kept
            .map(|flow| (find(&flow.origin), find(&flow.target)))
            .collect();
        let columns = longest_ways(names.len(), &arrows);
        let mut places: Vec<_> = names
            .iter()
            .zip(&columns)
            .map(|(name, column)| Place::kept(name, *column, way))
            .collect();
        let mut bands = vec![];
        for flow in way {
            let origin = find(&flow.origin);
            if flow.is_kept {
                bands.push((origin, find(&flow.target), *flow));
            } else {
                bands.push((origin, places.len(), *flow));
                places.push(Place::left(flow, columns[origin] + 1));
            }
        }
        let mut plan = Self {
            places,
            bands,
            width: 0.0,
            height: 0.0,
            scale: 0.0,
        };
        plan.arrange();
        plan
    }

    /// Column by column: what is kept from the top, what is left out below it.
    fn arrange(&mut self) {
        let most = self.places.iter().map(|place| place.records).max();
        self.scale = TALLEST / length(most.unwrap_or(1).max(1));
        let last = self
            .places
            .iter()
            .map(|place| place.column)
            .max()
            .unwrap_or(0);
        for column in 0..=last {
            let mut y = TOP;
            for is_kept in [true, false] {
                let wanted =
                    |place: &&mut Place<'_>| place.column == column && place.is_kept == is_kept;
                for place in self.places.iter_mut().filter(wanted) {
                    place.x = PITCH * size(column);
                    place.y = y;
                    place.height = (length(place.records) * self.scale).max(2.0);
                    y += if is_kept {
                        place.height.max(2.0 * LINE) + GAP
                    } else {
                        place.height.max(LINE) + 3.0
                    };
                }
            }
            self.height = self.height.max(y + 4.0);
        }
        let ends = self.places.iter().filter(|place| place.column == last);
        let letters =
            ends.map(|place| place.name.chars().count() + grouped(place.records).len() + 1);
        let tail = size(letters.max().unwrap_or(0)) * LETTER + NODE + 8.0;
        self.width = PITCH * size(last) + tail.max(TAIL);
    }

    fn draw(&self, number: usize) -> Markup {
        let reads = |place: &Place<'_>| place.is_kept && place.column == 0;
        let begins: Vec<_> = self.places.iter().filter(|place| reads(place)).collect();
        let title = begins
            .iter()
            .map(|place| place.name)
            .collect::<Vec<_>>()
            .join(", ");
        let said = self.said(begins.iter().map(|place| place.records).sum());
        let picture = Picture {
            id: &format!("flow-{number}"),
            title: &title,
            description: &format!("{said} {}", self.told()),
            width: self.width,
            height: self.height,
        };
        let parts = [self.drawn_bands(), self.drawn_places()];
        element("figure").class("card wide").around([
            element("h3").text(&title),
            picture.draw_in_box(parts),
            element("figcaption").text(&said),
        ])
    }

    fn drawn_bands(&self) -> Markup {
        let mut leaving = vec![0.0; self.places.len()];
        let mut arriving = vec![0.0; self.places.len()];
        let mut bands: Vec<_> = self.bands.iter().collect();
        bands.sort_by_key(|(_, _, flow)| !flow.is_kept);
        let drawn = bands.into_iter().map(|(from, to, flow)| {
            let height = (length(flow.records) * self.scale).max(1.0);
            let (origin, target) = (&self.places[*from], &self.places[*to]);
            let start = (origin.x + NODE, origin.y + leaving[*from]);
            let end = (target.x, target.y + arriving[*to]);
            leaving[*from] += length(flow.records) * self.scale;
            arriving[*to] += length(flow.records) * self.scale;
            let class = if flow.is_kept {
                "kept-band"
            } else {
                "left-band"
            };
            let records = grouped(flow.records);
            let tells = hint(&format!("{} → {}: {records}", flow.origin, flow.target));
            path(class, band(start, end, height)).around(tells)
        });
        drawn.collect()
    }

    fn drawn_places(&self) -> Markup {
        let drawn = self.places.iter().map(|place| {
            let class = if place.is_kept {
                "kept-node"
            } else {
                "left-node"
            };
            let plate = rectangle(class, (place.x, place.y), (NODE, place.height));
            let x = place.x + NODE + 8.0;
            let records = grouped(place.records);
            let words = if place.is_kept {
                Markup::from([
                    label("halo strong", (x, place.y + 15.0), &records),
                    label("halo", (x, place.y + 32.0), place.name),
                ])
            } else {
                let y = place.y
                    + place.height.max(LINE) / 2.0
                    + if place.height < LINE { -2.0 } else { 4.0 };
                label("halo soft", (x, y), &format!("{records} {}", place.name))
            };
            Markup::from([plate.with("rx", 1.5).alone(), words])
        });
        drawn.collect()
    }

    /// The whole way in a sentence.
    fn said(&self, read: u64) -> String {
        let left = self.places.iter().filter(|place| !place.is_kept);
        let left: u64 = left.map(|place| place.records).sum();
        let is_end = |index: usize| !self.bands.iter().any(|(from, _, _)| *from == index);
        let places = self.places.iter().enumerate();
        let ends = places.filter(|(index, place)| place.is_kept && is_end(*index));
        let arrived: u64 = ends.map(|(_, place)| place.records).sum();
        format!(
            "{} at the beginning, {} at the end, {} left out on the way.",
            grouped(read),
            grouped(arrived),
            grouped(left)
        )
    }

    /// Every band in words.
    fn told(&self) -> String {
        let bands = self.bands.iter().map(|(_, _, flow)| {
            let records = grouped(flow.records);
            let left = if flow.is_kept { "" } else { " (left out)" };
            format!("{} to {}{left}: {records}", flow.origin, flow.target)
        });
        bands.collect::<Vec<_>>().join("; ")
    }
}

impl<'a> Place<'a> {
    fn kept(name: &'a str, column: usize, way: &[&'a Flow]) -> Self {
        let leaving = way.iter().filter(|flow| flow.origin == name);
        let arriving = way
            .iter()
            .filter(|flow| flow.is_kept && flow.target == name);
        let leaving: u64 = leaving.map(|flow| flow.records).sum();
        let arriving: u64 = arriving.map(|flow| flow.records).sum();
        Self::new(name, leaving.max(arriving), true, column)
    }

    fn left(flow: &'a Flow, column: usize) -> Self {
        Self::new(&flow.target, flow.records, false, column)
    }

    fn new(name: &'a str, records: u64, is_kept: bool, column: usize) -> Self {
        Self {
            name,
            records,
            is_kept,
            column,
            x: 0.0,
            y: 0.0,
            height: 0.0,
        }
    }
}

/// A band that leaves and arrives level, and turns late: the words beside its origin stay free.
fn band((x, y): (f64, f64), (to_x, to_y): (f64, f64), height: f64) -> String {
    let turn = x + (to_x - x) * 0.72;
    let back = x + (to_x - x) * 0.60;
    let (foot, to_foot) = (y + height, to_y + height);
    let [x, y, to_x, to_y, turn, back, foot, to_foot] =
        [x, y, to_x, to_y, turn, back, foot, to_foot].map(place);
    format!(
        "M{x} {y}C{turn} {y} {back} {to_y} {to_x} {to_y}V{to_foot}C{back} {to_foot} {turn} {foot} {x} {foot}Z"
    )
}
