//! Delay pools: squid's limits of rates.

use labrig_plan::scenario::At;

use super::{Configuration, Directive};

/// A pool, with the lines that make it.
#[derive(Debug, Clone, Default)]
pub struct Pool<'c> {
    /// Its number, from 1.
    pub number: u16,
    /// Its `delay_class` lines.
    pub classes: Vec<&'c Directive>,
    /// Its `delay_access` lines.
    pub access: Vec<&'c Directive>,
    /// Its `delay_parameters` lines.
    pub parameters: Vec<&'c Directive>,
}

/// One value of `delay_parameters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// What flows in.
    pub restore: Restore,
}

/// What flows into a bucket in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restore {
    /// As much as is wanted.
    Unlimited,
    /// So many bytes.
    Bytes(u64),
}

impl Bucket {
    /// Reads `RESTORE/MAXIMUM`, both in bytes, `-1/-1` or `none` (squid's `DelaySpec::parse`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "none" || text.starts_with('-') {
            return Some(Self { restore: Restore::Unlimited });
        }
        let (restore, maximum) = text.split_once('/')?;
        let (restore, _): (u64, i64) = (restore.parse().ok()?, maximum.parse().ok()?);
        Some(Self { restore: Restore::Bytes(restore) })
    }
}

impl Directive {
    /// The pool that it names: its first argument, where that is a number.
    #[must_use]
    pub fn pool(&self) -> Option<At<u16>> {
        let first = self.arguments.first()?;
        Some(At::new(first.parse().ok()?, first.span()))
    }

    /// The values of `delay_parameters`, also where the pool's number before them is missing.
    #[must_use]
    pub fn buckets(&self) -> &[At<String>] {
        let numbered = self.arguments.first().is_some_and(|first| Bucket::parse(first).is_none());
        &self.arguments[usize::from(numbered).min(self.arguments.len())..]
    }
}

impl Configuration {
    /// What `delay_pools` says.
    #[must_use]
    pub fn pool_count(&self) -> Option<At<u16>> {
        self.named("delay_pools").find_map(Directive::pool)
    }

    /// The pools that any line names, in the order of their numbers. A line without a number is of the only pool.
    #[must_use]
    pub fn pools(&self) -> Vec<Pool<'_>> {
        let mut pools: Vec<Pool<'_>> = Vec::new();
        let only = self.pool_count().map_or(1, |count| *count) == 1;
        for directive in &self.directives {
            let Some(kind @ ("delay_class" | "delay_access" | "delay_parameters")) = directive.meant else { continue };
            let number = match directive.pool() {
                Some(number) => *number,
                None if only => 1,
                None => continue,
            };
            let at = pools.binary_search_by_key(&number, |pool| pool.number).unwrap_or_else(|at| {
                pools.insert(at, Pool { number, ..Pool::default() });
                at
            });
            let pool = &mut pools[at];
            match kind {
                "delay_class" => pool.classes.push(directive),
                "delay_access" => pool.access.push(directive),
                _ => pool.parameters.push(directive),
            }
        }
        pools
    }
}
