//! `labrig schema`

use labrig_plan::schema::{catalogue_schema, schema};

use crate::{exit::Exit, ui};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// That of a catalogue of images, `images.toml`, instead
    #[arg(long)]
    catalogue: bool,
}

pub(crate) fn main(args: &Args) -> Exit {
    let schema = if args.catalogue { catalogue_schema() } else { schema() };
    ui::line(&format!("{schema:#}"));
    Exit::Passed
}
