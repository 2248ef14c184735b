//! What a file holds is taken as it is or refused, never changed and never shown with an address.

use crate::support::project::Project;

/// A project of orders over `text` alone.
fn over(text: &str) -> Project {
    let project = Project::orders();
    project.write("data/orders.csv", text);
    project
}

#[test]
fn a_csv_file_without_a_declared_column_is_an_error_that_names_it() {
    let orders = Project::orders().read("data/orders.csv");
    let (header, rows) = orders.split_once('\n').expect("there is a header");
    let (first, others) = header.split_once(',').expect("there are columns");
    let outcome = over(&format!("{first}x,{others}\n{rows}")).run(["run"]);
    let screen = outcome.screen();
    assert!(screen.contains("exit code: 2"), "{screen}");
    assert!(
        screen.contains(&format!("has no column `{first}`")),
        "{screen}"
    );
    assert!(
        screen.contains(&format!("did you mean `{first}x`?")),
        "{screen}"
    );
}

#[test]
fn a_byte_order_mark_before_the_header_of_a_csv_file_changes_nothing() {
    let plain = Project::orders();
    plain.succeed(["run"]);
    let marked = over(&format!("\u{feff}{}", plain.read("data/orders.csv")));
    marked.succeed(["run"]);
    let totals = "models/totals.parquet";
    assert_eq!(plain.rows(totals), marked.rows(totals));
}

#[test]
fn a_document_that_is_an_address_and_no_list_is_not_quoted() {
    let project = Project::orders();
    project.write("data/orders.json", r#""jane.doe@example.com""#);
    project.edit("dfpipe.yml", "data/*.csv", "data/orders.json");
    let outcome = project.run(["run"]);
    let screen = outcome.screen();
    assert!(screen.contains("is not the JSON it should be"), "{screen}");
    assert!(screen.contains("invalid type: string"), "{screen}");
    assert!(!screen.contains("jane.doe"), "{screen}");
}
