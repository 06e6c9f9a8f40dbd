//! Days of the calendar: `2027-01-31`.

use std::{fmt, str::FromStr};

use crate::text::{Unfit, written_as_text};

/// A day of the Gregorian calendar (RFC 3339, `full-date`), from the year 1970 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u32,
    month: u32,
    day: u32,
}

/// Why a text is not a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a date: {RULE}")]
pub struct DateError {
    /// The text as it was given, shortened to 80 characters.
    pub text: String,
}

const RULE: &str = "write year, month and day, as in `\"2027-01-31\"`";

/// The days of the months of a year that is no leap year.
const MONTHS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Date {
    /// The day that is so many days after 1970-01-01, such as the seconds of Unix time divided by 86400.
    #[must_use]
    pub fn of_unix_days(days: u64) -> Self {
        // 400 years have 146097 days, whichever they are.
        const CYCLE: u64 = 146_097;
        let mut year = 1970 + u32::try_from(days / CYCLE).unwrap_or(u32::MAX / 800) * 400;
        let mut rest = u32::try_from(days % CYCLE).unwrap_or_default();
        while rest >= days_of_year(year) {
            rest -= days_of_year(year);
            year += 1;
        }
        let mut month = 1;
        while rest >= days_of_month(year, month) {
            rest -= days_of_month(year, month);
            month += 1;
        }
        Self { year, month, day: rest + 1 }
    }
}

fn is_leap(year: u32) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

fn days_of_year(year: u32) -> u32 {
    if is_leap(year) { 366 } else { 365 }
}

/// Of a month from 1 to 12.
fn days_of_month(year: u32, month: u32) -> u32 {
    let days = usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index)).copied().unwrap_or_default();
    if month == 2 && is_leap(year) { days + 1 } else { days }
}

impl Unfit for DateError {
    fn expected(&self) -> String {
        format!("a date in quotes: {RULE}")
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let parts: Vec<&str> = text.split('-').collect();
        let number = |part: &str, digits: usize| -> Option<u32> {
            let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| part.parse().ok())?
        };
        let date = match parts.as_slice() {
            [year, month, day] => (|| {
                let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
                let exists =
                    year >= 1970 && (1..=12).contains(&month) && (1..=days_of_month(year, month)).contains(&day);
                exists.then_some(Self { year, month, day })
            })(),
            _ => None,
        };
        date.ok_or_else(|| DateError { text: text.chars().take(80).collect() })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

written_as_text!(
    Date,
    "a date in quotes: write year, month and day, as in `\"2027-01-31\"`",
    { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "description": "write year, month and day, as in `2027-01-31`" }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        for (days, date) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (789, "1972-02-29"),
            (11_016, "2000-02-29"),
            (19_723, "2024-01-01"),
            (20_849, "2027-01-31"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
            (146_097, "2370-01-01"),
        ] {
            assert_eq!(Date::of_unix_days(days).to_string(), date);
            assert_eq!(date.parse(), Ok(Date::of_unix_days(days)));
        }
    }

    #[test]
    fn every_day_follows_the_one_before_it() {
        for days in 0..60_000 {
            assert!(Date::of_unix_days(days) < Date::of_unix_days(days + 1), "{days}");
        }
        // However many there are.
        assert!(Date::of_unix_days(u64::MAX) > Date::of_unix_days(60_000));
    }

    #[test]
    fn days_that_are_none() {
        for text in [
            "",
            "2027",
            "2027-1-31",
            "2027-02-29",
            "2100-02-29",
            "2027-00-01",
            "2027-13-01",
            "2027-01-00",
            "2027-01-32",
            "1969-12-31",
            "+027-01-31",
            "2027-01-31 ",
            "2027-01-31T00:00:00Z",
            "31.01.2027",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}
