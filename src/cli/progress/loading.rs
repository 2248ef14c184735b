//! A load that is under way, in words. Pure.

use indicatif::BinaryBytes;

use crate::sinks::Stage;

/// How far the load is, `seconds` after it began.
pub fn loading(stage: &Stage, seconds: f64) -> String {
    match stage {
        Stage::Uploading { bytes, expected } => {
            let percent = bytes.saturating_mul(100) / (*expected).max(1);
            let counted = format!(
                "{} of {} uploaded ({percent} %)",
                BinaryBytes(*bytes),
                BinaryBytes(*expected)
            );
            match per_second(*bytes, seconds) {
                Some(rate) => format!("{counted}, {}/s", BinaryBytes(rate)),
                None => counted,
            }
        }
        Stage::Waiting { job_id, state } => {
            format!("job {job_id} is {}", state.to_lowercase())
        }
        Stage::Retrying {
            cause,
            seconds: wait,
        } => {
            format!("{cause}; again in {wait} s")
        }
        Stage::Pausing { seconds: wait } => format!("the next part follows in {wait} s"),
        Stage::Verifying => "counting the loaded rows".to_owned(),
    }
}

fn per_second(bytes: u64, seconds: f64) -> Option<u64> {
    let rate = std::time::Duration::from_secs_f64(seconds.max(0.0)).as_millis();
    let rate = u128::from(bytes).checked_mul(1000)?.checked_div(rate)?;
    u64::try_from(rate).ok().filter(|_| seconds >= 1.0)
}

#[cfg(test)]
mod tests {
    use super::loading;
    use crate::sinks::Stage;

    #[test]
    fn an_upload_tells_how_far_and_how_fast_it_is() {
        let stage = |bytes| Stage::Uploading {
            bytes,
            expected: 8 << 20,
        };
        assert_eq!(
            loading(&stage(2 << 20), 2.0),
            "2.00 MiB of 8.00 MiB uploaded (25 %), 1.00 MiB/s"
        );
        assert_eq!(loading(&stage(0), 0.0), "0 B of 8.00 MiB uploaded (0 %)");
    }

    #[test]
    fn what_is_tried_again_tells_why_and_when() {
        let stage = Stage::Retrying {
            cause: "backendError".to_owned(),
            seconds: 4,
        };
        assert_eq!(loading(&stage, 9.0), "backendError; again in 4 s");
        let pausing = Stage::Pausing { seconds: 10 };
        assert_eq!(loading(&pausing, 9.0), "the next part follows in 10 s");
    }
}
