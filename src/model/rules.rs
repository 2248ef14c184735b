//! What must hold of a model beyond the types of its header: its name, its copy. Its checks are
//! looked at in `builtin/rules.rs`.

use std::collections::BTreeMap;

use super::{File, Model, ModelHeader, header};
use crate::error::Error;

/// Files that every run writes itself.
const RUN_FILES: [&str; 5] = [
    "dead_letters.parquet",
    "journal.ndjson",
    "run.json",
    "step4_load.parquet",
    "step4_load_receipt.json",
];

/// A model is read by its file's stem: what SQL takes for a name without quotes.
pub fn name(stem: &str, file: &File) -> Option<Error> {
    let is_first = |character: char| character.is_ascii_lowercase() || character == '_';
    let is_good = stem.starts_with(is_first)
        && stem
            .chars()
            .all(|one| is_first(one) || one.is_ascii_digit());
    if is_good {
        return None;
    }
    let message = format!("`{}` cannot be the name of a table", file.name);
    let hint = format!(
        "use lower-case letters, digits and `_`: call the file `{}.sql`",
        better(stem)
    );
    Some(Error::usage(message).with_hint(hint))
}

/// A name that is allowed and looks like `stem`.
fn better(stem: &str) -> String {
    let plain = stem.to_lowercase();
    let words = plain.split(|one: char| !one.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let name = words.join("_");
    match name.chars().next() {
        None => "model".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) => name,
    }
}

/// A copy lies in the run's folder, in a format there is, and takes the place of no other file.
pub fn copy(header: &ModelHeader, file: &File) -> Option<Error> {
    let name = header.save_as.as_deref()?;
    let problem = if header.is_view() {
        Error::usage("a view has no rows of its own that could be saved")
            .with_hint("leave `materialized: view` or `save_as` out")
    } else if RUN_FILES.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        Error::usage(format!("every run has a file `{name}` of its own"))
            .with_hint("save the model under another name")
    } else if !is_file_name(name) {
        Error::usage(format!("`save_as` cannot be `{name}`")).with_hint(
            "it is the name of a file in the run's folder, ending `.parquet` or `.json`: \
             letters, digits, `_`, `-` and `.`",
        )
    } else {
        return None;
    };
    Some(problem.at(header::place(file, "save_as", None)))
}

fn is_file_name(name: &str) -> bool {
    let stem = name.strip_suffix(".parquet");
    let stem = stem.or_else(|| name.strip_suffix(".json"));
    let is_plain = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '-' | '.');
    stem.is_some_and(|stem| {
        stem.starts_with(|one: char| one.is_ascii_alphanumeric() || one == '_')
            && stem.chars().all(is_plain)
    })
}

/// An exception without a reason is a silenced rule.
pub fn exceptions(header: &ModelHeader, file: &File) -> Vec<Error> {
    let empty = header
        .allow
        .given()
        .filter(|(_, reason)| reason.trim().is_empty());
    empty
        .map(|(key, _)| {
            Error::usage(format!("`allow.{key}` gives no reason"))
                .at(header::place(file, "allow", None))
                .with_hint(format!("say why it is right here: `{key}: …`"))
        })
        .collect()
}

/// Two models that are saved under one name.
pub fn copies(models: &[Model]) -> Vec<Error> {
    let mut seen: BTreeMap<String, &Model> = BTreeMap::new();
    let mut problems = vec![];
    for model in models {
        let Some(name) = &model.header.save_as else {
            continue;
        };
        // Some disks know no case.
        if let Some(other) = seen.insert(name.to_lowercase(), model) {
            let message = format!(
                "`{}` and `{}` are both saved as `{name}`",
                other.name, model.name
            );
            let place = header::place(&model.sql.file, "save_as", None);
            let hint = "save one of them under another name";
            problems.push(Error::usage(message).at(place).with_hint(hint));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::{copy, exceptions, name};
    use crate::{
        error::Error,
        model::{File, header},
    };

    fn file(header: &str) -> File {
        File {
            path: "m.sql".into(),
            name: "sql/m.sql".into(),
            text: format!("/* dfpipe\nversion: 1\n{header}\n*/\nselect 1"),
        }
    }

    fn line(error: &Error) -> usize {
        error.place().unwrap().line
    }

    #[test]
    fn an_exception_needs_a_reason() {
        for (allow, count) in [
            ("allow: {float_aggregates: rounded to cents below}", 0),
            ("allow: {float_aggregates: ''}", 1),
            ("allow: {unused: ' ', no_key: ''}", 2),
        ] {
            let file = file(allow);
            let header = header::read(&file).unwrap();
            assert_eq!(exceptions(&header, &file).len(), count, "{allow}");
        }
    }

    #[test]
    fn a_model_is_called_like_a_table_and_a_better_name_is_told() {
        for good in ["a", "_a1", "engagement_score"] {
            assert!(name(good, &file("")).is_none(), "{good}");
        }
        for (bad, better) in [
            ("a.b", "`a_b.sql`"),
            ("Upper", "`upper.sql`"),
            ("My Model", "`my_model.sql`"),
            ("1x", "`_1x.sql`"),
            ("größe", "`gr_e.sql`"),
            ("!", "`model.sql`"),
        ] {
            let error = name(bad, &file("")).unwrap();
            assert!(error.hint().unwrap().contains(better), "{bad}");
        }
    }

    #[test]
    fn a_copy_is_a_file_of_the_runs_folder_that_no_run_writes_itself() {
        let refused = |name: &str| {
            let file = file(&format!("save_as: {name}"));
            let error = copy(&header::read(&file).unwrap(), &file);
            error.map(|error| line(&error))
        };
        for good in ["a.parquet", "step1.v2.json", "rejects.parquet"] {
            assert_eq!(refused(good), None, "{good}");
        }
        for bad in [
            "/tmp/x.parquet",
            "../../evil.json",
            "sub/x.parquet",
            "sub\\x.parquet",
            "x.csv",
            ".parquet",
            "..parquet",
            "journal.ndjson",
            "run.json",
            "RUN.json",
            "dead_letters.parquet",
            "step4_load_receipt.json",
            "step4_load.parquet",
        ] {
            assert_eq!(refused(bad), Some(3), "{bad}");
        }
    }
}
