//! Events as files of one JSON object per line.

use std::{io::Write, ops::Range, path::Path};

use super::json;
use crate::{Result, event::Events};

/// Bytes that are written at a time.
const BUFFER: usize = 1 << 20;

/// Writes the events of some places into a file.
pub fn events(path: &Path, events: Events, places: Range<u64>) -> Result<()> {
    let mut file = fs_err::File::create(path)?;
    let mut lines = Vec::with_capacity(BUFFER + 1024);
    for place in places {
        json::event(&mut lines, &events.event(place), events.seed, place)?;
        lines.push(b'\n');
        if lines.len() >= BUFFER {
            file.write_all(&lines)?;
            lines.clear();
        }
    }
    file.write_all(&lines)?;
    Ok(())
}
