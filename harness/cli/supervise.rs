//! `labrig supervise`, which only labrig itself calls.

use crate::{exit::Exit, ui};

pub(crate) fn main() -> Exit {
    match labrig_bringup::supervisor::supervise() {
        Ok(()) => Exit::Passed,
        Err(error) => {
            ui::error(&format!("failed to supervise: {error}"), None);
            Exit::Unfit
        }
    }
}
