//! Released versions of the models: `sql/versions.lock` names them, `sql/versions/` keeps their texts.
//!
//! A version is closed by `dfpipe release`. A model whose statement is not that of its version is a
//! *working copy*: fine while one works on it, marked wherever its result goes. Pure; the loader reads
//! the files.

use std::fmt::Write;

use chrono::NaiveDate;
use indexmap::IndexMap;
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};

use super::{File, Model, Sql, fingerprint, header};
use crate::{
    config::{conform::conform, yaml},
    error::{Error, Kind, Result},
};

/// The file that names the released versions.
pub const LOCK: &str = "sql/versions.lock";

/// The folder of their texts.
pub const FOLDER: &str = "sql/versions/";

const HEAD: &str = "# Released versions of the models, written by `dfpipe release`. Commit it with sql/versions/.\n";

/// All released versions of a project.
#[derive(Clone, Debug, Default)]
pub struct Versions {
    models: IndexMap<String, Vec<Released>>,
}

/// A version that was closed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// Its number.
    pub version: u32,
    /// The fingerprint of its statement.
    pub fingerprint: String,
    /// The day of its release.
    pub released_at: String,
    /// Why it was made.
    pub reason: String,
}

/// How a model stands to its released versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its statement is that of its version.
    Released,
    /// It is not, or not yet.
    WorkingCopy,
}

/// A released version that stands in for a model's file: `MODEL@N`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct Use {
    /// The model.
    pub model: String,
    /// The version.
    pub version: u32,
}

/// What a release writes.
#[derive(Debug)]
pub struct Release {
    /// The number of the new version.
    pub version: u32,
    /// The model's file as it should be from now on.
    pub text: String,
    /// Where its text is kept, relative to the project.
    pub kept_as: String,
}

impl Versions {
    /// Reads the file's text.
    pub fn parse(source: &str) -> Result<Self> {
        let text = yaml::Text {
            file: LOCK,
            source,
            lines_before: 0,
        };
        let node = yaml::parse(&text)?;
        if node.is_null() {
            return Ok(Self::default());
        }
        let schema = schema_for!(IndexMap<String, Vec<Released>>).to_value();
        let value = conform(&node, &schema, &text)
            .map_err(|problems| Error::all(problems).unwrap_or_else(|| Error::bug("no problem")))?;
        let models = serde_json::from_value(value)
            .map_err(|error| Error::bug(format!("`{LOCK}` is odd")).because(error))?;
        Ok(Self { models })
    }

    /// The file's text.
    pub fn render(&self) -> String {
        let mut text = HEAD.to_owned();
        let mut models: Vec<_> = self.models.iter().collect();
        models.sort_by_key(|(name, _)| *name);
        for (name, versions) in models {
            let _ = writeln!(text, "{name}:");
            for one in versions {
                // A JSON string is one of YAML, whatever stands in it.
                let reason = serde_json::Value::from(one.reason.as_str());
                let _ = writeln!(
                    text,
                    "  - {{version: {}, fingerprint: {}, released_at: {}, reason: {reason}}}",
                    one.version, one.fingerprint, one.released_at
                );
            }
        }
        text
    }

    /// Whether nothing was ever released: then there are no working copies either.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// How `model` stands.
    pub fn standing(&self, model: &Model) -> Standing {
        let version = self.version(&model.name, model.header.version);
        if version.is_some_and(|released| released.fingerprint == model.fingerprint) {
            Standing::Released
        } else {
            Standing::WorkingCopy
        }
    }

    /// The models that are working copies, and what to say of each.
    pub fn working_copies<'a>(&self, models: &'a [Model]) -> Vec<(&'a Model, String)> {
        let copies = models
            .iter()
            .filter(|model| self.standing(model) == Standing::WorkingCopy);
        copies.map(|model| (model, self.describe(model))).collect()
    }

    fn describe(&self, model: &Model) -> String {
        let (name, version) = (&model.name, model.header.version);
        let what = if self.version(name, version).is_some() {
            format!("its SQL is not that of the released version {version}")
        } else {
            format!("version {version} is not released")
        };
        format!("`{name}` is a working copy: {what}")
    }

    /// The text that stands in for a model, which must be what was released.
    pub fn verify(&self, wanted: &Use, file: &File) -> Result<()> {
        let released = self.version(&wanted.model, wanted.version);
        let released = released.ok_or_else(|| self.unknown(wanted))?;
        let sql = Sql::parse(file.clone())?;
        if fingerprint::of(&sql.statement) == released.fingerprint {
            return Ok(());
        }
        let message = format!("`{}` is not what was released", file.name);
        Err(Error::usage(message).with_hint("take it from version control as it was"))
    }

    /// The error that there is no such version.
    pub fn unknown(&self, wanted: &Use) -> Error {
        let Use { model, version } = wanted;
        let numbers = self.models.get(model).into_iter().flatten();
        let numbers: Vec<_> = numbers.map(|one| one.version.to_string()).collect();
        let error = Error::usage(format!(
            "there is no released version {version} of `{model}`"
        ));
        if numbers.is_empty() {
            error.with_hint(format!(
                "`dfpipe release {model} -m WHY` releases the first"
            ))
        } else {
            error.with_hint(format!("these are: {}", numbers.join(", ")))
        }
    }

    /// Closes a version of `model`: the next number, whatever stands in its file.
    pub fn release(&mut self, model: &Model, reason: &str, day: NaiveDate) -> Result<Release> {
        let last = self.last(&model.name);
        if self.standing(model) == Standing::Released {
            let message = format!("`{}` is released as version {last} already", model.name);
            return Err(Error::new(Kind::NothingDone, message));
        }
        let version = last + 1;
        if model.header.version > version {
            let message = format!(
                "`{}` says version {}, but version {version} is the next",
                model.name, model.header.version
            );
            let place = header::place(&model.sql.file, "version", None);
            return Err(Error::usage(message).at(place));
        }
        let released = Released {
            version,
            fingerprint: model.fingerprint.clone(),
            released_at: day.to_string(),
            reason: reason.to_owned(),
        };
        self.models
            .entry(model.name.clone())
            .or_default()
            .push(released);
        Ok(Release {
            version,
            text: with_version(&model.sql.file, version),
            kept_as: path(&model.name, version),
        })
    }

    fn version(&self, model: &str, version: u32) -> Option<&Released> {
        let mut versions = self.models.get(model)?.iter();
        versions.find(|released| released.version == version)
    }

    fn last(&self, model: &str) -> u32 {
        let versions = self.models.get(model).into_iter().flatten();
        versions.map(|released| released.version).max().unwrap_or(0)
    }
}

impl Use {
    /// Reads `MODEL@N`.
    pub fn parse(text: &str) -> Option<Self> {
        let (model, version) = text.split_once('@')?;
        Some(Self {
            model: model.to_owned(),
            version: version.parse().ok()?,
        })
    }

    /// Where its text is kept, relative to the project.
    pub fn path(&self) -> String {
        path(&self.model, self.version)
    }
}

impl std::fmt::Display for Use {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}@{}", self.model, self.version)
    }
}

fn path(model: &str, version: u32) -> String {
    format!("{FOLDER}{model}@{version}.sql")
}

/// The file's text with another number of its version.
fn with_version(file: &File, version: u32) -> String {
    let place = header::place(file, "version", None);
    let mut lines: Vec<String> = file.text.split('\n').map(str::to_owned).collect();
    if let Some(line) = lines.get_mut(place.line - 1) {
        let old: String = line
            .chars()
            .skip(place.column - 1)
            .take(place.length)
            .collect();
        let start: usize = line
            .chars()
            .take(place.column - 1)
            .map(char::len_utf8)
            .sum();
        line.replace_range(start..start + old.len(), &version.to_string());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{File, Standing, Use, Versions};
    use crate::model::{Model, ModelHeader, Sql, fingerprint, header};

    const TEXT: &str = "/* dfpipe\nversion: 1 # the first\ndescription: d\n*/\nselect 1 as a\n";

    fn model(text: &str) -> Model {
        let file = File {
            path: "m.sql".into(),
            name: "sql/m.sql".into(),
            text: text.into(),
        };
        let header: ModelHeader = header::read(&file).unwrap();
        let sql = Sql::parse(file).unwrap();
        Model {
            name: "m".into(),
            header,
            fingerprint: fingerprint::of(&sql.statement),
            sql,
        }
    }

    #[test]
    fn a_release_closes_the_next_version_and_can_be_read_again() {
        let day = "2026-11-15".parse().unwrap();
        let mut versions = Versions::default();
        let first = versions
            .release(&model(TEXT), "The \"first\": one", day)
            .unwrap();
        assert_eq!((first.version, first.text.as_str()), (1, TEXT));
        assert_eq!(first.kept_as, "sql/versions/m@1.sql");
        let versions = Versions::parse(&versions.render()).unwrap();
        assert_eq!(versions.standing(&model(TEXT)), Standing::Released);
        assert_eq!(versions.models["m"][0].reason, "The \"first\": one");
    }

    #[test]
    fn comments_make_no_working_copy_and_another_statement_does() {
        let mut versions = Versions::default();
        let day = "2026-11-15".parse().unwrap();
        versions.release(&model(TEXT), "r", day).unwrap();
        let commented = TEXT.replace("select 1", "select -- one\n 1");
        assert_eq!(versions.standing(&model(&commented)), Standing::Released);
        assert!(versions.release(&model(&commented), "r", day).is_err());
        let other = model(&TEXT.replace("select 1", "select 2"));
        assert_eq!(versions.standing(&other), Standing::WorkingCopy);
        // The number in the file follows.
        let second = versions.release(&other, "r", day).unwrap();
        assert!(
            second.text.contains("version: 2 # the first"),
            "{}",
            second.text
        );
        let jumped = model(
            &TEXT
                .replace("version: 1", "version: 9")
                .replace("select 1", "select 3"),
        );
        assert!(versions.release(&jumped, "r", day).is_err());
    }

    #[test]
    fn a_use_is_a_model_and_a_number() {
        let wanted = Use::parse("m@2").unwrap();
        assert_eq!((wanted.to_string().as_str(), wanted.version), ("m@2", 2));
        for text in ["m", "m@", "m@x", "@"] {
            assert!(Use::parse(text).is_none(), "{text}");
        }
    }
}
