//! Results of tests for programs: JSON, and the XML that continuous integration reads (`JUnit`).

use std::fmt::Write;

use serde::Serialize;

use super::{Done, Outcome, compare::Difference, text};
use crate::error::Error;

#[derive(Serialize)]
struct Document<'a> {
    passed: usize,
    failed: usize,
    wrong: usize,
    tests: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct Told<'a> {
    it: &'a str,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cte: Option<&'a str>,
    file: &'a str,
    line: usize,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<&'a Difference>,
    milliseconds: u128,
}

/// All results as one JSON document.
pub fn json(done: &[Done]) -> String {
    let counts = text::Counts::of(done);
    let document = Document {
        passed: counts.passed,
        failed: counts.failed,
        wrong: counts.wrong,
        tests: done.iter().map(told).collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn told(done: &Done) -> Told<'_> {
    let test = &done.test;
    let (outcome, message, difference) = match &done.outcome {
        Outcome::Passed => ("passed", None, None),
        Outcome::Failed(failure) => (
            "failed",
            Some(failure.message.clone()),
            failure.difference.as_ref(),
        ),
        Outcome::Wrong(error) => ("wrong", Some(problems(error)), None),
    };
    Told {
        it: &test.it,
        model: &test.model.0,
        cte: test.cte.as_ref().map(|(name, _)| name.as_str()),
        file: &test.place.file,
        line: test.place.line,
        outcome,
        message,
        difference,
        milliseconds: done.time.as_millis(),
    }
}

fn problems(error: &Error) -> String {
    let problems = error.problems().map(ToString::to_string);
    problems.collect::<Vec<_>>().join("\n")
}

/// All results as a `JUnit` document, one suite per file.
pub fn junit(done: &[Done]) -> String {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for tests in done.chunk_by(|a, b| a.test.file.name == b.test.file.name) {
        let counts = text::Counts::of(tests);
        let _ = writeln!(
            xml,
            r#"  <testsuite name="{}" tests="{}" failures="{}" errors="{}">"#,
            escaped(&tests[0].test.file.name),
            tests.len(),
            counts.failed,
            counts.wrong
        );
        for done in tests {
            case(done, &mut xml);
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(done: &Done, xml: &mut String) {
    let test = &done.test;
    let _ = write!(
        xml,
        r#"    <testcase classname="{}" name="{}" file="{}" line="{}" time="{:.3}""#,
        escaped(&text::under_test(done)),
        escaped(&test.it),
        escaped(&test.place.file),
        test.place.line,
        done.time.as_secs_f64()
    );
    let (element, message, body) = match &done.outcome {
        Outcome::Passed => {
            xml.push_str("/>\n");
            return;
        }
        Outcome::Failed(failure) => ("failure", failure.message.clone(), text::failed(done)),
        Outcome::Wrong(error) => ("error", error.to_string(), problems(error)),
    };
    let (message, body) = (escaped(&message), escaped(&body));
    let _ = writeln!(
        xml,
        ">\n      <{element} message=\"{message}\">{body}</{element}>\n    </testcase>"
    );
}

/// Text that XML may hold: its own characters escaped, control characters left out.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(character),
            control if control.is_control() => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn xml_holds_any_text() {
        assert_eq!(
            escaped("a < \"b\" & \u{1}"),
            "a &lt; &quot;b&quot; &amp; \u{fffd}"
        );
    }
}
