//! `labrig origin`, which only the supervisor calls.

use std::{io, path::PathBuf};

use crate::{exit::Exit, ui};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to serve, as JSON
    origins: PathBuf,
    /// Where to write the certificate of the origins' authority
    authority: PathBuf,
}

pub(crate) fn main(args: &Args) -> Exit {
    let origins = std::fs::read(&args.origins).and_then(|bytes| Ok(serde_json::from_slice::<Vec<_>>(&bytes)?));
    let ended = match origins {
        Ok(origins) => match labrig_host::origin::serve(&origins, &args.authority, io::stdout()) {
            Ok(never) => match never {},
            Err(error) => error.to_string(),
        },
        Err(error) => format!("{}: {error}", args.origins.display()),
    };
    ui::error(&format!("failed to serve the origins: {ended}"), None);
    Exit::Unfit
}
