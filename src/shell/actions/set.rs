//! How answers are made and shown, and where they go: `\engine`, `\format`, `\o`, `\x`, `\timing`.

use clap::ValueEnum;

use crate::{
    error::{Error, Result, did_you_mean},
    shell::{desk::Where, format::Format, interpreter::Interpreter, stage::Stage},
};

/// Sets the format, or says which it is.
pub fn format(shell: &mut Interpreter, argument: &str, stage: &mut dyn Stage) -> Result<()> {
    if !argument.is_empty() {
        shell.settings.format = parse(argument)?;
    }
    let name = name(shell.settings.format);
    stage.note(&format!("results are printed as {name}"));
    Ok(())
}

fn parse(text: &str) -> Result<Format> {
    match Format::from_str(text, true) {
        // A screen shows no bytes: they are for files.
        Ok(Format::Parquet) => Err(Error::usage("Parquet is no text")
            .with_hint("write a file: copy (select …) to 'name.parquet'")),
        Ok(format) => Ok(format),
        Err(_) => {
            let names: Vec<_> = Format::value_variants()
                .iter()
                .map(|one| name(*one))
                .collect();
            let hint = match did_you_mean(text, names.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("the formats are: {}", names.join(", ")),
            };
            Err(Error::usage(format!("there is no format `{text}`")).with_hint(hint))
        }
    }
}

fn name(format: Format) -> String {
    let value = format.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Says where questions are answered, and has them answered elsewhere.
pub async fn engine(shell: &mut Interpreter, argument: &str, stage: &mut dyn Stage) -> Result<()> {
    if !argument.is_empty() {
        let place = Where::from_str(argument, true).map_err(|_| {
            Error::usage(format!("there is no engine `{argument}`"))
                .with_hint("the engines are: local, ballista")
        })?;
        shell.desk.answer_at(place).await?;
    }
    stage.note(&shell.desk.answers_at());
    Ok(())
}

/// Sends results into a file, or to the screen again.
pub fn output(shell: &mut Interpreter, argument: &str, stage: &mut dyn Stage) -> Result<()> {
    let name = argument.trim_matches(['\'', '"']);
    if name.is_empty() {
        shell.settings.output = None;
        stage.note("results go to the screen");
        return Ok(());
    }
    let path = shell.desk.places.check(name)?;
    let file = fs_err::File::create(&path)
        .map_err(|error| Error::outside(format!("`{name}` cannot be written")).because(error))?;
    shell.desk.places.keep(&path);
    shell.settings.output = Some(file);
    stage.note(&format!("results go into `{name}`; `\\o` alone ends that"));
    Ok(())
}

/// What a switch is set to: `on`, `off`, or the other one if nothing is said.
pub fn switched(now: bool, argument: &str) -> Result<bool> {
    match argument.to_lowercase().as_str() {
        "" => Ok(!now),
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        other => {
            let message = format!("`{other}` is neither `on` nor `off`");
            Err(Error::usage(message))
        }
    }
}
