//! `dfpipe runs`: the history as people and scripts read it.
