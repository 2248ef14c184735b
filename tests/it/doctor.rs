//! `dfpipe doctor`: all that is in a run's way is said at once, with what to do about it, and nothing is
//! written.

use std::{net::TcpListener, path::PathBuf, sync::LazyLock};

use dfpipe::clock::{Clock, parse_time};
use insta::assert_snapshot;
use regex::Regex;
use serde_json::Value;

use crate::{
    prod::{prod, prod_into},
    support::{
        addresses::found_in,
        api::{Api, Fault},
        artefacts,
        bigquery::BigQuery,
        fixtures,
        kafka::{Kafka, Message},
        project::{Outcome, Project},
    },
};

/// In the past for any clock: a broker takes no message of the future.
const AS_OF: &str = "2024-11-08";

const DOCTOR: [&str; 3] = ["doctor", "--profile", "prod"];

/// What differs from machine to machine, from day to day, and with every model that is written.
static MEASURED: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
    [
        (r"\d+\.\d [kMGT]B are free", "[room] are free"),
        (r"begins \d+ days ago", "begins [days] ago"),
        (r"\d+ models and \d+ checks", "[n] models and [n] checks"),
        (r"\.(sql|yml):\d+:\d+", ".$1:[place]"),
    ]
    .map(|(pattern, blank)| (Regex::new(pattern).expect("a filter is a regex"), blank))
});

#[test]
fn a_healthy_project_is_found_well() {
    let Some(kafka) = Kafka::get() else { return };
    let crm = Api::serve(fixtures::customers());
    let project = of_the_past(prod(&crm, kafka, "doctor-healthy"));
    kafka.produce("doctor-healthy", 0, &[message(1), message(2)]);
    kafka.produce("doctor-healthy", 2, &[message(3)]);

    let outcome = project.run(DOCTOR);

    assert_snapshot!(screen(&outcome), @"
    exit code: 0
    ----- stdout -----
    customer_analytics · profile prod · window 2024-11-01 00:00 to 2024-11-08 00:00 UTC

    ok       configuration    [n] models and [n] checks are well
    ok       crm_customers    `http://[address]/v1/customers` answers: 634 records in 7 requests
    ok       customer_events  broker `[address]` can be reached
    ok       customer_events  topic `doctor-healthy` holds 3 messages for the window in its 3 partitions
    ok       customer_events  topic `doctor-healthy` removes no message by its age
    ok       destination      `[project]/.dfpipe/warehouse/customer_analytics/weekly_customer_profiles` can be listed: nothing of 2024-11-08 yet
    ok       archive          `[project]/.dfpipe/archive` will be made
    ok       work_dir         `[project]/.dfpipe/work` will be made, [room] are free
    ");
}

#[test]
fn a_sick_project_hears_of_everything_at_once() {
    let Some(kafka) = Kafka::get() else { return };
    let crm = Api::serve(fixtures::customers());
    crm.fail([Fault::Status(401, None)]);
    let an_hour_ago = Clock::system().now() - chrono::Duration::hours(1);
    crm.answer_with([
        ("date", an_hour_ago.to_rfc2822()),
        ("x-ratelimit-limit", "20".to_owned()),
    ]);
    let project = of_the_past(prod(&crm, kafka, "doctor-sick-events"));
    project.edit(
        "dfpipe.yml",
        "topic: doctor-sick-events",
        "topic: doctor-sick-event",
    );
    let (score, typo) = ("from capped_customers", "from caped_customers");
    project.edit("sql/engagement_score.sql", score, typo);
    project.edit(
        "dfpipe.yml",
        "archive: .dfpipe/archive",
        "archive: fixtures",
    );
    project.edit(
        "dfpipe.yml",
        "work_dir: .dfpipe/work",
        "work_dir: fixtures/work",
    );
    project.write("fixtures", "a file where a folder should be");

    let outcome = project.run(DOCTOR);

    assert_snapshot!(screen(&outcome), @"
    exit code: 2
    ----- stdout -----
    customer_analytics · profile prod · window 2024-11-01 00:00 to 2024-11-08 00:00 UTC

    problem  configuration    sql/engagement_score.sql:[place]: there is no source or model `caped_customers`
                              → did you mean `capped_customers`?
    problem  crm_customers    `http://[address]/v1/customers` answers 401 Unauthorized
                              → `sources.crm_customers.from.auth.bearer` (read from `CRM_API_KEY`) holds the key: it is wrong or has expired
    warning  crm_customers    the API says that it allows 20 requests in a time that it does not tell, and `requests_per_minute` is 100
                              → set `sources.crm_customers.from.requests_per_minute: 20`
    warning  crm_customers    the API's clock is 60 minutes behind this machine's: records at the edges of the window may be missed
                              → set this machine's clock (`timedatectl` shows it), or tell the API's owner
    ok       customer_events  broker `[address]` can be reached
    problem  customer_events  there is no topic `doctor-sick-event` on `[address]`
                              → did you mean `doctor-sick-events`?
    ok       destination      `[project]/.dfpipe/warehouse/customer_analytics/weekly_customer_profiles` can be listed: nothing of 2024-11-08 yet
    problem  archive          `[project]/fixtures` cannot be written: `[project]/fixtures` is no folder
                              → look at `archive` in dfpipe.yml
    problem  work_dir         `[project]/fixtures/work` cannot be written: `[project]/fixtures` is no folder
                              → look at `work_dir` in dfpipe.yml
    ----- stderr -----
    error: 5 problems stand in the way of a run
    ");
    assert!(!outcome.screen().contains(Api::KEY));
}

/// One request each: a doctor that asked again would be a burden to who is ill.
#[test]
fn every_refusal_of_an_api_has_its_own_remedy() {
    let crm = Api::serve(fixtures::customers());
    let project = with_api(&crm.url(), "retries: 5");
    let setting = "`sources.orders.from.auth.bearer` (read from `CRM_API_KEY`) holds the key";
    for (status, code, remedy) in [
        (401, 3, setting),
        (403, 3, setting),
        (404, 2, "look at `url` and `path`"),
        (429, 3, "its limit is used up"),
        (503, 3, "the server may be down"),
    ] {
        crm.fail([Fault::Status(status, Some("60"))]);
        let outcome = project.run(["doctor"]);
        assert_eq!(outcome.code, Some(code), "{}", outcome.screen());
        let remedy = format!("→ {remedy}");
        assert!(outcome.stdout.contains(&remedy), "{}", outcome.stdout);
    }
    assert_eq!(crm.requests().len(), 5);

    let auth = "auth: {bearer: '${CRM_API_KEY}'}, ";
    project.edit("dfpipe.yml", auth, "");
    let outcome = project.run(["doctor"]);
    let remedy = "→ no key is sent: set `sources.orders.from.auth` in dfpipe.yml";
    assert!(outcome.stdout.contains(remedy), "{}", outcome.stdout);
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let project = Project::orders();
    // What is listed as a file and cannot be opened, whoever asks: it refers to itself.
    let path = project.path("data/loop.csv");
    std::os::unix::fs::symlink(&path, &path).expect("a link can be made");
    project.edit("dfpipe.yml", "data/*.csv", "data/loop.csv");
    let outcome = project.run(["doctor"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    let problem = "problem  orders         ";
    assert!(outcome.stdout.contains(problem), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("loop.csv"), "{}", outcome.stdout);
}

#[test]
fn nothing_is_written_by_looking() {
    let project = Project::customers();
    let before = everything(&project);
    let outcome = project.succeed(["doctor"]);
    assert_eq!(everything(&project), before);
    assert!(
        outcome.stdout.contains("will be made"),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stderr.is_empty(), "{}", outcome.stderr);
}

#[test]
fn programs_get_the_same_findings_as_people() {
    let project = Project::orders();
    project.remove("data/orders.csv");
    let outcome = project.run(["doctor", "-o", "json"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.screen());
    let found: Value = serde_json::from_str(&outcome.stdout).expect("it is JSON");
    assert_eq!(found["pipeline"], "orders");
    let findings = found["findings"].as_array().expect("a list");
    let levels = findings.iter().map(|it| (&it["subject"], &it["level"]));
    let levels = levels.map(|(subject, level)| format!("{subject} {level}").replace('"', ""));
    assert_eq!(
        levels.collect::<Vec<_>>(),
        [
            "configuration ok",
            "orders problem",
            "destination ok",
            "archive ok",
            "work_dir ok"
        ]
    );
    for finding in findings {
        let is_ok = finding["level"] == "ok";
        assert_eq!(finding["remedy"].is_null(), is_ok, "{finding}");
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_a_finding_for_each_problem() {
    let project = Project::customers().with_variable("CRM_API_URL", "http://127.0.0.1:9");
    let outcome = project.run(DOCTOR);
    assert_snapshot!(screen(&outcome), @"
    exit code: 2
    ----- stdout -----
    problem  configuration  dfpipe.yml:[place]: the environment variable `CRM_API_KEY` is not set
                            → set it (`export CRM_API_KEY=…`) or give a default: `${CRM_API_KEY:-default}`
    problem  configuration  dfpipe.yml:[place]: the environment variable `KAFKA_BROKERS` is not set
                            → set it (`export KAFKA_BROKERS=…`) or give a default: `${KAFKA_BROKERS:-default}`
    problem  configuration  dfpipe.yml:[place]: the environment variable `EMAIL_HASH_KEY` is not set
                            → set it (`export EMAIL_HASH_KEY=…`) or give a default: `${EMAIL_HASH_KEY:-default}`
    problem  configuration  dfpipe.yml:[place]: the environment variable `GCP_PROJECT_ID` is not set
                            → set it (`export GCP_PROJECT_ID=…`) or give a default: `${GCP_PROJECT_ID:-default}`
    ----- stderr -----
    error: 4 problems stand in the way of a run
    ");
}

#[test]
fn an_api_that_is_down_is_named_with_the_setting_and_its_variable() {
    let project = with_api(&closed_address(), "requests_per_minute: 100");
    let outcome = project.run(["doctor"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    let screen = screen(&outcome);
    for words in [
        "`http://[address]/v1/customers` gives no usable answer",
        "Connection refused",
        "→ look at `sources.orders.from.url` (read from `CRM_API_URL`)",
    ] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
    assert!(!screen.contains(Api::KEY), "{screen}");
}

#[test]
fn more_requests_than_the_api_allows_are_a_warning_that_says_what_to_set() {
    let crm = Api::serve(fixtures::customers());
    crm.answer_with([("ratelimit-policy", "\"default\";q=600;w=3600".to_owned())]);
    let project = with_api(&crm.url(), "requests_per_minute: 11");
    let outcome = project.succeed(["doctor"]);
    let screen = screen(&outcome);
    let warning = "warning  orders         the API says that it allows 600 requests in 3600 seconds, \
                   and `requests_per_minute` is 11";
    assert!(screen.contains(warning), "{screen}");
    let remedy = "→ set `sources.orders.from.requests_per_minute: 10`";
    assert!(screen.contains(remedy), "{screen}");

    let slower = with_api(&crm.url(), "requests_per_minute: 10").succeed(["doctor"]);
    assert!(!slower.stdout.contains("warning"), "{}", slower.stdout);
}

#[test]
fn a_quota_that_does_not_last_is_a_warning() {
    let crm = Api::serve(fixtures::customers());
    crm.answer_with([
        ("x-ratelimit-limit-day", "1000000".to_owned()),
        ("x-ratelimit-remaining-day", "6".to_owned()),
    ]);
    let outcome = with_api(&crm.url(), "requests_per_minute: 100").succeed(["doctor"]);
    let warning = "the API says that 6 of 1000000 requests are left, and a run needs more";
    assert!(outcome.stdout.contains(warning), "{}", outcome.stdout);
}

#[test]
fn a_clock_that_is_apart_is_a_warning_and_one_that_is_not_is_none() {
    let now = Clock::system().now();
    for (ahead, is_warned) in [(-30, false), (30, false), (-600, true), (600, true)] {
        let crm = Api::serve(fixtures::customers());
        let date = (now + chrono::Duration::seconds(ahead)).to_rfc2822();
        crm.answer_with([("date", date)]);
        let outcome = with_api(&crm.url(), "requests_per_minute: 100").succeed(["doctor"]);
        let warns = outcome.stdout.contains("the API's clock is ");
        assert_eq!(warns, is_warned, "{ahead}: {}", outcome.stdout);
    }
}

#[test]
fn a_page_of_another_shape_is_a_problem_that_shows_no_address() {
    let crm = Api::serve(fixtures::customers());
    let project = with_api(&crm.url(), "records: page");
    let outcome = project.run(["doctor"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    assert!(outcome.stdout.contains("gives no page of records"));
    assert!(found_in(&outcome.stdout).is_empty(), "{}", outcome.stdout);
}

#[test]
fn a_topic_that_forgets_too_soon_is_a_warning_that_says_what_to_type() {
    let Some(kafka) = Kafka::get() else { return };
    let crm = Api::serve(fixtures::customers());
    let project = of_the_past(prod(&crm, kafka, "doctor-unused-1"));
    let settings = [
        ("retention.ms", "3600000"),
        ("cleanup.policy", "compact,delete"),
    ];
    kafka.create_topic_with("doctor-short", 1, &settings);
    project.edit(
        "dfpipe.yml",
        "topic: doctor-unused-1",
        "topic: doctor-short",
    );

    let outcome = project.run(DOCTOR);

    assert_eq!(outcome.code, Some(0), "{}", outcome.screen());
    let screen = screen(&outcome);
    for words in [
        "warning  customer_events  topic `doctor-short` keeps messages for 60 minutes, and what is \
         read begins [days] ago",
        "--entity-name doctor-short --add-config retention.ms=",
        "warning  customer_events  topic `doctor-short` is empty: nothing was ever written to its 1 partition",
        "warning  customer_events  topic `doctor-short` is compacted",
    ] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
}

#[test]
fn a_broker_that_is_down_is_named_and_the_others_are_asked() {
    let Some(kafka) = Kafka::get() else { return };
    let crm = Api::serve(fixtures::customers());
    let closed = closed_address();
    let brokers = format!("{closed},{}", kafka.bootstrap());
    let project = of_the_past(prod(&crm, kafka, "doctor-one-down"));
    let project = project.with_variable("KAFKA_BROKERS", brokers);

    let outcome = project.succeed(DOCTOR);

    let warning = format!("broker `{closed}` cannot be reached: Connection refused");
    assert!(outcome.stdout.contains(&warning), "{}", outcome.stdout);
    let bootstrap = kafka.bootstrap();
    let reached = format!("ok       customer_events  broker `{bootstrap}` can be reached");
    assert!(outcome.stdout.contains(&reached), "{}", outcome.stdout);
    let empty = "topic `doctor-one-down` is empty: nothing was ever written";
    assert!(outcome.stdout.contains(empty), "{}", outcome.stdout);

    let outcome = project.with_variable("KAFKA_BROKERS", &closed).run(DOCTOR);
    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    let problem = format!("problem  customer_events  broker `{closed}` cannot be reached");
    assert!(outcome.stdout.contains(&problem), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("(read from `KAFKA_BROKERS`)"));
    assert!(outcome.stdout.contains("ok       crm_customers"));
}

#[test]
fn a_destination_that_is_not_there_is_a_problem_and_hides_nothing() {
    let closed = closed_address();
    let project = Project::orders();
    project.edit(
        "dfpipe.yml",
        "dataset: shop",
        "dataset: shop\n  path: s3://warehouse",
    );
    let project = project
        .with_variable("AWS_ACCESS_KEY_ID", "some-key-id")
        .with_variable("AWS_SECRET_ACCESS_KEY", "some-secret-key")
        .with_variable("AWS_REGION", "us-east-1")
        .with_variable("AWS_ALLOW_HTTP", "true")
        .with_variable("AWS_ENDPOINT_URL", format!("http://{closed}"));

    let outcome = project.run(["doctor"]);

    assert_eq!(outcome.code, Some(3), "{}", outcome.screen());
    let screen = screen(&outcome);
    for words in [
        "problem  destination    the warehouse `s3://warehouse/shop/totals` cannot be listed: \
         Connection refused",
        "`AWS_ENDPOINT_URL`",
        "ok       orders",
        "ok       archive",
    ] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
    assert!(!screen.contains("some-secret-key"));
}

#[test]
fn a_date_that_is_loaded_already_is_a_warning_where_a_run_would_refuse_it() {
    let project = Project::orders();
    project.succeed(["run", "-q"]);
    let outcome = project.succeed(["doctor"]);
    assert!(
        outcome
            .stdout
            .contains("can be listed: 1 load of 2026-11-15")
    );
    assert!(!outcome.stdout.contains("warning"), "{}", outcome.stdout);

    project.edit("dfpipe.yml", "on_repeat: add", "on_repeat: refuse");
    let outcome = project.succeed(["doctor"]);
    for words in [
        "warning  destination    2026-11-15 is loaded already by run",
        "→ `dfpipe run --new-load`",
    ] {
        assert!(outcome.stdout.contains(words), "{}", outcome.stdout);
    }
}

/// Nothing of the shipped profile is other than its addresses.
#[test]
fn a_bigquery_is_looked_at_and_nothing_is_made_in_it() {
    let Some(kafka) = Kafka::get() else { return };
    let crm = Api::serve(fixtures::customers());
    let service = BigQuery::serve();
    let project = of_the_past(prod_into(&crm, kafka, "doctor-bigquery", &service.url()));
    let outcome = project.run(DOCTOR);
    let found = outcome.stdout.lines();
    let found: Vec<_> = found
        .filter(|line| line.contains(" destination "))
        .collect();
    assert_snapshot!(found.join("\n"), @"
    ok       destination      jobs can be made in the project `test-project`
    ok       destination      the dataset `customer_analytics` will be made in `US`
    ");
    assert!(
        service
            .dataset("test-project", "customer_analytics")
            .is_none()
    );
    assert!(service.load_jobs().is_empty());
}

/// The profile `prod` for a fixed moment.
fn of_the_past(project: Project) -> Project {
    let prod = "  prod:\n";
    project.edit("dfpipe.yml", prod, &format!("{prod}    as_of: {AS_OF}\n"));
    project
}

/// The orders from an API, which `more` describes.
fn with_api(url: &str, more: &str) -> Project {
    let project = Project::orders();
    let url = if url.starts_with("http") {
        url.to_owned()
    } else {
        format!("http://{url}")
    };
    let from = format!(
        "from: {{kind: crm, url: '${{CRM_API_URL}}', path: /v1/customers, {more}, \
         auth: {{bearer: '${{CRM_API_KEY}}'}}, pagination: {{kind: page_number, total: total}}}}"
    );
    project.edit("dfpipe.yml", "from: {kind: files, path: data/*.csv}", &from);
    project
        .with_variable("CRM_API_URL", url)
        .with_variable("CRM_API_KEY", Api::KEY)
}

/// A message some hours after the window's start.
fn message(hours: i64) -> Message {
    let end = parse_time(AS_OF).expect("it is a time");
    let at = end - chrono::Duration::days(7) + chrono::Duration::hours(hours);
    (None, b"{}".to_vec(), at.timestamp_millis())
}

fn screen(outcome: &Outcome) -> String {
    let blanked = |text: String, (pattern, blank): &(Regex, &str)| {
        pattern.replace_all(&text, *blank).into_owned()
    };
    MEASURED.iter().fold(outcome.screen(), blanked)
}

/// An address of this machine that refuses connections.
fn closed_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("a listener has an address");
    address.to_string()
}

/// Every file in and around the project, and its hash.
fn everything(project: &Project) -> Vec<(PathBuf, String)> {
    let files = artefacts::files(project.surroundings()).into_iter();
    let hashed = files.map(|file| (file.clone(), artefacts::sha256(&file)));
    hashed.collect()
}
