//! What the test targets share.
#![allow(dead_code, clippy::allow_attributes, reason = "each test target uses its part of this")]

pub(crate) mod lab;
pub(crate) mod shipped;
