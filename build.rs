//! Hashes what the program is built from, so that a run's record can tell builds apart.

use std::{
    fmt::Write,
    io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    for (name, parts) in [
        ("DFPIPE_SOURCE_HASH", &["src", "udfs/src", "Cargo.lock"][..]),
        ("DFPIPE_UDFS_HASH", &["udfs/src"][..]),
    ] {
        let mut files = vec![];
        for part in parts {
            println!("cargo::rerun-if-changed={part}");
            collect(Path::new(part), &mut files)?;
        }
        // The order in which a folder lists its files is chance.
        files.sort();
        println!("cargo::rustc-env={name}={}", hash(&files)?);
    }
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs_err::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}

fn hash(files: &[PathBuf]) -> io::Result<String> {
    let mut hash = Sha256::new();
    for file in files {
        let content = fs_err::read(file)?;
        hash.update(file.to_string_lossy().as_bytes());
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(content);
    }
    let mut text = String::new();
    for byte in &hash.finalize()[..8] {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}
