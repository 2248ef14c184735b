//! What functions there are, and how one is called: `\df`.

use unicode_width::UnicodeWidthStr;

use super::describe::first_sentence;
use crate::{
    engine::FunctionHelp,
    error::{Error, Result, did_you_mean},
    report::runs::aligned,
    shell::{interpreter::Interpreter, stage::Stage},
};

/// Columns that a paragraph has at most.
const WIDTH: usize = 78;

/// Lists the functions, or shows one.
pub fn functions(shell: &mut Interpreter, name: &str, stage: &mut dyn Stage) -> Result<()> {
    let all = shell.desk.engine().functions();
    let name = name.trim_end_matches("()").to_lowercase();
    let text = if name.is_empty() {
        let rows: Vec<Vec<String>> = all
            .iter()
            .map(|function| {
                let about = first_sentence(Some(&function.description));
                vec![
                    function.syntax.replace('\n', " "),
                    function.kind.to_owned(),
                    about,
                ]
            })
            .collect();
        aligned("", &["function", "<kind", "<does"], &rows)
    } else {
        let found: Vec<_> = all
            .iter()
            .filter(|function| function.name == name)
            .collect();
        if found.is_empty() {
            let names = all.iter().map(|function| function.name.as_str());
            let error = Error::usage(format!("there is no function `{name}`"));
            return Err(match did_you_mean(&name, names) {
                Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
                None => error.with_hint("`\\df` lists all"),
            });
        }
        found.into_iter().map(function).collect()
    };
    shell.show(&text, stage)
}

fn function(function: &FunctionHelp) -> String {
    let mut text = format!("{}  ({})\n", function.syntax, function.kind);
    if !function.description.is_empty() {
        text.push_str(&paragraphs(&function.description, ""));
    }
    for (name, about) in &function.arguments {
        text.push_str(&format!("\n  {name}\n{}", paragraphs(about, "    ")));
    }
    if let Some(example) = &function.example {
        text.push_str(&format!("\n{}\n", example.trim()));
    }
    text
}

/// A text in lines that fit on a screen, as it has its line breaks.
fn paragraphs(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    for paragraph in text.trim().lines() {
        let mut line = indent.to_owned();
        for word in paragraph.split_whitespace() {
            if line.len() > indent.len() {
                if line.width() + 1 + word.width() > WIDTH {
                    lines.push_str(&format!("{line}\n"));
                    indent.clone_into(&mut line);
                } else {
                    line.push(' ');
                }
            }
            line.push_str(word);
        }
        lines.push_str(&format!("{}\n", line.trim_end()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::paragraphs;

    #[test]
    fn a_text_is_broken_between_words_and_keeps_its_own_lines() {
        let long = "word ".repeat(20);
        let text = paragraphs(&format!("one\n\n{long}"), "  ");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(&lines[..2], ["  one", ""]);
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines.iter().all(|line| line.len() <= 78), "{text}");
        assert_eq!(text.matches("word").count(), 20);
    }
}
