//! `\rejects [REASON]`: what a run refused, by reason, or the records of one reason.
//!
//! A pipeline that has a model of its refused records is asked for that: it knows of those that the SQL
//! refused as well. Others have what the decoders refused.

use crate::{
    engine::{Answer, DEAD_LETTERS, EXTRACT_REJECTS},
    error::{Error, Result, did_you_mean},
    model::File,
    run::{quoted, rejects_model},
    shell::{desk::Desk, interpreter::Interpreter, stage::Stage},
    testing::compare::rows_of,
};

/// The reason of records that could not even be read.
pub const UNREADABLE: &str = "unreadable";

/// Counts refused records by reason, or shows those of one.
pub async fn rejects(shell: &mut Interpreter, reason: &str, stage: &mut dyn Stage) -> Result<()> {
    shell.desk.past()?;
    let refused = Refused::of(&shell.desk)?;
    if reason.is_empty() {
        return shell.ask("rejects", &refused.counts(), stage).await;
    }
    let reason = reason.trim_matches(['\'', '"']);
    let known = reasons(&mut shell.desk, &refused).await?;
    if !known.iter().any(|known| known == reason) {
        return Err(unknown(reason, &known));
    }
    shell.ask("rejects", &refused.rows(reason), stage).await
}

/// The table of refused records, and the columns that order it.
struct Refused {
    table: String,
    order: Vec<String>,
}

impl Refused {
    fn of(desk: &Desk) -> Result<Self> {
        let project = desk.pipeline()?.project;
        let model = rejects_model(&project).filter(|model| desk.engine().knows(&model.name));
        Ok(match model {
            Some(model) => Self {
                table: model.name.clone(),
                order: model.header.key.clone(),
            },
            None => Self {
                table: EXTRACT_REJECTS.to_owned(),
                order: ["source", "part", "position"].map(str::to_owned).to_vec(),
            },
        })
    }

    fn counts(&self) -> String {
        let table = quoted(&self.table);
        format!(
            "select source, reason, count(*) as records from (
                select source, reason from {table}
                union all
                select source, '{UNREADABLE}' as reason from {DEAD_LETTERS}
            ) group by source, reason order by source, reason"
        )
    }

    fn rows(&self, reason: &str) -> String {
        if reason == UNREADABLE {
            return format!("select * from {DEAD_LETTERS} order by source, place");
        }
        let order: Vec<_> = self.order.iter().map(|column| quoted(column)).collect();
        let order = if order.is_empty() {
            "1".to_owned()
        } else {
            order.join(", ")
        };
        let (table, reason) = (quoted(&self.table), reason.replace('\'', "''"));
        format!("select * from {table} where reason = '{reason}' order by {order}")
    }
}

/// The reasons that there are, the most frequent first.
async fn reasons(desk: &mut Desk, refused: &Refused) -> Result<Vec<String>> {
    let counts = refused.counts();
    let text =
        format!("select reason from ({counts}) group by reason order by sum(records) desc, reason");
    let file = File {
        path: "rejects".into(),
        name: "rejects".into(),
        text,
    };
    let Answer::Rows(rows) = desk.ask(file, false).await? else {
        return Ok(vec![]);
    };
    let batches = rows.collect().await?;
    let cells = batches.iter().flat_map(rows_of).flatten();
    Ok(cells.flatten().collect())
}

fn unknown(reason: &str, known: &[String]) -> Error {
    let error = Error::usage(format!("no record was refused for `{reason}`"));
    let names = known.iter().map(String::as_str);
    match did_you_mean(reason, names) {
        Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
        None if known.is_empty() => error.with_hint("this run refused no record at all"),
        None => error.with_hint(format!("the reasons are: {}", known.join(", "))),
    }
}
