//! Dates as the log and long names show them, from seconds since 1970, without a time zone's rules.

use std::fmt;

const DAY_SECONDS: i64 = 24 * 60 * 60;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    year: i64,
    /// From 1.
    month: i64,
    /// From 1.
    day: i64,
    second_of_day: i64,
}

impl Moment {
    /// `offset_seconds` is east of UTC.
    pub fn new(unix_seconds: i64, offset_seconds: i32) -> Self {
        let local = unix_seconds.saturating_add(i64::from(offset_seconds));
        let (year, month, day) = civil_date(local.div_euclid(DAY_SECONDS));
        Self { year, month, day, second_of_day: local.rem_euclid(DAY_SECONDS) }
    }

    fn hour(self) -> i64 {
        self.second_of_day / 3600
    }

    fn minute(self) -> i64 {
        self.second_of_day / 60 % 60
    }

    fn month_name(self) -> &'static str {
        usize::try_from(self.month - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default()
    }

    /// `%b %e %H:%M`, as `ls -l` shows the last half year.
    pub fn with_time(self) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            write!(f, "{} {:>2} {:02}:{:02}", self.month_name(), self.day, self.hour(), self.minute())
        })
    }

    /// `%b %e  %Y`, as `ls -l` shows the rest.
    pub fn with_year(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{} {:>2}  {}", self.month_name(), self.day, self.year))
    }

    /// `%Y%m%d-%H:%M:%S`, as OpenSSH logs it.
    pub fn compact(self) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            let second = self.second_of_day % 60;
            let (hour, minute) = (self.hour(), self.minute());
            write!(f, "{:04}{:02}{:02}-{hour:02}:{minute:02}:{second:02}", self.year, self.month, self.day)
        })
    }
}

/// Year, month and day of a day since 1970-01-01. Years are counted from March, so that a leap day ends one, within eras
/// of 400 years, which are all of one length.
fn civil_date(days: i64) -> (i64, i64, i64) {
    const ERA_DAYS: i64 = 146_097;
    const MARCH_YEAR_0: i64 = 719_468;
    let shifted = days + MARCH_YEAR_0;
    let era = shifted.div_euclid(ERA_DAYS);
    let day_of_era = shifted.rem_euclid(ERA_DAYS);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        for (seconds, expected) in [
            (0, "19700101-00:00:00"),
            (-1, "19691231-23:59:59"),
            (951_782_400, "20000229-00:00:00"),
            (1_709_251_199, "20240229-23:59:59"),
            (4_294_967_295, "21060207-06:28:15"),
            (4_107_542_400, "21000301-00:00:00"),
        ] {
            assert_eq!(Moment::new(seconds, 0).compact().to_string(), expected);
        }
    }

    #[test]
    fn any_number_is_some_day() {
        for seconds in [i64::MIN, i64::MAX] {
            assert!(!Moment::new(seconds, 0).with_year().to_string().is_empty());
        }
    }

    #[test]
    fn shapes() {
        let moment = Moment::new(1_700_000_000, 3600);
        assert_eq!(moment.with_time().to_string(), "Nov 14 23:13");
        assert_eq!(moment.with_year().to_string(), "Nov 14  2023");
        assert_eq!(Moment::new(1_701_388_800, 0).with_year().to_string(), "Dec  1  2023");
    }
}
