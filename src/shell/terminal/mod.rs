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

use std::sync::Arc;

use complete::Names;
use editor::{Editor, Said};
use futures::FutureExt;
use pager::Paged;
use tokio::sync::Notify;

use super::{Interpreter, interpreter::Next, reader::Reader, stage::Stage, words};
use crate::{
    cli::screen::Screen,
    error::{Error, Result},
    sources::Privacy,
};

/// Converses until the person leaves.
pub async fn converse(mut shell: Interpreter, screen: &Screen) -> Result<()> {
    shell = shell.for_a_person();
    let mut stage = Paged::new(screen.clone());
    let privacy = Privacy::new(&shell.desk().config.email_hash_key);
    let mut editor = Editor::new(screen.paint().is_colored, privacy);
    let interrupts = interrupts()?;
    screen.note(&greeting(&shell));
    let mut names = Names::of(shell.desk()).await;
    loop {
        // What was meant for the answer before is over.
        let _ = interrupts.notified().now_or_never();
        match editor.read(&shell.whereabouts(), &names)? {
            Said::Leave => return shell.close().await,
            Said::Nothing => {}
            Said::Text(text) => {
                if words::is_edit(&text) && editor.has_draft() {
                    shell.remember(&editor.take_draft());
                }
                if answer(&mut shell, &text, &mut stage, &interrupts).await == Next::Leave {
                    return shell.close().await;
                }
                if let Some(edited) = shell.take_edited() {
                    editor.remember(&edited);
                }
                if may_change_names(&text) {
                    names = Names::of(shell.desk()).await;
                }
            }
        }
    }
}

/// Whether there may be other names after it: of views, of another run, of models that were edited. A question
/// changes none, and gathering them takes a moment where the archive is far.
fn may_change_names(text: &str) -> bool {
    let text = text.to_lowercase();
    ["\\", "create", "drop"]
        .iter()
        .any(|word| text.contains(word))
}

/// Told of each Ctrl-C, by a thread of its own: all others may be busy with a question.
fn interrupts() -> Result<Arc<Notify>> {
    let odd = |error: std::io::Error| Error::outside("no threads can be started").because(error);
    let told = Arc::new(Notify::new());
    let teller = Arc::clone(&told);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(odd)?;
    let listen = move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                teller.notify_one();
            }
        });
    };
    std::thread::Builder::new().spawn(listen).map_err(odd)?;
    Ok(told)
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
async fn answer(
    shell: &mut Interpreter,
    text: &str,
    stage: &mut Paged,
    interrupts: &Notify,
) -> Next {
    let mut reader = Reader::default();
    let inputs: Vec<_> = text
        .split('\n')
        .flat_map(|line| reader.take(line))
        .collect();
    for input in inputs {
        let next = tokio::select! {
            next = shell.take(&input, stage) => Some(next),
            () = interrupts.notified() => None,
        };
        match next {
            Some(Next::On) => {}
            Some(Next::Leave) => return Next::Leave,
            None => {
                shell.desk().engine().give_up();
                let _ = stage.end();
                // The terminal has put `^C` where the cursor was.
                stage.note("\nstopped");
                return Next::On;
            }
        }
    }
    Next::On
}
