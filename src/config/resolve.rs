//! What the file says ([`super::raw`]) becomes what will be done ([`Config`]).
//!
//! The last step in which a configuration can be wrong; every problem keeps its place in the file.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Ballista, Column, ColumnType, Config, Destination, Engine, FileFormat, Files, From, Kafka,
    Notify, NotifyOn, OpenLineage, Parquet, Personal, Report, Source, SourceCheck, To,
    check::{BuiltinCheck, rules::of_extract},
    path,
    raw::{
        RawBallista, RawColumn, RawConfig, RawDestination, RawEngine, RawFiles, RawFrom, RawKafka,
        RawNotify, RawOpenLineage, RawPii, RawSource,
    },
    said,
    size::parse_size,
    yaml::{Data, Node, Text},
};
use crate::{
    clock::parse_time,
    error::{Error, Place, Result},
};

mod format;
mod message;
mod rest;

const DEFAULT_MEMORY: usize = 2_000_000_000;

/// Seconds that a setting may wait: at most a day.
const TIMEOUTS: RangeInclusive<u64> = 1..=86_400;

/// Names that dfpipe adds to every extract; see [`crate::sources`].
const RESERVED_COLUMNS: [&str; 2] = ["_part", "_position"];

/// Finds the place of a value again by its path of keys.
pub struct Places<'a> {
    /// The whole file.
    pub root: &'a Node,
    /// Its text.
    pub text: &'a Text<'a>,
}

impl Places<'_> {
    fn problem(&self, path: &[&str], message: String) -> Error {
        let node = self.node(path).unwrap_or(self.root);
        Error::usage(message).at(self.text.place(node.mark))
    }

    /// The place of an item of a list.
    fn item(&self, path: &[&str], index: usize) -> Place {
        let list = path.iter().try_fold(self.root, |node, key| node.get(key));
        let item = list.and_then(|list| match &list.data {
            Data::List(items) => items.get(index),
            _ => None,
        });
        self.text.place(item.or(list).unwrap_or(self.root).mark)
    }

    /// A value as it stands in the file: what variables hold is not for the screen.
    pub(super) fn written(&self, path: &[&str]) -> &str {
        self.node(path).and_then(Node::written).unwrap_or_default()
    }

    fn node(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self.root, |node, key| node.get(key))
    }
}

pub(super) struct Resolver<'a> {
    project: &'a Path,
    pub(super) places: &'a Places<'a>,
    problems: Vec<Error>,
}

/// Resolves the whole configuration, or says all that is wrong with it.
pub fn resolve(
    raw: RawConfig,
    project: &Path,
    profile: String,
    places: &Places<'_>,
) -> Result<Config> {
    let mut resolver = Resolver {
        project,
        places,
        problems: vec![],
    };
    let config = resolver.config(raw, profile);
    match Error::all(resolver.problems) {
        Some(error) => Err(error),
        None => Ok(config),
    }
}

impl Resolver<'_> {
    fn config(&mut self, raw: RawConfig, profile: String) -> Config {
        let as_of = raw.as_of.as_deref().and_then(|text| {
            let time = parse_time(text);
            let written = self.places.written(&["as_of"]);
            self.check(time.is_some(), &["as_of"], || {
                format!("`as_of` is not a time: `{written}`")
            });
            time
        });
        let key = &raw.email_hash_key;
        self.check(!key.expose().is_empty(), &["email_hash_key"], || {
            "`email_hash_key` is empty".to_owned()
        });
        let window_days = raw.window_days.unwrap_or(7);
        self.check((1..=3660).contains(&window_days), &["window_days"], || {
            format!("`window_days` must lie between 1 and 3660, not {window_days}")
        });
        for name in raw.parameters.keys() {
            let taken = super::interpolate::RUN_PARAMETERS.contains(&name.as_str());
            self.check(!taken, &["parameters", name], || {
                format!("`{name}` is a parameter that every run sets itself")
            });
        }
        let said = said::said(&raw, self.places.root);
        let raw_pipeline = raw.pipeline.clone();
        let sources = raw.sources.into_iter();
        Config {
            project: self.project.to_owned(),
            profile,
            pipeline: raw.pipeline,
            as_of,
            window_days,
            work_dir: self.folder(raw.work_dir.as_deref().unwrap_or(".dfpipe/work")),
            archive: self.location(raw.archive.as_deref().unwrap_or(".dfpipe/archive")),
            keep_runs: self.keep_runs(raw.keep_runs),
            email_hash_key: raw.email_hash_key,
            working_copies: raw.working_copies.unwrap_or_default(),
            parameters: raw.parameters,
            engine: self.engine(&raw.engine),
            sources: sources
                .map(|(name, raw)| (name.clone(), self.source(name, raw)))
                .collect(),
            destination: self.destination(raw.destination),
            report: Report {
                summary: raw.report.summary,
                charts: raw.report.charts,
                flow: raw.report.flow,
            },
            notify: self.notify(raw.notify),
            openlineage: raw
                .openlineage
                .map(|raw| self.openlineage(raw, &raw_pipeline)),
            said,
        }
    }

    fn keep_runs(&mut self, count: Option<u32>) -> Option<usize> {
        self.check(count != Some(0), &["keep_runs"], || {
            "`keep_runs` keeps at least 1 run".to_owned()
        });
        count.map(|count| count as usize)
    }

    fn notify(&mut self, raw: RawNotify) -> Notify {
        // An empty address is what `${WEBHOOK:-}` gives where nobody wants to be told.
        let webhook = raw.webhook.filter(|webhook| !webhook.expose().is_empty());
        let is_url = webhook
            .as_ref()
            .is_none_or(|webhook| is_http(webhook.expose()));
        self.check(is_url, &["notify", "webhook"], || {
            "`notify.webhook` is not an http or https URL".to_owned()
        });
        let both = vec![NotifyOn::Success, NotifyOn::Failure];
        Notify {
            webhook,
            on: raw.on.unwrap_or(both),
        }
    }

    fn openlineage(&mut self, raw: RawOpenLineage, pipeline: &str) -> OpenLineage {
        let url = raw.url.filter(|url| !url.is_empty());
        let is_url = url.as_deref().is_none_or(is_http);
        self.check(is_url, &["openlineage", "url"], || {
            "`openlineage.url` is not an http or https URL".to_owned()
        });
        OpenLineage {
            namespace: raw.namespace.unwrap_or_else(|| pipeline.to_owned()),
            file: raw.file.as_deref().map(|path| self.folder(path)),
            url: url.and_then(|url| url::Url::parse(&url).ok()),
            api_key: raw.api_key,
        }
    }

    fn engine(&mut self, raw: &RawEngine) -> Engine {
        let limit = raw.memory_limit.as_deref().map(|text| {
            let size = parse_size(text);
            let written = self.places.written(&["engine", "memory_limit"]);
            self.check(size.is_some(), &["engine", "memory_limit"], || {
                format!("`engine.memory_limit` is not a size: `{written}` (such as `512MB`)")
            });
            size.unwrap_or(DEFAULT_MEMORY)
        });
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let partitions = raw
            .partitions
            .map_or(cores, |partitions| partitions as usize);
        self.check(
            (1..=1024).contains(&partitions),
            &["engine", "partitions"],
            || format!("`engine.partitions` must lie between 1 and 1024, not {partitions}"),
        );
        Engine {
            memory_limit: limit.unwrap_or(DEFAULT_MEMORY),
            partitions,
            spill_dir: raw.spill_dir.as_deref().map(|path| self.folder(path)),
            ballista: raw.ballista.as_ref().map(|raw| self.ballista(raw)),
        }
    }

    fn ballista(&mut self, raw: &RawBallista) -> Ballista {
        let here = ["engine", "ballista", "scheduler"];
        let scheduler = raw.scheduler.strip_prefix("df://");
        let is_address = |address: &str| {
            let port = address
                .rsplit_once(':')
                .filter(|(host, _)| !host.is_empty());
            port.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0))
        };
        self.check(scheduler.is_some_and(is_address), &here, || {
            format!("`engine.ballista.scheduler` is not an address: `{}` (such as `df://scheduler:50050`)", raw.scheduler)
        });
        Ballista {
            scheduler: scheduler.unwrap_or_default().to_owned(),
            store: raw.store.as_deref().map(|place| self.location(place)),
        }
    }

    fn source(&mut self, name: String, raw: RawSource) -> Source {
        let here = ["sources", name.as_str()];
        self.check(is_name(&name), &here, || {
            format!("`{name}` cannot be the name of a table")
        });
        self.check(!raw.columns.is_empty(), &here, || {
            format!("source `{name}` has no columns")
        });
        let key = raw.key.as_deref();
        self.check(
            key.is_none_or(|key| raw.columns.contains_key(key)),
            &here,
            || {
                format!(
                    "the key `{}` of `{name}` is not one of its columns",
                    key.unwrap_or_default()
                )
            },
        );
        let columns = raw.columns.into_iter();
        let columns: Vec<_> = columns
            .map(|(column, raw_column)| self.column(&name, column, raw_column, &raw.from))
            .collect();
        let share = raw.max_dead_letters.unwrap_or(0.01);
        self.check((0.0..=1.0).contains(&share), &here, || {
            format!("`max_dead_letters` of `{name}` is a share between 0 and 1, not {share}")
        });
        let from = match raw.from {
            RawFrom::Files(files) => From::Files(self.files(&name, &files)),
            RawFrom::Crm(crm) => From::Crm(self.crm(&name, &columns, crm)),
            RawFrom::Kafka(kafka) => From::Kafka(self.kafka(&name, kafka)),
        };
        let checks = self.checks(&name, &columns, raw.checks);
        let (description, key) = (raw.description, raw.key);
        Source {
            name,
            description,
            key,
            columns,
            max_dead_letters: share,
            checks,
            from,
        }
    }

    fn checks(
        &mut self,
        source: &str,
        columns: &[Column],
        checks: Vec<BuiltinCheck>,
    ) -> Vec<SourceCheck> {
        let columns = columns.iter().map(|column| column.name.as_str());
        let columns: Vec<_> = columns.chain(RESERVED_COLUMNS).collect();
        let checks = checks.into_iter().enumerate().map(|(index, check)| {
            let place = self.places.item(&["sources", source, "checks"], index);
            let problems = of_extract(&check, source, &columns);
            let problems = problems.into_iter().flat_map(Error::each);
            let problems = problems.map(|problem| problem.at(place.clone()));
            self.problems.extend(problems);
            SourceCheck { check, place }
        });
        checks.collect()
    }

    fn column(&mut self, source: &str, name: String, raw: RawColumn, within: &RawFrom) -> Column {
        let here = ["sources", source, "columns", name.as_str()];
        let usable = is_name(&name) && !RESERVED_COLUMNS.contains(&name.as_str());
        self.check(usable, &here, || {
            format!("`{name}` cannot be the name of a column")
        });
        let kind = ColumnType::parse(&raw.kind);
        let place = [&here[..], &["type"]].concat();
        let written = self.places.written(&place);
        self.check(kind.is_some(), &place, || {
            format!("column `{name}` cannot be `{written}`: p is 1 to 38, s is 0 to p")
        });
        let kind = kind.unwrap_or(ColumnType::Text);
        let is_email = matches!(raw.pii, Some(RawPii::Email));
        self.check(!is_email || kind == ColumnType::Text, &here, || {
            format!("column `{name}` is an e-mail address, so its type must be `text`")
        });
        let at = [&here[..], &["path"]].concat();
        let path = raw.path.as_deref().map(|path| self.path(&at, path));
        let path = path.unwrap_or_else(|| vec![name.clone()]);
        let part = raw.from.as_deref();
        let part = part.and_then(|part| self.message_part(&here, part, kind, within));
        Column {
            name,
            kind,
            path,
            from: part,
            required: raw.required.unwrap_or(false),
            is_email,
            personal: raw.pii.and_then(Personal::of),
            description: raw.description,
        }
    }

    fn files(&mut self, source: &str, raw: &RawFiles) -> Files {
        let format = raw.format.or_else(|| format_of(&raw.path));
        let place = ["sources", source, "from", "path"];
        let written = self.places.written(&place);
        self.check(format.is_some(), &place, || {
            format!("the format of `{written}` cannot be told from its name: set `format`")
        });
        Files {
            path: self.location(&raw.path),
            format: format.unwrap_or(FileFormat::Ndjson),
            records: match raw.records.as_deref() {
                None | Some("") => vec![],
                Some(path) => self.path(&["sources", source, "from", "records"], path),
            },
        }
    }

    fn kafka(&mut self, source: &str, raw: RawKafka) -> Kafka {
        for (name, value) in [
            ("brokers", &raw.brokers),
            ("topic", &raw.topic),
            ("group", &raw.group),
        ] {
            self.check(
                !value.is_empty(),
                &["sources", source, "from", name],
                || format!("`{name}` of `{source}` is empty"),
            );
        }
        let timeout = raw.timeout_seconds.unwrap_or(30);
        let stall = raw.stall_timeout_seconds.unwrap_or(120);
        let max_messages = raw.max_messages.unwrap_or(500_000_000);
        let here = ["sources", source, "from"];
        self.between(&here, "timeout_seconds", timeout, TIMEOUTS);
        self.between(&here, "stall_timeout_seconds", stall, TIMEOUTS);
        self.between(&here, "max_messages", max_messages, 1..=u64::MAX);
        Kafka {
            brokers: raw.brokers,
            topic: raw.topic,
            group: raw.group,
            format: self.message_format(source, raw.format),
            max_lateness: chrono::Duration::seconds(i64::from(
                raw.max_lateness_seconds.unwrap_or(3600),
            )),
            ends_by_time: raw.ends_by_time,
            on_gap: raw.on_gap.unwrap_or_default(),
            max_messages,
            timeout: Duration::from_secs(timeout),
            stall_timeout: Duration::from_secs(stall),
            options: raw.options.into_iter().collect(),
        }
    }

    fn destination(&mut self, raw: RawDestination) -> Destination {
        let raw = match raw {
            RawDestination::Parquet(raw) => raw,
            RawDestination::BigQuery(raw) => return self.bigquery(raw),
        };
        for (name, value) in [("dataset", &raw.dataset), ("table", &raw.table)] {
            self.destination_name(name, value);
        }
        let path = self.location(raw.path.as_deref().unwrap_or(".dfpipe/warehouse"));
        Destination {
            model: raw.model,
            dataset: raw.dataset,
            table: raw.table,
            on_repeat: raw.on_repeat.unwrap_or_default(),
            to: To::Parquet(Parquet { path }),
        }
    }

    pub(super) fn destination_name(&mut self, name: &str, value: &str) {
        let written = self.places.written(&["destination", name]);
        self.check(is_name(value), &["destination", name], || {
            format!("`{written}` cannot be the name of a {name}")
        });
    }

    /// The parts of a path into JSON.
    fn path(&mut self, at: &[&str], text: &str) -> Vec<String> {
        path::parse(text).unwrap_or_else(|| {
            let written = self.places.written(at);
            let message = format!("`{written}` is not a path");
            let problem = self.places.problem(at, message).with_hint(path::HINT);
            self.problems.push(problem);
            vec![]
        })
    }

    pub(super) fn check(&mut self, holds: bool, path: &[&str], message: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(self.places.problem(path, message()));
        }
    }

    pub(super) fn between(
        &mut self,
        at: &[&str],
        name: &str,
        value: u64,
        range: RangeInclusive<u64>,
    ) {
        let (least, most) = (range.start(), range.end());
        self.check(range.contains(&value), &[at, &[name]].concat(), || {
            format!("`{name}` must lie between {least} and {most}, not {value}")
        });
    }

    pub(super) fn folder(&self, path: &str) -> PathBuf {
        self.project.join(path)
    }

    /// A URL as it is, a path below the project.
    fn location(&self, path: &str) -> String {
        if path.contains("://") {
            path.to_owned()
        } else {
            self.folder(path).display().to_string()
        }
    }
}

fn is_http(address: &str) -> bool {
    url::Url::parse(address)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn format_of(path: &str) -> Option<FileFormat> {
    let name = path.strip_suffix(".gz").unwrap_or(path);
    match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "json" => Some(FileFormat::Json),
        "ndjson" | "jsonl" => Some(FileFormat::Ndjson),
        "csv" => Some(FileFormat::Csv),
        "parquet" => Some(FileFormat::Parquet),
        _ => None,
    }
}

/// Whether SQL can use the name without quotes.
fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase() || first == '_')
        && characters.all(|next| next.is_ascii_lowercase() || next.is_ascii_digit() || next == '_')
}
