//! What is not known of a call of virt-install, told instead of lost.

use super::{LeftOut, said};
use crate::{import::proxy::shown, virt_install::Install};

/// What only running the script would tell of a call, and a scenario does without.
pub(super) fn unknown<'i>(install: &'i Install, text: &'i str) -> impl Iterator<Item = LeftOut> + 'i {
    let loops = install.repeated.then(|| LeftOut {
        at: install.span.start,
        what: "a call in a loop".to_owned(),
        instead: "one node stands for all that it makes; write one for each",
    });
    let words = install.unknown.iter().map(|span| LeftOut {
        at: span.start,
        what: format!("`{}`", shown(text.get(span.clone()).unwrap_or_default())),
        instead: "what options it holds is known only when the script runs, and none of them is carried over",
    });
    let values = install.options.iter().filter_map(|option| {
        let value = option.value.as_ref().filter(|value| value.text().is_none())?;
        let known = matches!(option.long(), "--name" | "--memory" | "--vcpus" | "--network" | "--mac");
        (known && !value.may_be_several()).then(|| LeftOut {
            at: option.name.span().start,
            what: said(option, text),
            instead: "what a variable holds is known only when the script runs, and is not carried over",
        })
    });
    let most = install.named("--vcpus").filter_map(|option| option.part("maxvcpus")).map(|most| LeftOut {
        at: most.span().start,
        what: format!("`maxvcpus={}`", most.as_str()),
        instead: "a node keeps the processors that it begins with",
    });
    loops.into_iter().chain(words).chain(values).chain(most)
}
