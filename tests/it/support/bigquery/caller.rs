//! Talks to the service as any client would: plain requests, so that the service is tested without what it
//! is there to test.

use std::sync::Arc;

use axum::http::HeaderMap;
use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    parquet::arrow::ArrowWriter,
};
use reqwest::{Client, Method, redirect::Policy};
use serde_json::{Value, json};

/// A client of one service.
pub(crate) struct Caller {
    client: Client,
    url: String,
}

/// What it was told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Told {
    /// The reason of the first error.
    pub(crate) fn reason(&self) -> &str {
        self.body["error"]["errors"][0]["reason"]
            .as_str()
            .unwrap_or_default()
    }
}

impl Caller {
    pub(crate) fn of(url: &str) -> Self {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .build();
        Self {
            client: client.expect("a client can be made"),
            url: url.to_owned(),
        }
    }

    /// Calls below the project `p`.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Told> {
        let url = format!("{}/bigquery/v2/projects/p{path}", self.url);
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        told(request.send().await?).await
    }

    pub(crate) async fn get(&self, path: &str) -> Told {
        self.call(Method::GET, path, None).await.expect("an answer")
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Told {
        self.call(Method::POST, path, Some(body))
            .await
            .expect("an answer")
    }

    /// A dataset `d` in this location, with a table `t`.
    pub(crate) async fn prepare(&self, location: &str, fields: Value) {
        let dataset = json!({"datasetReference": {"datasetId": "d"}, "location": location});
        assert_eq!(self.post("/datasets", dataset).await.status, 200);
        let table = json!({"tableReference": {"projectId": "p", "datasetId": "d", "tableId": "t"}, "schema": {"fields": fields}});
        let made = self.post("/datasets/d/tables", table).await;
        assert_eq!(made.status, 200, "{made:?}");
    }

    /// Begins an upload: where its pieces go, or why not.
    pub(crate) async fn begin(&self, job: &Value) -> Result<String, Box<Told>> {
        let url = format!(
            "{}/upload/bigquery/v2/projects/p/jobs?uploadType=resumable",
            self.url
        );
        let sent = self.client.post(url).json(job).send().await;
        let told = told(sent.expect("an answer")).await.expect("an answer");
        match told.headers.get("location") {
            Some(place) if told.status == 200 => {
                Ok(place.to_str().expect("a place is text").to_owned())
            }
            _ => Err(Box::new(told)),
        }
    }

    /// Sends a piece, or asks how much has arrived.
    pub(crate) async fn put(
        &self,
        session: &str,
        range: &str,
        piece: &[u8],
    ) -> reqwest::Result<Told> {
        let request = self.client.put(session).header("content-range", range);
        told(request.body(piece.to_vec()).send().await?).await
    }

    /// Uploads a file in one piece.
    pub(crate) async fn load(&self, job: &Value, file: &[u8]) -> Told {
        let session = match self.begin(job).await {
            Ok(session) => session,
            Err(told) => return *told,
        };
        let range = format!("bytes 0-{}/{}", file.len() - 1, file.len());
        self.put(&session, &range, file).await.expect("an answer")
    }

    /// Looks at a job until it is done.
    pub(crate) async fn done(&self, id: &str) -> Value {
        for _ in 0..20 {
            let job = self.get(&format!("/jobs/{id}?location=US")).await.body;
            if job["status"]["state"] == "DONE" {
                return job;
            }
        }
        panic!("job {id} is not done");
    }
}

async fn told(answer: reqwest::Response) -> reqwest::Result<Told> {
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Told {
        status,
        headers,
        body,
    })
}

/// A load of `p.d.t` with this job id.
pub(crate) fn load_job(id: &str) -> Value {
    json!({
        "jobReference": {"projectId": "p", "jobId": id, "location": "US"},
        "configuration": {"load": {
            "destinationTable": {"projectId": "p", "datasetId": "d", "tableId": "t"},
            "sourceFormat": "PARQUET",
            "writeDisposition": "WRITE_APPEND",
            "createDisposition": "CREATE_NEVER",
        }},
    })
}

/// Rows as a file.
pub(crate) fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let schema: SchemaRef = Arc::clone(batch.schema_ref());
    let mut writer = ArrowWriter::try_new(vec![], schema, None).expect("a file can be begun");
    writer.write(batch).expect("rows can be written");
    writer.into_inner().expect("a file can be ended")
}
