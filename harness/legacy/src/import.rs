//! stub
use crate::File;
/// stub
pub fn import(_: &[File]) {}
