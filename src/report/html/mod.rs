//! `report.html`: one file that needs no network and no script, for whoever would rather look than read.
//!
//! ```text
//! content (words and tables) ─┐
//!                             ├─▶ page ─▶ markup
//! flow, bars, trend, graph ───┘
//! ```

mod bars;
mod flow;
mod frame;
mod graph;
mod layers;
mod markup;
mod page;
mod picture;
mod plan;
mod tables;
mod trend;
mod verdict;

pub use page::report;
