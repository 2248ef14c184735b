//! Looking at runs, lineage, plans, and at what an edit changes.

use crate::{
    cli,
    diff::{self, Request},
    error::{Error, Result},
    report,
    run::history,
    shell::{
        interpreter::{Interpreter, Next},
        stage::Stage,
    },
};

/// Runs that `\runs` lists.
const LISTED: usize = 20;

/// Lists the runs.
pub async fn runs(shell: &mut Interpreter, stage: &mut dyn Stage) -> Result<()> {
    let history = history::list(&shell.desk.config, LISTED).await?;
    let text = report::runs::lines(&history.runs);
    shell.show(&text, stage)
}

/// Looks at another run.
pub async fn use_run(shell: &mut Interpreter, run: &str, stage: &mut dyn Stage) -> Result<()> {
    if run.is_empty() {
        return Err(Error::usage("`\\use` needs a run").with_hint("`\\runs` lists them"));
    }
    shell.desk.look_at(Some(run)).await?;
    let past = shell.desk.past()?;
    stage.note(&format!("looking at the run {}", past.record.run_id));
    Ok(())
}

/// Shows where something comes from.
pub async fn lineage(shell: &mut Interpreter, of: &str, stage: &mut dyn Stage) -> Result<()> {
    let pipeline = shell.desk.pipeline()?;
    let of = Some(of).filter(|of| !of.is_empty());
    let text = cli::lineage::told(&pipeline, of).await?;
    shell.show(&text, stage)
}

/// Shows the plan of a statement, or of the last one.
pub async fn explain(
    shell: &mut Interpreter,
    statement: &str,
    stage: &mut dyn Stage,
) -> Result<()> {
    let asked = match (statement, &shell.last) {
        ("", Some(last)) => last.clone(),
        ("", None) => return Err(Error::usage("nothing was asked yet")),
        (statement, _) => statement.to_owned(),
    };
    shell
        .ask("explain", &format!("explain format tree {asked}"), stage)
        .await
}

/// Lets a person edit the last statement, and runs what comes of it.
pub async fn edit(shell: &mut Interpreter, stage: &mut dyn Stage) -> Result<Next> {
    let text = shell.last.clone().unwrap_or_default();
    let Some(edited) = stage.edit(&text) else {
        let error = Error::usage("there is no terminal to edit on");
        return Err(error.with_hint("`\\i FILE` runs a file"));
    };
    let edited = edited?;
    if edited.trim() == text.trim() {
        stage.note("nothing was changed");
        return Ok(Next::On);
    }
    // A person sees what is asked, and finds it among what was typed.
    stage.note(edited.trim_end());
    shell.edited = Some(edited.trim().to_owned());
    Box::pin(shell.run_text("input", &edited, stage)).await
}

/// Compares an edited model with what the run holds.
pub async fn diff(shell: &mut Interpreter, models: &str, stage: &mut dyn Stage) -> Result<()> {
    let mut words = models.split_whitespace();
    let (Some(first), second, None) = (words.next(), words.next(), words.next()) else {
        return Err(Error::usage("`\\diff` needs a model").with_hint("such as `\\diff MODEL`"));
    };
    let request = Request::parse(first, second)?;
    let scratch = tempfile::tempdir_in(shell.desk.scratch())
        .map_err(|error| Error::outside("a comparison has no folder").because(error))?;
    let past = shell.desk.past()?;
    let found = diff::diff(&shell.desk.config, past, &request, scratch.path()).await?;
    shell.show(&diff::text::render(&found), stage)
}
