//! `dfpipe release`: closes a version of a model, and keeps its text.

use super::Context;
use crate::{
    error::{Error, Kind, Result, did_you_mean},
    model::{Model, Versions, versions},
    run::Pipeline,
};

/// Close a version of a model: its text is kept, and can be run again with `run --use MODEL@N`
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The models
    #[arg(value_name = "MODEL", required_unless_present = "all")]
    models: Vec<String>,
    /// Release every working copy
    #[arg(long, conflicts_with = "models")]
    all: bool,
    /// Why this version was made, for those who find it later
    #[arg(short, long, value_name = "WHY")]
    message: String,
}

/// Writes the lock, the text, and the new number into the model's file.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let reason = arguments.message.trim();
    if reason.is_empty() {
        return Err(Error::usage("a release needs a reason: `-m WHY`"));
    }
    let mut config = context.config()?;
    // What is about to be released is still a working copy.
    config.working_copies = crate::config::WorkingCopies::Allow;
    let pipeline = Pipeline::load(config, None, &context.clock)?;
    pipeline.check().await?;
    let mut all_versions = pipeline.project.versions.clone();
    let day = context.clock.now().date_naive();
    let mut lines = vec![];
    for model in chosen(&arguments, &pipeline, &all_versions)? {
        let release = all_versions.release(model, reason, day)?;
        write(&pipeline, &release.kept_as, &release.text)?;
        if release.text != model.sql.file.text {
            write(&pipeline, &model.sql.file.name, &release.text)?;
        }
        let (name, version) = (&model.name, release.version);
        lines.push(format!("{name}: version {version} is released\n"));
    }
    write(&pipeline, versions::LOCK, &all_versions.render())?;
    let hint = format!("commit `{}` and `{}`", versions::LOCK, versions::FOLDER);
    context.screen.result(lines.concat().as_bytes())?;
    context.screen.note(&hint);
    Ok(())
}

fn chosen<'a>(
    arguments: &Arguments,
    pipeline: &'a Pipeline,
    versions: &Versions,
) -> Result<Vec<&'a Model>> {
    let models = &pipeline.project.models;
    if arguments.all {
        let copies = versions.working_copies(models);
        if copies.is_empty() {
            let message = "every model is released as it stands";
            return Err(Error::new(Kind::NothingDone, message));
        }
        return Ok(copies.into_iter().map(|(model, _)| model).collect());
    }
    let find = |name: &String| {
        pipeline.project.model(name).ok_or_else(|| {
            let names = models.iter().map(|model| model.name.as_str());
            let error = Error::usage(format!("there is no model `{name}`"));
            match did_you_mean(name, names) {
                Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
                None => error.with_hint("see the files below `sql/`"),
            }
        })
    };
    arguments.models.iter().map(find).collect()
}

fn write(pipeline: &Pipeline, name: &str, text: &str) -> Result<()> {
    let path = pipeline.config.project.join(name);
    let part = path.with_extension("part");
    let failed = |error: std::io::Error| {
        Error::outside(format!("`{name}` cannot be written")).because(error)
    };
    fs_err::create_dir_all(path.parent().unwrap_or(&path)).map_err(failed)?;
    fs_err::write(&part, text).map_err(failed)?;
    fs_err::rename(&part, &path).map_err(failed)
}
