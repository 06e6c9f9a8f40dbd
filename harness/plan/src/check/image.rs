//! Rules for nodes that boot from an image.

use std::collections::BTreeSet;

use crate::{
    check::Context,
    finding::did_you_mean,
    image::{CATALOGUE, Catalogue, Image},
    lab::Node,
    name::ImageName,
    scenario::At,
};

/// The image of a node; a finding where the catalogue has none of that name.
pub(super) fn image(context: &mut Context<'_>, name: &At<ImageName>) -> ImageName {
    if context.catalogue.image(name).is_none() {
        unknown_image(context, name);
    }
    (**name).clone()
}

fn unknown_image(context: &mut Context<'_>, name: &At<ImageName>) {
    let known: Vec<&str> = context.catalogue.images().iter().map(|image| image.name.as_str()).collect();
    let help = match did_you_mean(name.as_str(), known.iter().copied()) {
        Some(guess) => guess,
        None if known.is_empty() => {
            format!("describe it in a file `{CATALOGUE}` beside the scenario: `[image.{name}]`")
        }
        None => format!(
            "`{CATALOGUE}` has: {}",
            known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    };
    context.report.add(name.span(), format!("there is no image `{name}`")).help(help);
}

/// The images that the nodes boot from.
pub(super) fn used(catalogue: &Catalogue, nodes: &[Node]) -> Vec<Image> {
    let names: BTreeSet<&ImageName> = nodes.iter().filter_map(|node| node.install.image()).collect();
    names.into_iter().filter_map(|name| catalogue.image(name)).cloned().collect()
}
