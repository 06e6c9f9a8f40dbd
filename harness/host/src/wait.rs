//! Waiting, the one way of it: a condition, a deadline, and the last status seen.

use std::{
    fmt, thread,
    time::{Duration, Instant},
};

/// What a look at the condition showed.
#[derive(Debug)]
pub enum Progress<T> {
    /// It holds.
    Done(T),
    /// Not yet; what was seen instead.
    NotYet(String),
}

/// Why a wait ended without its condition.
#[derive(Debug, thiserror::Error)]
pub enum WaitError<E: fmt::Display> {
    /// What was waited for can no longer happen.
    #[error("{what}: {cause}")]
    Dead {
        /// What was waited for.
        what: String,
        /// Why it cannot happen.
        cause: E,
    },
    /// The deadline passed.
    #[error("{what}: not within {} s; last seen: {last}", limit.as_secs())]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// The last status seen.
        last: String,
    },
}

/// Looks at `condition` every `step` until it is done, fails, or `limit` has passed. The condition's own error
/// ends the wait at once: that is how a dead guest or daemon ends it.
///
/// # Errors
/// The condition's error as [`WaitError::Dead`], or [`WaitError::TimedOut`] with the last status seen.
pub fn until<T, E: fmt::Display>(
    what: &str,
    limit: Duration,
    step: Duration,
    mut condition: impl FnMut() -> Result<Progress<T>, E>,
) -> Result<T, WaitError<E>> {
    let start = Instant::now();
    loop {
        let last = match condition() {
            Ok(Progress::Done(value)) => return Ok(value),
            Ok(Progress::NotYet(status)) => status,
            Err(cause) => return Err(WaitError::Dead { what: what.to_owned(), cause }),
        };
        if start.elapsed() >= limit {
            return Err(WaitError::TimedOut { what: what.to_owned(), limit, last });
        }
        thread::sleep(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_condition_ends_the_wait_at_once() {
        let start = Instant::now();
        let error = until("login", Duration::from_secs(60), Duration::from_millis(1), || {
            Err::<Progress<()>, _>("the guest is gone")
        });
        assert!(start.elapsed() < Duration::from_secs(10));
        assert_eq!(error.map_err(|e| e.to_string()), Err("login: the guest is gone".to_owned()));
    }

    #[test]
    fn a_timeout_tells_the_last_status() {
        let mut looks = 0;
        let error = until("login", Duration::from_millis(5), Duration::from_millis(1), || {
            looks += 1;
            Ok::<Progress<()>, &str>(Progress::NotYet(format!("look {looks}")))
        });
        let text = error.map_err(|e| e.to_string());
        assert_eq!(text, Err(format!("login: not within 0 s; last seen: look {looks}")));
    }
}
