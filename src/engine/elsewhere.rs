//! Errors that come from a cluster as text, as the errors that they were.
//!
//! Ballista tells what happened to a query in one string: the query, the stage, the task, and what DataFusion said there,
//! as it prints for programmers. What a person should read is the innermost of it, and what kind of error it is.

use datafusion::error::DataFusionError;

use crate::error::Error;

/// What the scheduler puts before the reason.
const FAILED: &str = " failed: ";

/// What an executor puts before an error of a task.
const TASK: &str = "runtime execution error: ";

/// The error that another machine had, if `error` only tells of it.
pub fn as_it_was(error: &DataFusionError) -> Option<DataFusionError> {
    let DataFusionError::Execution(text) = error.find_root() else {
        return None;
    };
    let (_, text) = text.strip_prefix("Job ")?.split_once(FAILED)?;
    let Some((_, task)) = text.split_once(TASK) else {
        return Some(planned(text));
    };
    if task.contains("ObjectStore(") {
        let cause = innermost(task).map_or(task.to_owned(), |(_, message)| message);
        return Some(no_store(&cause));
    }
    let Some((variant, message)) = innermost(task) else {
        return Some(DataFusionError::Execution(task.to_owned()));
    };
    Some(match variant {
        "ResourcesExhausted" => DataFusionError::ResourcesExhausted(message),
        "Internal" => DataFusionError::Internal(message),
        _ => DataFusionError::Execution(message),
    })
}

/// Of an error while the scheduler planned, which it tells as people read errors: the reason, which is its last part.
fn planned(text: &str) -> DataFusionError {
    if let Some((_, cause)) = text.split_once("Object Store error: ") {
        return no_store(cause);
    }
    let reason = text.rsplit("DataFusion error: ").next().unwrap_or(text);
    let reason = reason.rsplit("caused by\n").next().unwrap_or(reason);
    DataFusionError::Execution(reason.to_owned())
}

/// A table that a machine of the cluster cannot read.
fn no_store(cause: &str) -> DataFusionError {
    let hint =
        "every machine of it has to reach `engine.ballista.store`, with credentials of its own";
    let error = Error::outside("the cluster cannot read a table")
        .because(cause.lines().next().unwrap_or(cause).trim_end_matches(": "))
        .with_hint(hint);
    DataFusionError::External(Box::new(error))
}

/// The innermost error of `Outer(Inner("text"))`: what it is called, and its text.
fn innermost(printed: &str) -> Option<(&str, String)> {
    let (outer, text) = printed.rsplit_once("(\"")?;
    let variant = outer.rsplit(|c: char| !c.is_alphanumeric()).next()?;
    let text = text.rsplit_once('"').map_or(text, |(text, _)| text);
    Some((variant, unescaped(text)))
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some(other) => plain.push(other),
                None => {}
            },
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use datafusion::error::DataFusionError;

    use super::as_it_was;

    fn told(text: &str) -> String {
        let error = DataFusionError::Execution(text.to_owned());
        as_it_was(&error).unwrap().to_string()
    }

    #[test]
    fn what_a_task_says_is_said_without_the_machines_around_it() {
        let text = r#"Job 038H failed: Job failed due to stage 1 failed: Task failed due to runtime execution error: DataFusionError(Shared(External(ArrowError(CastError("Cannot cast string 'a\"b' to value of Int64 type")))))"#;
        assert_eq!(
            told(text),
            "Execution error: Cannot cast string 'a\"b' to value of Int64 type"
        );
    }

    #[test]
    fn a_task_without_memory_is_no_error_of_the_data() {
        let text = r#"Job 038H failed: Job failed due to stage 3 failed: Task failed due to runtime execution error: DataFusionError(Shared(External(DataFusionError(Context("Not enough memory to continue external sort.", ResourcesExhausted("Failed to allocate additional 10.0 MB"))))))"#;
        let error = as_it_was(&DataFusionError::Execution(text.to_owned()));
        assert!(matches!(
            error,
            Some(DataFusionError::ResourcesExhausted(message)) if message == "Failed to allocate additional 10.0 MB"
        ));
    }

    #[test]
    fn what_the_scheduler_says_of_a_plan_is_its_reason() {
        let text = "Job 038H failed: DataFusion error: dfpipe_single_rows\ncaused by\nArrow error: no such type";
        assert_eq!(told(text), "Execution error: Arrow error: no such type");
    }

    #[test]
    fn an_error_of_this_machine_stays_what_it_is() {
        let error = DataFusionError::Execution("Job done".to_owned());
        assert!(as_it_was(&error).is_none());
        assert!(as_it_was(&DataFusionError::Plan("Job 1 failed: x".into())).is_none());
    }
}
