//! This run beside the last ones: one small picture per number, all drawn alike.

use std::fmt::Write;

use super::{
    markup::{Element, Markup, element, place},
    picture::{Picture, hint, label, path},
};
use crate::{
    report::numbers::{amount, length, moment, size},
    run::record::{Figure, PastRun, RunRecord},
};

const WIDTH: f64 = 330.0;
const HEIGHT: f64 = 132.0;
/// Where the curve lies.
const TOP: f64 = 26.0;
const BOTTOM: f64 = 96.0;
const LEFT: f64 = 8.0;
const RIGHT: f64 = 322.0;

/// A number over the runs, the oldest first; nothing where a run did not have it.
struct Series {
    title: String,
    unit: &'static str,
    points: Vec<(String, Option<f64>)>,
}

/// A picture for the rows, the time, and every share among the figures; none for a first run.
pub fn trends(record: &RunRecord) -> Vec<Markup> {
    if record.previous.is_empty() {
        return vec![];
    }
    let series = all_series(record).into_iter().enumerate();
    let drawn = series.filter_map(|(number, series)| series.draw(&format!("trend-{number}")));
    drawn.collect()
}

fn all_series(record: &RunRecord) -> Vec<Series> {
    let percents = record.summary.iter();
    let percents = percents.filter(|figure| figure.unit == "percent");
    let mut all: Vec<_> = percents.map(|figure| of_figure(record, figure)).collect();
    let loaded = record.load.as_ref();
    all.push(of_runs(
        record,
        ("Rows loaded", "count"),
        loaded.map(|load| length(load.receipt.rows)),
        |past| past.rows.map(length),
    ));
    let (title, now) = ("Duration", Some(record.seconds()));
    all.push(of_runs(record, (title, "seconds"), now, |past| {
        Some(past.seconds)
    }));
    all
}

fn of_figure(record: &RunRecord, figure: &Figure) -> Series {
    of_runs(record, (&figure.label, "percent"), figure.value, |past| {
        let mut figures = past.summary.iter();
        figures.find(|old| old.metric == figure.metric)?.value
    })
}

fn of_runs(
    record: &RunRecord,
    (title, unit): (&str, &'static str),
    now: Option<f64>,
    then: impl Fn(&PastRun) -> Option<f64>,
) -> Series {
    let past = record.previous.iter().rev();
    let past = past.map(|past| (past.run_date.to_string(), then(past)));
    let now = (record.run_date.to_string(), now);
    Series {
        title: title.to_owned(),
        unit,
        points: past.chain([now]).collect(),
    }
}

impl Series {
    fn draw(&self, id: &str) -> Option<Markup> {
        let known = self.points.iter().filter_map(|(_, value)| *value);
        let known: Vec<f64> = known.filter(|value| value.is_finite()).collect();
        if known.len() < 2 {
            return None;
        }
        let least = known.iter().copied().fold(f64::INFINITY, f64::min);
        let most = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let places = self.places(least, most);
        let picture = Picture {
            id,
            title: &self.title,
            description: &self.said(),
            width: WIDTH,
            height: HEIGHT,
        };
        let parts = [self.frame(least, most), curve(&places), self.dots(&places)];
        let title = element("h3").text(&self.title);
        Some(
            element("figure")
                .class("card")
                .around([title, picture.draw(parts)]),
        )
    }

    /// Where each known point lies.
    fn places(&self, least: f64, most: f64) -> Vec<Option<(f64, f64)>> {
        let step = (RIGHT - LEFT) / size(self.points.len() - 1);
        let span = most - least;
        let points = self.points.iter().enumerate();
        let places = points.map(|(index, (_, value))| {
            let value = value.filter(|value| value.is_finite())?;
            let share = if span > 0.0 {
                (value - least) / span
            } else {
                0.5
            };
            Some((LEFT + step * size(index), BOTTOM - share * (BOTTOM - TOP)))
        });
        places.collect()
    }

    /// The dates at both ends, the least and the greatest value, and the line below.
    fn frame(&self, least: f64, most: f64) -> Markup {
        let first = self.points.first().map_or("", |(date, _)| date.as_str());
        let last = self.points.last().map_or("", |(date, _)| date.as_str());
        let range = if least < most {
            format!("{} to {}", self.shown(least), self.shown(most))
        } else {
            format!("always {}", self.shown(least))
        };
        let ground = format!("M0 {}H{}", place(BOTTOM + 12.0), place(WIDTH));
        Markup::from([
            path("rule", ground).alone(),
            label("soft", (0.0, 12.0), &range),
            label("soft", (0.0, HEIGHT - 6.0), first),
            label("soft end", (WIDTH, HEIGHT - 6.0), last),
        ])
    }

    fn dots(&self, places: &[Option<(f64, f64)>]) -> Markup {
        let last = self.points.len() - 1;
        let dots = self.points.iter().zip(places).enumerate();
        let dots = dots.filter_map(|(index, ((date, value), place))| {
            let ((x, y), value) = ((*place)?, (*value)?);
            let (class, radius) = if index == last {
                ("now", 4.5)
            } else {
                ("past", 3.0)
            };
            let tells = hint(&format!("{date}: {}", self.shown(value)));
            let dot = dot(class, (x, y), radius).around(tells);
            let value = if index == last {
                label("strong end", (WIDTH, 12.0), &self.shown(value))
            } else {
                Markup::default()
            };
            Some(Markup::from([dot, value]))
        });
        dots.collect()
    }

    fn said(&self) -> String {
        let points = self.points.iter().map(|(date, value)| {
            let value = value.map_or_else(|| "unknown".to_owned(), |value| self.shown(value));
            format!("{date}: {value}")
        });
        points.collect::<Vec<_>>().join("; ")
    }

    fn shown(&self, value: f64) -> String {
        match self.unit {
            "seconds" => moment(value),
            unit => amount(value, unit),
        }
    }
}

/// A line through all known points, with a gap where one is not.
fn curve(places: &[Option<(f64, f64)>]) -> Markup {
    let mut way = String::new();
    let mut sign = 'M';
    for place in places {
        sign = match place {
            Some((x, y)) => {
                let _ = write!(way, "{sign}{x:.1} {y:.1}");
                'L'
            }
            None => 'M',
        };
    }
    path("curve", way).alone()
}

fn dot(class: &str, (x, y): (f64, f64), radius: f64) -> Element {
    element("circle")
        .class(class)
        .with("cx", place(x))
        .with("cy", place(y))
        .with("r", radius)
}
