//! A person at a terminal: lines that can be edited, answers that can be paged, and Ctrl-C, which stops a question
//! and not the conversation.
//!
//! The editor is our own: those that could be had switch features of shared libraries on, for which all of
//! DataFusion would be built once more.

mod buffer;
mod colour;
mod complete;
mod draw;
mod editor;
mod keys;
mod pager;
mod past;
mod raw;

pub use raw::is_possible;

use complete::Names;
use editor::{Editor, Said};
use pager::Paged;

use super::{Interpreter, interpreter::Next, reader::Reader, stage::Stage};
use crate::{cli::screen::Screen, error::Result};

/// Converses until the person leaves.
pub async fn converse(mut shell: Interpreter, screen: &Screen) -> Result<()> {
    let mut stage = Paged::new(screen.clone());
    let mut editor = Editor::new(screen.paint().is_colored);
    screen.note(&greeting(&shell));
    loop {
        let names = Names::of(shell.desk()).await;
        match editor.read(&shell.whereabouts(), &names)? {
            Said::Leave => return Ok(()),
            Said::Nothing => {}
            Said::Text(text) => {
                if answer(&mut shell, &text, &mut stage).await == Next::Leave {
                    return Ok(());
                }
            }
        }
    }
}

fn greeting(shell: &Interpreter) -> String {
    let what = match &shell.desk().run {
        Some(past) => format!("looking at the run {}", past.record.run_id),
        None => "looking at the sources themselves, live".to_owned(),
    };
    format!(
        "dfpipe {}, {what}\n\\? lists the commands, \\q leaves",
        env!("CARGO_PKG_VERSION")
    )
}

/// Does all that was said; Ctrl-C stops it.
async fn answer(shell: &mut Interpreter, text: &str, stage: &mut Paged) -> Next {
    let mut reader = Reader::default();
    let inputs: Vec<_> = text
        .split('\n')
        .flat_map(|line| reader.take(line))
        .collect();
    for input in inputs {
        let next = tokio::select! {
            next = shell.take(&input, stage) => Some(next),
            _ = tokio::signal::ctrl_c() => None,
        };
        match next {
            Some(Next::On) => {}
            Some(Next::Leave) => return Next::Leave,
            None => {
                let _ = stage.end();
                stage.note("stopped");
                return Next::On;
            }
        }
    }
    Next::On
}
