//! What tables there are: `\d`, `\dm`.

use crate::{
    checks,
    engine::{DEAD_LETTERS, EXTRACT_LOG, EXTRACT_REJECTS},
    error::{Error, Result, did_you_mean},
    model::{Model, versions::Standing},
    report::runs::aligned,
    run::record::kind_of,
    shell::{
        desk::{Desk, HISTORY, RUN, SOURCE, WAREHOUSE},
        interpreter::Interpreter,
        stage::Stage,
    },
};

/// Lists the tables, or the columns of one.
pub async fn describe(shell: &mut Interpreter, table: &str, stage: &mut dyn Stage) -> Result<()> {
    let text = if table.is_empty() {
        tables(&shell.desk)
    } else {
        let name = table.trim_matches('"');
        one(&shell.desk, name).await?
    };
    shell.show(&text, stage)
}

fn tables(desk: &Desk) -> String {
    let project = desk.pipeline().ok().map(|pipeline| pipeline.project);
    let mut rows = vec![];
    let public = desk.engine().default_schema();
    for schema in [RUN, SOURCE, WAREHOUSE, HISTORY] {
        for table in desk.tables(schema) {
            let name = if schema == public {
                table.clone()
            } else {
                format!("{schema}.{table}")
            };
            let model = project.as_ref().and_then(|project| project.model(&table));
            let about = match (schema, model, desk.config.sources.get(&table)) {
                (RUN, Some(model), _) => first_sentence(model.header.description.as_deref()),
                (RUN, None, Some(_)) => "the raw extract".to_owned(),
                (SOURCE, _, Some(source)) => format!("{}, live", kind_of(&source.from)),
                _ => about(desk, schema, &table),
            };
            rows.push(vec![name, schema.to_owned(), about]);
        }
    }
    aligned("", &["table", "<schema", "<about"], &rows)
}

/// What a table is that nobody has described.
fn about(desk: &Desk, schema: &str, table: &str) -> String {
    let words = match (schema, table) {
        (RUN, EXTRACT_LOG) => "how many records each source gave",
        (RUN, EXTRACT_REJECTS) => "records that a source's declaration refused",
        (RUN, DEAD_LETTERS) => "records that could not be read",
        (RUN, table) => return about_check(desk, table).unwrap_or_default(),
        (WAREHOUSE, table) if table.ends_with("_latest") => "the latest complete load of each date",
        (WAREHOUSE, _) => "all that was loaded",
        (HISTORY, "runs") => "all runs that are kept",
        (HISTORY, "models") => "what each run built",
        (HISTORY, "checks") => "what each run checked, and how many rows were against it",
        (HISTORY, "sources") => "what each run read",
        (HISTORY, "receipts") => "what each run loaded",
        _ => "",
    };
    words.to_owned()
}

/// What the check says whose bad rows the table holds.
fn about_check(desk: &Desk, table: &str) -> Option<String> {
    let name = table.strip_prefix(checks::PREFIX)?;
    let mut checks = desk.run.as_ref()?.record.checks.iter();
    let check = checks.find(|check| check.name == name)?;
    let text = first_sentence(Some(&check.description));
    Some(format!("rows against: {text}"))
}

pub(super) fn first_sentence(text: Option<&str>) -> String {
    let text = text.unwrap_or_default().trim();
    let end = text.find(". ").map_or(text.len(), |end| end + 1);
    text[..end].replace('\n', " ")
}

async fn one(desk: &Desk, name: &str) -> Result<String> {
    if name.starts_with(WAREHOUSE) {
        desk.open_warehouse().await?;
    }
    if name.starts_with(HISTORY) {
        desk.open_history().await?;
    }
    let Ok(schema) = desk.engine().columns_of(name).await else {
        return Err(unknown(desk, name));
    };
    let bare = name.rsplit('.').next().unwrap_or(name);
    let is_live = name.starts_with(SOURCE) || desk.engine().default_schema() == SOURCE;
    let pipeline = desk.pipeline().ok();
    let model = pipeline
        .as_ref()
        .and_then(|pipeline| pipeline.project.model(bare));
    let source = desk.config.sources.get(bare);
    let mut text = match (model, source) {
        (Some(model), _) => about_model(desk, model),
        (None, Some(source)) => {
            let kind = kind_of(&source.from);
            let what = if is_live {
                "live source"
            } else {
                "raw extract of the source"
            };
            let description = source.description.as_deref();
            let description = description.map(|text| format!("{}\n", text.trim()));
            let description = description.unwrap_or_default();
            format!("{name}  ({what}, {kind})\n{description}")
        }
        (None, None) => format!("{name}\n"),
    };
    let rows: Vec<Vec<String>> = schema
        .fields()
        .iter()
        .map(|field| {
            let null = if field.is_nullable() { "" } else { "not null" };
            vec![
                field.name().clone(),
                field.data_type().to_string(),
                null.to_owned(),
            ]
        })
        .collect();
    text.push('\n');
    text.push_str(&aligned("  ", &["column", "<type", "<"], &rows));
    if model.is_some() {
        text.push_str(&format!(
            "\n`\\lineage {bare}` shows where each column comes from\n"
        ));
    }
    Ok(text)
}

fn about_model(desk: &Desk, model: &Model) -> String {
    let mut lines = vec![format!(
        "{}  (model, {}, version {})",
        model.name, model.sql.file.name, model.header.version
    )];
    if let Some(description) = &model.header.description {
        lines.push(description.trim().to_owned());
    }
    if !model.header.key.is_empty() {
        lines.push(format!("key: {}", model.header.key.join(", ")));
    }
    let reads: Vec<_> = model
        .sql
        .reads
        .iter()
        .map(|read| read.table.as_str())
        .collect();
    lines.push(format!("reads: {}", reads.join(", ")));
    if let Some(past) = &desk.run {
        let mut built = past.record.models.iter();
        match built.find(|built| built.name == model.name) {
            Some(built) if built.fingerprint != model.fingerprint => {
                let hint = format!("`\\diff {}` compares", model.name);
                lines.push(format!("edited since this run; {hint}"));
            }
            Some(_) => {}
            None => lines.push("this run did not build it".to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

fn unknown(desk: &Desk, name: &str) -> Error {
    let mut names: Vec<String> = desk.tables(&desk.engine().default_schema());
    for schema in [RUN, SOURCE, WAREHOUSE, HISTORY] {
        let tables = desk.tables(schema).into_iter();
        names.extend(tables.map(|table| format!("{schema}.{table}")));
    }
    let error = Error::usage(format!("there is no table `{name}`"));
    match did_you_mean(name, names.iter().map(String::as_str)) {
        Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
        None => error.with_hint("`\\d` lists the tables"),
    }
}

/// Lists the models as they stand in the project.
pub fn models(shell: &mut Interpreter, stage: &mut dyn Stage) -> Result<()> {
    let project = shell.desk.pipeline()?.project;
    let built = |name: &str| {
        let past = shell.desk.run.as_ref()?;
        let mut models = past.record.models.iter();
        models.find(|model| model.name == name)
    };
    let rows: Vec<Vec<String>> = project
        .models
        .iter()
        .map(|model| {
            let standing = match project.versions.standing(model) {
                Standing::Released => "",
                Standing::WorkingCopy => "working copy",
            };
            let then = built(&model.name);
            vec![
                model.name.clone(),
                model.header.version.to_string(),
                match then {
                    None => "–".to_owned(),
                    Some(then) if then.is_view() => "view".to_owned(),
                    Some(then) => then.file.rows.to_string(),
                },
                standing.to_owned(),
                model.header.key.join(", "),
                first_sentence(model.header.description.as_deref()),
            ]
        })
        .collect();
    let header = [
        "model",
        "version",
        "rows",
        "<standing",
        "<key",
        "<description",
    ];
    let text = aligned("", &header, &rows);
    shell.show(&text, stage)
}
