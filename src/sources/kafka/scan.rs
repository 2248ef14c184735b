//! Reads one range of one partition and decodes its messages.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    client::{Client, Event, Message},
    cursor::Cursor,
    format::Format,
    offsets::OffsetRange,
};
use crate::{
    config::Kafka,
    error::{Error, Result},
    sources::{
        Scan, Times,
        partition::{Output, Read},
        record::{Decoder, Envelope, Origin, broken_batch},
    },
};

/// How long a poll waits; between two polls it is seen whether somebody still wants rows.
const WAIT: Duration = Duration::from_millis(50);

/// Reads ranges of a topic, one after the other.
#[derive(Debug)]
pub struct Reader {
    pub kafka: Arc<Kafka>,
    pub ranges: Vec<OffsetRange>,
    /// Consumers that read the topic at a time: they share their memory.
    pub consumers: usize,
    /// What the bytes of a message mean.
    pub format: Arc<Format>,
    pub scan: Scan,
}

impl Read for Reader {
    fn read(&self, output: &Output) -> Result<()> {
        let mut ranges = self
            .ranges
            .iter()
            .filter(|range| !range.is_empty())
            .peekable();
        if ranges.peek().is_none() {
            return Ok(());
        }
        // One after the other by one client: to connect takes longer than to read some thousand messages.
        let client = Client::new(Arc::clone(&self.kafka), self.consumers)?;
        let mut rows = 0;
        for range in ranges {
            let is_enough = self.scan.limit.is_some_and(|limit| rows >= limit);
            if is_enough || !output.is_wanted() {
                break;
            }
            rows += self.read_range(&client, *range, output)?;
        }
        client.leave();
        Ok(())
    }
}

impl Reader {
    /// Reads a range. How many rows it gave.
    fn read_range(&self, client: &Client, range: OffsetRange, output: &Output) -> Result<usize> {
        let mut reading = Reading::begin(self, client, range, output)?;
        let mut is_wanted = true;
        while is_wanted && !reading.is_done() {
            reading.step()?;
            is_wanted = if reading.decoder.is_full() {
                reading.flush()?
            } else {
                output.is_wanted()
            };
        }
        let meter = self.scan.log.meter();
        if reading.cursor.is_done() {
            meter.expect_fewer(range.length().saturating_sub(reading.taken));
        }
        meter.note_times(range.partition, reading.times);
        let rows = reading.decoder.decoded();
        reading.flush().map(|_| rows)
    }
}

/// A reader at work.
struct Reading<'a> {
    reader: &'a Reader,
    range: OffsetRange,
    output: &'a Output,
    client: &'a Client,
    cursor: Cursor,
    decoder: Decoder,
    /// The partition in words.
    within: String,
    /// Messages that came.
    taken: u64,
    /// The times of the earliest and the latest of them.
    times: Times,
    /// When it went on last.
    since: Instant,
}

impl<'a> Reading<'a> {
    fn begin(
        reader: &'a Reader,
        client: &'a Client,
        range: OffsetRange,
        output: &'a Output,
    ) -> Result<Self> {
        let Reader { kafka, scan, .. } = reader;
        let decoder = Decoder::new(
            &scan.source,
            &scan.projection,
            &scan.privacy,
            Arc::clone(&scan.log),
        );
        client.assign(&[(range.partition, range.start)])?;
        Ok(Self {
            reader,
            range,
            output,
            client,
            cursor: Cursor::new(range),
            decoder: decoder.map_err(|error| broken_batch(&error))?,
            within: format!("partition {} of `{}`", range.partition, kafka.topic),
            taken: 0,
            times: Times::default(),
            since: Instant::now(),
        })
    }

    fn is_done(&self) -> bool {
        let is_enough = |limit| self.decoder.decoded() >= limit;
        self.cursor.is_done() || self.reader.scan.limit.is_some_and(is_enough)
    }

    fn step(&mut self) -> Result<()> {
        match self
            .client
            .poll(WAIT)
            .map_err(|error| self.located(&error))?
        {
            Event::Message(message) => {
                if self.cursor.take(message.offset()) {
                    decode(self.reader, &mut self.decoder, &self.within, &message)?;
                    self.taken += 1;
                    self.times.add(message.timestamp());
                    self.since = Instant::now();
                }
                Ok(())
            }
            Event::End(_) => self.end(),
            Event::Nothing => self.idle(),
        }
    }

    /// The partition ends here. Whether our range does, too, is for the cursor to say.
    fn end(&mut self) -> Result<()> {
        self.idle()?;
        if self.cursor.is_done() || self.cursor.believe_end() {
            return Ok(());
        }
        let partition = self.range.partition;
        // Not by our own client: between two tries it would drop what comes. A new leader may take as long
        // to answer as to be elected.
        let kafka = Kafka {
            timeout: self.reader.kafka.stall_timeout,
            ..Kafka::clone(&self.reader.kafka)
        };
        let (_, high) = Client::new(Arc::new(kafka), 1)?.watermarks(partition)?;
        self.cursor.ask_again(high);
        self.client.assign(&[(partition, self.cursor.next())])
    }

    /// No message came: what has no message, such as the end of a transaction, may be behind us.
    fn idle(&mut self) -> Result<()> {
        let position = self.client.position(self.range.partition);
        if position.is_some_and(|position| self.cursor.advance(position)) {
            self.since = Instant::now();
        }
        let is_late = self.since.elapsed() >= self.reader.kafka.stall_timeout;
        if is_late && !self.cursor.is_done() {
            Err(self.stalled())
        } else {
            Ok(())
        }
    }

    /// Hands on the rows so far; `false` when no more are wanted.
    fn flush(&mut self) -> Result<bool> {
        let batch = self.decoder.flush().map_err(|error| broken_batch(&error))?;
        let is_wanted = batch.is_none_or(|batch| self.output.send(batch));
        // Waiting for whoever takes the rows is no standstill of the topic.
        self.since = Instant::now();
        Ok(is_wanted)
    }

    fn stalled(&self) -> Error {
        let Self { within, .. } = self;
        let (next, end) = (self.cursor.next(), self.range.end);
        let timeout = self.reader.kafka.stall_timeout;
        let error = Error::outside(format!(
            "{within} gave nothing for {timeout:?}, at offset {next} of {end}"
        ))
        .with_hint(
            "its broker may be down or overloaded: run again later, or set `stall_timeout_seconds`",
        );
        match self.client.heard() {
            Some(cause) => error.because(cause),
            None => error,
        }
    }

    fn located(&self, error: &Error) -> Error {
        let cause = error.cause().unwrap_or("no reason was given");
        let place = format!("{}, offset {}", self.within, self.cursor.next());
        error.clone().because(format!("{place}: {cause}"))
    }
}

fn decode(
    reader: &Reader,
    decoder: &mut Decoder,
    within: &str,
    message: &Message<'_>,
) -> Result<()> {
    let (part, position) = (message.partition(), message.offset());
    let origin = Origin {
        part,
        position,
        within,
        unit: "offset",
    };
    let headers = message.headers();
    let envelope = Envelope {
        topic: Some(&reader.kafka.topic),
        partition: part,
        offset: position,
        timestamp: message.timestamp(),
        key: message.key(),
        headers: headers.as_deref().unwrap_or_default(),
    };
    let payload = message.payload().unwrap_or_default();
    if headers.is_none() {
        return decoder.bury_message(payload, &"a header has no readable name", origin, envelope);
    }
    let format = &reader.format;
    format.decode(decoder, payload, origin, envelope)
}

#[cfg(test)]
pub mod tests {
    use std::{net::TcpListener, sync::Arc, time::Duration};

    use datafusion::{
        error::DataFusionError, execution::TaskContext, physical_plan::streaming::PartitionStream,
    };
    use futures::StreamExt;
    use tokio::runtime::Runtime;

    use super::{super::settings::tests::kafka, Format, OffsetRange, Reader};
    use crate::{
        clock::parse_time,
        config::{From, Kafka, Secret, Source},
        error::{Error, Kind},
        sources::{Privacy, RefusedLog, Scan, Window, partition::BlockingPartition},
    };

    /// How a topic is read where nothing is said of it.
    pub fn scan(kafka: &Kafka) -> Scan {
        let source = Source {
            name: "events".into(),
            description: None,
            key: None,
            columns: vec![],
            max_dead_letters: 0.01,
            checks: vec![],
            from: From::Kafka(kafka.clone()),
        };
        Scan {
            source: Arc::new(source),
            window: Window::before(parse_time("2026-11-22").unwrap(), 7),
            projection: vec![0],
            limit: None,
            privacy: Privacy::new(&Secret::new("a key of this test")),
            log: Arc::new(RefusedLog::counting("events")),
            max_partitions: 1,
            landing: None,
            bounds: crate::sources::Bounds::default(),
        }
    }

    /// A reader of one range.
    pub fn reader(kafka: Kafka, range: OffsetRange, scan: Scan) -> Reader {
        Reader {
            kafka: Arc::new(kafka),
            ranges: vec![range],
            consumers: 1,
            format: Arc::new(Format::Json),
            scan,
        }
    }

    /// What the first batch of a range is when nobody listens at the broker's address.
    fn first(start: i64, end: i64) -> Option<Result<usize, DataFusionError>> {
        let closed = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let kafka = Kafka {
            brokers: closed.to_string(),
            stall_timeout: Duration::from_millis(200),
            ..kafka(&[])
        };
        let scan = scan(&kafka);
        let range = OffsetRange {
            partition: 3,
            start,
            end,
            low: 0,
        };
        let schema = scan.schema().unwrap();
        let partition = BlockingPartition::new(schema, reader(kafka, range, scan));
        Runtime::new().unwrap().block_on(async {
            let mut batches = partition.execute(Arc::new(TaskContext::default()));
            Some(batches.next().await?.map(|batch| batch.num_rows()))
        })
    }

    #[test]
    fn a_standstill_ends_in_time_and_says_where() {
        let Some(Err(DataFusionError::External(error))) = first(40, 100) else {
            panic!("not an error of ours")
        };
        let error = error.downcast_ref::<Error>().unwrap();
        assert_eq!(error.kind(), Kind::Outside);
        let expected =
            "partition 3 of `customer-events` gave nothing for 200ms, at offset 40 of 100";
        assert_eq!(error.message(), expected);
        assert!(
            error
                .cause()
                .is_some_and(|cause| cause.contains("Connection refused"))
        );
    }

    #[test]
    fn an_empty_range_asks_nobody() {
        assert!(first(40, 40).is_none());
    }
}
