//! `labrig schema`

use crate::{exit::Exit, ui};

pub(crate) fn main() -> Exit {
    ui::line(&format!("{:#}", labrig_plan::schema::schema()));
    Exit::Passed
}
