//! `dfpipe replay`: an archived run again, from its own extract and SQL, hashes compared.

use std::path::Path;

use super::{Context, progress};
use crate::{
    config::Secret,
    error::{Error, Result},
    run::{RunFolder, history, replay},
};

/// Build an archived run again from its own extract and SQL, without network, and compare all hashes
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The run: its name, or a folder that holds it
    #[arg(value_name = "RUN")]
    run: String,
}

/// Replays the run and says whether the bytes are the same.
pub async fn execute(arguments: Arguments, context: &Context) -> Result<()> {
    let scratch = tempfile::tempdir()
        .map_err(|error| Error::outside("a replay has no folder to work in").because(error))?;
    let (folder, key) = find(&arguments.run, scratch.path(), context).await?;
    let progress = progress::on(context);
    let replay = replay::replay(
        &folder,
        scratch.path(),
        &key,
        &context.clock,
        progress.as_ref(),
    )
    .await?;
    replay.verdict()?;
    let text = format!(
        "run {} replayed: {} models, all with the same bytes\n",
        replay.record.run_id,
        replay.models.len()
    );
    context.screen.result(text.as_bytes())
}

/// The run's folder, fetched into `scratch` if it lies in a store, and the key of the project around us. A
/// folder that was copied elsewhere needs no
/// project; its key is then the environment's.
async fn find(run: &str, scratch: &Path, context: &Context) -> Result<(RunFolder, Secret)> {
    let path = Path::new(run);
    if path.join(history::RECORD).is_file() {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let key = match context.config() {
            Ok(config) => config.email_hash_key,
            Err(_) => from_environment(),
        };
        return Ok((RunFolder::open(&path), key));
    }
    if run.contains('/') {
        let message = format!("no run lies in `{run}`: there is no {}", history::RECORD);
        return Err(Error::usage(message));
    }
    let config = context.config()?;
    let run = history::find(&config, Some(run)).await?;
    Ok((run.fetched(scratch).await?, config.email_hash_key))
}

/// SQL that hashes no addresses needs no key; SQL that does is refused under any other key than the run's.
fn from_environment() -> Secret {
    let key = std::env::var("EMAIL_HASH_KEY").unwrap_or_default();
    Secret::new(if key.is_empty() {
        "none".to_owned()
    } else {
        key
    })
}
