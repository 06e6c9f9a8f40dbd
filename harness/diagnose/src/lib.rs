//! Why a lab failed, by what its programs print.
//!
//! The [`catalogue`] is data: for each [`Cause`] the messages that tell of it, how much each of them tells, what it must not
//! be confused with, what else it brings about, and what lifts it. An [`Examination`] reads logs of any size, piece by piece, and keeps
//! what the catalogue asks for; at its end it weighs all of it together and names the causes, each with the lines that it is
//! known by. What no entry of the catalogue tells of has no cause here: there are no guesses. Where the logs do not decide, it has
//! [`Question`]s, whose answers are examined like another log.
//!
//! This crate is pure: texts in, diagnoses out.
#![forbid(unsafe_code)]

pub mod catalogue;
mod cause;
mod diagnosis;
mod encoding;
mod evidence;
mod examination;
mod log;
mod message;
mod page;
mod question;
mod remedy;
mod weighing;

pub use catalogue::Catalogue;
pub use cause::{Cause, Confusion, Denied, Sign, Variant};
pub use diagnosis::{Certainty, Diagnosis, Possibility};
pub use evidence::Evidence;
pub use examination::Examination;
pub use log::Log;
pub use question::{Ask, Question, Traffic};
