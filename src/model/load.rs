//! Reads the `sql/` folder: the only file of this room that touches the disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    File, Model, Recorded, Sql, SqlCheck, Use, Versions, builtin, fingerprint, graph, header,
    recorded, rules, versions,
};
use crate::error::{Error, Result};

/// The folder of models, below the project.
const FOLDER: &str = "sql";

/// Folders below it that hold no models.
const CHECKS: &str = "sql/checks/";
const TESTS: &str = "sql/tests/";

/// All models, in order, and all checks.
#[derive(Clone, Debug)]
pub struct Project {
    /// Models, each after all that it reads.
    pub models: Vec<Model>,
    /// Checks, in order of name.
    pub checks: Vec<SqlCheck>,
    /// The versions of the models that were released.
    pub versions: Versions,
    /// The destination's columns as they were last recorded.
    pub recorded: Option<Recorded>,
    /// Models that are not among these: their files are wrong, or what they read.
    pub left_out: BTreeSet<String>,
    /// What is wrong with them, and with other files.
    pub problems: Vec<Error>,
}

impl Project {
    /// Whether there is a model `name`, even if it is left out.
    pub fn has(&self, name: &str) -> bool {
        self.model(name).is_some() || self.left_out.contains(name)
    }

    /// The model `name`.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }
}

/// Reads all models and checks of the project in `folder`; `tables` are the names that are no models.
pub fn load(folder: &Path, tables: &BTreeSet<String>) -> Result<Project> {
    load_with(folder, tables, &[])
}

/// The same, with released versions in the place of some models' files.
pub fn load_with(folder: &Path, tables: &BTreeSet<String>, uses: &[Use]) -> Result<Project> {
    let mut project = load_as_far_as_possible(folder, tables, uses)?;
    match Error::all(std::mem::take(&mut project.problems)) {
        Some(error) => Err(error),
        None => Ok(project),
    }
}

/// The same for who wants to know all that is wrong: a file that is wrong leaves out itself and all models that
/// read it, and no others.
pub fn load_as_far_as_possible(
    folder: &Path,
    tables: &BTreeSet<String>,
    uses: &[Use],
) -> Result<Project> {
    let mut files = vec![];
    collect(&folder.join(FOLDER), folder, &mut files)?;
    let versions = versions(folder)?;
    let recorded = recorded(folder)?;
    let mut problems = vec![];
    let mut broken = BTreeSet::new();
    let mut models = vec![];
    let mut checks = vec![];
    for file in files {
        if file.name.starts_with(CHECKS) {
            keep(read_check(&file), &mut checks, &mut problems);
        } else if !file.name.starts_with(TESTS) && !file.name.starts_with(versions::FOLDER) {
            let name = stem(&file);
            let file = used(folder, &name, uses, &versions)?.unwrap_or(file);
            let read = read_model(name.clone(), &file);
            if read.is_err() {
                broken.insert(name);
            }
            keep(read, &mut models, &mut problems);
        }
    }
    problems.extend(unknown_uses(uses, &models, &broken));
    problems.extend(twins(&models, tables));
    problems.extend(rules::copies(&models));
    let order = graph::order(models, tables, &broken);
    problems.extend(order.problems);
    let mut project = Project {
        models: order.models,
        checks: vec![],
        versions,
        recorded,
        left_out: order.left_out,
        problems,
    };
    let unknown = unknown_reads(&mut checks, &project, tables);
    project.problems.extend(unknown);
    project.checks = checks;
    Ok(project)
}

/// Models that a version was asked for, and that there are not.
fn unknown_uses(uses: &[Use], models: &[Model], broken: &BTreeSet<String>) -> Vec<Error> {
    let names = || models.iter().map(|model| &model.name).chain(broken);
    let unknown = uses
        .iter()
        .filter(|wanted| names().all(|name| *name != wanted.model));
    let names = || names().map(String::as_str);
    unknown
        .map(|wanted| graph::unknown_table(&wanted.model, names()))
        .collect()
}

/// Tables that checks name, and that there are not. A file that reads one is left out.
fn unknown_reads(
    checks: &mut Vec<SqlCheck>,
    project: &Project,
    tables: &BTreeSet<String>,
) -> Vec<Error> {
    let models = project.models.iter().map(|model| &model.name);
    let names = models.chain(&project.left_out).chain(tables);
    let names: BTreeSet<&str> = names.map(String::as_str).collect();
    let listed = names.iter().copied();
    let reads = checks.iter().flat_map(|check| &check.sql.reads);
    let unknown = reads.filter(|read| !names.contains(read.table.as_str()));
    let unknown = unknown
        .map(|read| graph::unknown_table(&read.table, listed.clone()).at(read.place.clone()));
    let mut problems: Vec<_> = unknown.collect();
    problems.extend(builtin::rules::unknown_tables(&project.models, &listed));
    checks.retain(|check| {
        let mut reads = check.sql.reads.iter();
        reads.all(|read| names.contains(read.table.as_str()))
    });
    problems
}

fn keep<T>(read: Result<T, Vec<Error>>, kept: &mut Vec<T>, problems: &mut Vec<Error>) {
    match read {
        Ok(one) => kept.push(one),
        Err(more) => problems.extend(more),
    }
}

/// The released versions, if there are any.
fn versions(folder: &Path) -> Result<Versions> {
    match fs_err::read_to_string(folder.join(versions::LOCK)) {
        Ok(text) => Versions::parse(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Versions::default()),
        Err(error) => {
            Err(Error::usage(format!("`{}` cannot be read", versions::LOCK)).because(error))
        }
    }
}

/// The destination's columns, if they were recorded.
fn recorded(folder: &Path) -> Result<Option<Recorded>> {
    match fs_err::read_to_string(folder.join(recorded::FILE)) {
        Ok(text) => Recorded::parse(&text).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(Error::usage(format!("`{}` cannot be read", recorded::FILE)).because(error))
        }
    }
}

/// The released text that stands in for the model `name`, if one does.
fn used(folder: &Path, name: &str, uses: &[Use], versions: &Versions) -> Result<Option<File>> {
    let Some(wanted) = uses.iter().find(|wanted| wanted.model == name) else {
        return Ok(None);
    };
    let path = folder.join(wanted.path());
    let text =
        fs_err::read_to_string(&path).map_err(|error| versions.unknown(wanted).because(error))?;
    let file = File {
        name: wanted.path(),
        path,
        text,
    };
    versions.verify(wanted, &file)?;
    Ok(Some(file))
}

fn read_model(name: String, file: &File) -> Result<Model, Vec<Error>> {
    let problems: Vec<_> = rules::name(&name, file).into_iter().collect();
    let (header, sql) = match both(header::read(file), Sql::parse(file.clone())) {
        Ok((header, sql)) => (header, sql),
        Err(more) => return Err(problems.into_iter().chain(more).collect()),
    };
    let problems: Vec<_> = problems
        .into_iter()
        .chain(builtin::rules::problems(&header, file))
        .chain(rules::copy(&header, file))
        .chain(rules::exceptions(&header, file))
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let fingerprint = fingerprint::of(&sql.statement);
    Ok(Model {
        name,
        header,
        sql,
        fingerprint,
    })
}

fn read_check(file: &File) -> Result<SqlCheck, Vec<Error>> {
    let (header, sql) = both(header::read(file), Sql::parse(file.clone()))?;
    Ok(SqlCheck {
        name: stem(file),
        header,
        sql,
    })
}

/// The header and the statement, or the problems of both.
fn both<H>(header: Result<H, Vec<Error>>, sql: Result<Sql>) -> Result<(H, Sql), Vec<Error>> {
    match (header, sql) {
        (Ok(header), Ok(sql)) => Ok((header, sql)),
        (header, sql) => Err(header
            .err()
            .into_iter()
            .flatten()
            .chain(sql.err())
            .collect()),
    }
}

fn stem(file: &File) -> String {
    file.path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Two files of one name, or a model that is called like a source.
fn twins(models: &[Model], tables: &BTreeSet<String>) -> Vec<Error> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut problems = vec![];
    for model in models {
        let file = &model.sql.file.name;
        if tables.contains(&model.name) {
            let message = format!("`{file}` is called like the table `{}`", model.name);
            problems.push(Error::usage(message).with_hint("rename the file"));
        }
        if let Some(other) = seen.insert(&model.name, file) {
            let message = format!("`{other}` and `{file}` are both the table `{}`", model.name);
            problems.push(Error::usage(message).with_hint("rename one of the files"));
        }
    }
    problems
}

fn collect(folder: &Path, project: &Path, files: &mut Vec<File>) -> Result<()> {
    let unreadable =
        |error: std::io::Error| Error::usage("the models cannot be read").because(error);
    let mut entries: Vec<_> = fs_err::read_dir(folder)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    entries.sort_by_key(fs_err::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // What editors and version control keep for themselves.
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, project, files)?;
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            let text = fs_err::read_to_string(&path).map_err(unreadable)?;
            let name = path
                .strip_prefix(project)
                .unwrap_or(&path)
                .display()
                .to_string();
            files.push(File {
                name: name.replace('\\', "/"),
                path,
                text: text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned(),
            });
        }
    }
    Ok(())
}
