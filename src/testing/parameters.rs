//! The values that a test's model reads as `$name`: the configuration's, its moment, and its own.

use super::{Suite, Test};
use crate::{
    config::{Parameter, yaml::Node},
    error::{Error, Result, did_you_mean},
    model::Parameters,
    sources::Window,
};

/// The values of all parameters at the test's moment.
pub fn parameters(suite: &Suite, test: &Test) -> Result<Parameters> {
    let pipeline = &suite.pipeline;
    let as_of = test.as_of.unwrap_or(pipeline.window.end);
    let window = Window::before(as_of, pipeline.config.window_days);
    let mut parameters = pipeline.parameters_for(&window, "test");
    let known = &pipeline.config.parameters;
    let mut problems = vec![];
    for (key, node) in &test.parameters {
        let declared = known.get(&key.name);
        let value = declared.and_then(|declared| parameter(node, declared));
        match (declared, value) {
            (Some(_), Some(value)) => parameters.set(&key.name, &value),
            (Some(declared), None) => {
                let kind = match declared {
                    Parameter::Text(_) => "text",
                    Parameter::Boolean(_) => "true or false",
                    Parameter::Integer(_) => "a whole number",
                    Parameter::Number(_) => "a number",
                };
                let message = format!("the parameter `{}` must be {kind}", key.name);
                let hint = "a parameter keeps the type that it has in dfpipe.yml";
                problems.push(Error::usage(message).at(test.at(node.mark)).with_hint(hint));
            }
            (None, _) => {
                problems.push(unknown_parameter(&key.name, known.keys()).at(test.at(key.mark)));
            }
        }
    }
    Error::all(problems).map_or(Ok(parameters), Err)
}

fn unknown_parameter<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Error {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let problem = Error::usage(format!("there is no parameter `{name}`"));
    match (name, did_you_mean(name, known.iter().copied())) {
        (_, Some(meant)) => problem.with_hint(format!("did you mean `{meant}`?")),
        ("run_date" | "window_start" | "window_end" | "as_of", None) => {
            problem.with_hint("it follows from `as_of`, which is a key of the test itself")
        }
        _ if known.is_empty() => problem.with_hint("dfpipe.yml has none"),
        _ => problem.with_hint(format!("dfpipe.yml has: {}", known.join(", "))),
    }
}

/// The value of `node`, of the kind that is declared.
fn parameter(node: &Node, declared: &Parameter) -> Option<Parameter> {
    let text = node.text()?;
    match declared {
        Parameter::Text(_) => Some(Parameter::Text(text.to_owned())),
        Parameter::Boolean(_) => text.parse().ok().map(Parameter::Boolean),
        Parameter::Integer(_) => text.parse().ok().map(Parameter::Integer),
        Parameter::Number(_) => text.parse().ok().map(Parameter::Number),
    }
}
