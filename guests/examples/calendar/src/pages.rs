//! What stands in the files.

use std::fmt::Write;
use time::{Date, Month};

const MOON: [&str; 8] = [
    "new moon",
    "waxing crescent",
    "first quarter",
    "waxing gibbous",
    "full moon",
    "waning gibbous",
    "last quarter",
    "waning crescent",
];
/// From one new moon to the next, in days.
const LUNATION: f64 = 29.530_588_853;
/// The new moon of 6 January 2000, 18:14 UTC, as a Julian day at noon.
const NEW_MOON: f64 = 2_451_550.26;

/// The days of a month.
pub fn days(year: i32, month: Month) -> impl Iterator<Item = Date> {
    (1..=month.length(year)).filter_map(move |day| Date::from_calendar_date(year, month, day).ok())
}

/// One day: its weekday, its number, its week, its moon.
pub fn day(day: Date) -> String {
    let (year, week, _) = day.to_iso_week_date();
    format!(
        "{}, {} {} {}\nday {}, week {week} of {year}\n{}\n",
        day.weekday(),
        day.day(),
        day.month(),
        day.year(),
        day.ordinal(),
        moon(day)
    )
}

/// One month, a line a week from Monday to Sunday.
pub fn month(year: i32, month: Month) -> String {
    let mut page = format!("{:^20}\nMo Tu We Th Fr Sa Su\n", format!("{month} {year}"));
    for day in days(year, month) {
        let column = day.weekday().number_days_from_monday();
        if day.day() == 1 {
            page.push_str(&"   ".repeat(column.into()));
        }
        // Writing to a string cannot fail.
        let _ = write!(page, "{:2}{}", day.day(), if column == 6 { "\n" } else { " " });
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// The moon at noon.
fn moon(day: Date) -> &'static str {
    let age = (f64::from(day.to_julian_day()) - NEW_MOON).rem_euclid(LUNATION);
    let eighth = (age / LUNATION * 8.0).round() as usize;
    MOON[eighth % MOON.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: i32, month: Month, day: u8) -> Date {
        Date::from_calendar_date(year, month, day).unwrap()
    }

    #[test]
    fn a_day_says_what_it_is() {
        let text = day(date(2024, Month::February, 29));
        assert_eq!(text, "Thursday, 29 February 2024\nday 60, week 9 of 2024\nwaning gibbous\n");
        // The first days of a year may belong to a week of the one before.
        assert!(day(date(2021, Month::January, 1)).contains("day 1, week 53 of 2020"));
    }

    #[test]
    fn the_moon_is_full_when_it_was() {
        assert_eq!(moon(date(2025, Month::March, 14)), "full moon");
        assert_eq!(moon(date(2024, Month::April, 8)), "new moon");
        assert_eq!(moon(date(2024, Month::April, 15)), "first quarter");
    }

    #[test]
    fn a_month_begins_under_its_weekday() {
        let page = "   February 2026    \nMo Tu We Th Fr Sa Su\n                   1\n 2  3  4  5  6  7  8\n 9 10 11 12 13 14 15\n16 17 18 19 20 21 22\n23 24 25 26 27 28\n";
        assert_eq!(month(2026, Month::February), page);
    }
}
