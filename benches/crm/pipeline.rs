//! The three readers: who only fetches, who only decodes, and the source as a query reads it.

use std::sync::Arc;

use axum::body::Bytes;
use dfpipe::{
    config::{self, Config, Source},
    engine::Engine,
    model::{File, Parameters, Sql},
    sources::{
        Privacy, RefusedLog, SourceTable, Window,
        record::{Decoder, Document, Origin},
        source_schema,
    },
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::server::Server;

const CONFIGURATION: &str = r#"
pipeline: bench
as_of: 2026-11-15
email_hash_key: good for measuring only
sources:
  customers:
    key: customer_id
    columns:
      customer_id:        {type: text, required: true}
      email_hash:         {type: text, path: email, pii: email}
      signup_date:        {type: date}
      last_activity_date: {type: date}
      subscription_tier:  {type: text}
      lifetime_value:     {type: "decimal(18,2)"}
      support_tickets:    {type: integer}
      updated_at:         {type: timestamp, required: true}
    from:
      kind: crm
      url: ${CRM_API_URL}
      path: /v1/customers
      records: data
      pagination: {kind: page_number, size: SIZE, total: total}
      requests_per_minute: 100000
destination: {kind: parquet, model: customers, dataset: bench, table: customers}
"#;

/// What stands around the readers.
pub(crate) struct Pipeline {
    folder: TempDir,
    config: Config,
    runtime: Runtime,
}

impl Pipeline {
    /// Readers of the API at `url`, in pages of `size`.
    pub(crate) fn of(url: &str, size: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let file = folder.path().join(config::FILE);
        let configuration = CONFIGURATION.replace("SIZE", &size.to_string());
        fs_err::write(&file, configuration).expect("a file can be written");
        let variable = |name: &str| (name == "CRM_API_URL").then(|| url.to_owned());
        let config = config::load(folder.path(), None, &variable);
        Self {
            config: config.expect("the configuration is good"),
            folder,
            runtime: Runtime::new().expect("a runtime can be made"),
        }
    }

    /// Fetches every page over HTTP and looks at none: as many records as there would be.
    pub(crate) fn fetch(&self, server: &Server) -> usize {
        let client = reqwest::Client::new();
        let pages = server.pages().len();
        let mut bytes = 0;
        self.runtime.block_on(async {
            for page in 1..=pages {
                let url = format!("{}/v1/customers?page={page}", server.url());
                let answer = client.get(url).send().await.expect("the server answers");
                bytes += answer.bytes().await.expect("the page comes").len();
            }
        });
        assert_eq!(bytes, server.bytes(), "all pages came");
        let first = server.pages().first().map_or("", |page| text(page));
        let last = server.pages().last().map_or("", |page| text(page));
        let count = |page| page_of(page).records.len();
        (pages - 1) * count(first) + count(last)
    }

    /// Decodes every page from memory.
    pub(crate) fn decode(&self, pages: &[Bytes]) -> usize {
        let source = self.source();
        let all: Vec<_> = (0..source_schema(source).fields().len()).collect();
        let privacy = Privacy::new(&self.config.email_hash_key);
        let log = Arc::new(RefusedLog::counting("customers"));
        let mut decoder = Decoder::new(source, &all, &privacy, log).expect("a decoder can be made");
        let mut rows = 0;
        for (number, page) in (1..).zip(pages) {
            let within = format!("page {number}");
            for (position, record) in (1..).zip(&page_of(text(page)).records) {
                let origin = Origin {
                    part: number,
                    position,
                    within: &within,
                    unit: "record",
                };
                let decoded = decoder.json(record.get().as_bytes(), origin);
                decoded.expect("a record can be decoded");
            }
            let batch = decoder.flush().expect("a batch can be made");
            rows += batch.map_or(0, |batch| batch.num_rows());
        }
        rows
    }

    /// Reads the whole API through the source, as a query does.
    pub(crate) fn extract(&self) -> usize {
        let spill = self.folder.path().join("spill");
        let engine = Engine::new(&self.config, &spill).expect("a session can be made");
        let window = Window::before(
            self.config.as_of.expect("it is fixed"),
            self.config.window_days,
        );
        let table = SourceTable::new(
            Arc::new(self.source().clone()),
            window,
            Privacy::new(&self.config.email_hash_key),
            Arc::new(RefusedLog::counting("customers")),
            1,
        );
        let table = Arc::new(table);
        engine.register("customers", table).expect("it is free");
        self.runtime.block_on(async {
            let sql = sql("select * from customers");
            let rows = engine.query(&sql, &Parameters::default()).await;
            let mut rows = rows.expect("the query is good");
            let mut count = 0;
            while let Some(batch) = rows.next().await {
                count += batch.expect("the API is good").num_rows();
            }
            count
        })
    }

    fn source(&self) -> &Source {
        &self.config.sources["customers"]
    }
}

fn sql(text: &str) -> Sql {
    let file = File {
        path: "bench.sql".into(),
        name: "bench.sql".into(),
        text: text.into(),
    };
    Sql::parse(file).expect("it is SQL")
}

fn text(page: &Bytes) -> &str {
    std::str::from_utf8(page).expect("a page is text")
}

fn page_of(page: &str) -> Document<'_> {
    Document::parse(page, &["data".to_owned()]).expect("a page has records")
}
