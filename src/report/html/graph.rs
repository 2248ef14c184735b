//! The models as a graph: what reads what, how many rows came of it, and where the time went.

use std::collections::BTreeMap;

use super::{
    markup::{Element, Markup, element},
    picture::{Picture, hint, label, path, rectangle, shortened},
    plan::{PLATE, Plan},
};
use crate::{
    report::numbers::{counted, moment},
    run::record::{ModelRecord, RunRecord},
};

/// Letters that fit on a plate.
const LETTERS: usize = 22;

/// How to read the picture.
const KEY: &str = "Each plate is a table, and a line goes down to what is made of it, unless that follows \
                   from other lines. The mark in a plate is its share of the slowest one's time. Dashed \
                   plates are only read, framed ones are kept as a file of their own.";

/// A model, or a table that models start from.
struct Node<'a> {
    name: &'a str,
    model: Option<&'a ModelRecord>,
    rows: Option<u64>,
}

/// The graph in its card, if there are models.
pub fn graph(record: &RunRecord) -> Markup {
    if record.models.is_empty() {
        return Markup::default();
    }
    let nodes = nodes(record);
    let is_read_only = |index: usize| nodes[index].model.is_none();
    let plan = Plan::of(nodes.len(), &arrows(&nodes), &is_read_only);
    let slowest = record.models.iter().map(|model| model.seconds);
    let slowest = slowest.fold(f64::MIN_POSITIVE, f64::max);
    let lines = plan.ways().map(|way| path("edge", way).alone());
    let plates = nodes.iter().enumerate();
    let plates = plates.map(|(index, node)| plate(node, plan.corner(index), slowest));
    let (width, height) = plan.size;
    let picture = Picture {
        id: "graph",
        title: "The models",
        description: &said(&nodes),
        width,
        height,
    };
    let drawn = picture.draw_in_box(lines.chain(plates));
    let key = element("figcaption").text(KEY);
    element("figure").class("card wide").around([drawn, key])
}

/// From what is read to what reads it.
fn arrows(nodes: &[Node<'_>]) -> Vec<(usize, usize)> {
    let find = |name: &str| nodes.iter().position(|node| node.name == name);
    let models = nodes.iter().enumerate();
    let models = models.filter_map(|(index, node)| Some((index, node.model?)));
    let arrows = models.flat_map(|(index, model)| {
        let read = model.reads.iter().filter_map(|read| find(read));
        read.map(move |read| (read, index))
    });
    arrows.collect()
}

fn nodes(record: &RunRecord) -> Vec<Node<'_>> {
    let mut nodes: BTreeMap<&str, Node<'_>> = BTreeMap::new();
    for read in record.models.iter().flat_map(|model| &model.reads) {
        let source = record.sources.iter().find(|source| source.name == *read);
        let rows = source.map(|source| source.rows);
        let (name, model) = (read.as_str(), None);
        nodes.insert(name, Node { name, model, rows });
    }
    for model in &record.models {
        let node = Node {
            name: &model.name,
            model: Some(model),
            rows: (!model.is_view()).then_some(model.file.rows),
        };
        nodes.insert(node.name, node);
    }
    nodes.into_values().collect()
}

fn plate(node: &Node<'_>, (x, y): (f64, f64), slowest: f64) -> Markup {
    let class = match node.model {
        None => "plate source",
        Some(model) if model.save_as.is_some() => "plate saved",
        Some(_) => "plate",
    };
    let seconds = node.model.map(|model| model.seconds);
    let facts = [
        node.rows.map(|rows| counted(rows, "row")),
        seconds.map(moment),
    ];
    let facts: Vec<_> = facts.into_iter().flatten().collect();
    let facts = facts.join(" · ");
    let tells = match node.model {
        Some(model) => format!("{}: {facts}; reads {}", node.name, model.reads.join(", ")),
        None => format!("{}: {facts}", node.name),
    };
    let share = seconds.unwrap_or(0.0).max(0.0) / slowest;
    let corner = |plate: Element| plate.with("rx", 6);
    let middle = x + PLATE.0 / 2.0;
    let name = shortened(node.name, LETTERS);
    let name_at = if facts.is_empty() { y + 26.0 } else { y + 18.0 };
    element("g").around([
        hint(&tells),
        corner(rectangle(class, (x, y), PLATE)).alone(),
        rectangle(
            "heat",
            (x + 8.0, y + PLATE.1 - 8.0),
            ((PLATE.0 - 16.0) * share, 3.0),
        )
        .alone(),
        label("middle strong", (middle, name_at), &name),
        label("middle soft", (middle, y + 32.0), &facts),
    ])
}

fn said(nodes: &[Node<'_>]) -> String {
    let models = nodes.iter().filter_map(|node| node.model);
    let lines = models.map(|model| {
        let rows = counted(model.file.rows, "row");
        let reads = model.reads.join(", ");
        format!(
            "{} ({rows}, {}) reads {reads}",
            model.name,
            moment(model.seconds)
        )
    });
    lines.collect::<Vec<_>>().join("; ")
}
