//! A storage that stores nothing: `/2026/02/21.txt` says what day that is and has its date, `/2026/02/month.txt` is the
//! month on one page, and `/today.txt` is a link to the day of today.
//!
//! Settings: `from` and `to`, the first and the last year that there is (this one and the next unless set).

#![forbid(unsafe_code)]

mod pages;

use std::ops::RangeInclusive;
use strongroom_guest::*;
use time::{Date, Month, OffsetDateTime, Time, UtcDateTime};

pub struct Calendar {
    years: RangeInclusive<i32>,
}

/// What a path names.
#[derive(Clone, Copy)]
enum Place {
    Root,
    /// `/today.txt`
    Today,
    Year(i32),
    Month(i32, Month),
    /// `month.txt`
    Page(i32, Month),
    Day(Date),
}

export!(Calendar);

wants! {
    "calendar": "Directories of days, each with a page of its own";
    setting "from" optional: "The first year that there is; this one unless set";
    setting "to" optional: "The last year that there is; the next one unless set";
}

impl Storage for Calendar {
    type Session = Self;

    async fn connect(_client: Client, settings: &mut Settings) -> Result<Connected<Self>> {
        let mut year = |name| settings.take(name, "a year from 1600 to 9999", parse_year);
        let from = year("from")?.unwrap_or(today().year());
        let to = year("to")?.unwrap_or(today().year() + 1);
        Ok(Connected::new(Self { years: from..=to }).with_features(Features::SYMLINKS))
    }
}

impl Session for Calendar {
    type File = Contents;
    type Directory = Listing;

    async fn open(&self, path: &str, flags: OpenFlags, _permissions: u16) -> Result<Contents> {
        flags.only_read()?;
        let place = self.find(path, true)?;
        let text = place.text().ok_or(ErrorCode::IsADirectory)?;
        Ok(Contents::new(text).with_attributes(place.attributes()))
    }

    async fn open_directory(&self, path: &str) -> Result<Listing> {
        let entries: Vec<(String, Place)> = match self.find(path, true)? {
            Place::Root => {
                let years = self.years.clone().map(|year| (format!("{year}"), Place::Year(year)));
                years.chain([("today.txt".to_owned(), Place::Today)]).collect()
            }
            Place::Year(year) => {
                let months = (1..=12).filter_map(|month| Month::try_from(month).ok());
                months.map(|month| (format!("{:02}", u8::from(month)), Place::Month(year, month))).collect()
            }
            Place::Month(year, month) => {
                let days = pages::days(year, month).map(|day| (format!("{:02}.txt", day.day()), Place::Day(day)));
                days.chain([("month.txt".to_owned(), Place::Page(year, month))]).collect()
            }
            _ => return Err(ErrorCode::NotADirectory.into()),
        };
        Ok(Listing::new(entries.into_iter().map(|(name, place)| (name, place.attributes()))))
    }

    async fn stat(&self, path: &str, follow: bool) -> Result<Attributes> {
        Ok(self.find(path, follow)?.attributes())
    }

    async fn real_path(&self, path: &str) -> Result<String> {
        let look = async |path: &str| {
            let place = self.find(path, false)?;
            Ok((place.attributes().kind, place.target()))
        };
        path::resolve(path, true, look).await
    }

    async fn read_link(&self, path: &str) -> Result<String> {
        self.find(path, false)?.target().ok_or(ErrorCode::InvalidArgument.into())
    }
}

impl Calendar {
    fn find(&self, path: &str, follow: bool) -> Result<Place> {
        let names: Vec<&str> = path::components(path).collect();
        let place = match names[..] {
            [] => Some(Place::Root),
            ["today.txt"] if follow => Some(Place::Day(today())),
            ["today.txt"] => Some(Place::Today),
            [year] => parse_year(year).map(Place::Year),
            [year, month] => parse_month(year, month).map(|(year, month)| Place::Month(year, month)),
            [year, month, "month.txt"] => parse_month(year, month).map(|(year, month)| Place::Page(year, month)),
            [year, month, day] => parse_day(year, month, day).map(Place::Day),
            _ => None,
        };
        let is_there = |place: &Place| place.year().is_none_or(|year| self.years.contains(&year));
        place.filter(is_there).ok_or(ErrorCode::NoSuchFile.into())
    }
}

impl Place {
    fn year(self) -> Option<i32> {
        match self {
            Self::Root | Self::Today => None,
            Self::Year(year) | Self::Month(year, _) | Self::Page(year, _) => Some(year),
            Self::Day(day) => Some(day.year()),
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Self::Day(day) => Some(pages::day(day)),
            Self::Page(year, month) => Some(pages::month(year, month)),
            Self::Root | Self::Today | Self::Year(_) | Self::Month(..) => None,
        }
    }

    fn target(self) -> Option<String> {
        let Self::Today = self else { return None };
        let today = today();
        Some(format!("{}/{:02}/{:02}.txt", today.year(), u8::from(today.month()), today.day()))
    }

    fn attributes(self) -> Attributes {
        let (attributes, since) = match (self.text(), self.target()) {
            (Some(text), _) => (Attributes::file(text.len() as u64).with_permissions(0o444), self.first_day()),
            (None, Some(target)) => (Attributes::symlink(&target).with_permissions(0o777), today()),
            (None, None) => (Attributes::directory().with_permissions(0o555), self.first_day()),
        };
        let midnight = UtcDateTime::new(since, Time::MIDNIGHT).unix_timestamp();
        attributes.with_modified(Timestamp::from_seconds(midnight))
    }

    fn first_day(self) -> Date {
        let first = match self {
            Self::Day(day) => Ok(day),
            Self::Month(year, month) | Self::Page(year, month) => Date::from_calendar_date(year, month, 1),
            Self::Year(year) => Date::from_calendar_date(year, Month::January, 1),
            Self::Root | Self::Today => Ok(today()),
        };
        first.unwrap_or(Date::MIN)
    }
}

/// In UTC, as all days here: a component knows no time zone.
pub fn today() -> Date {
    OffsetDateTime::from_unix_timestamp(Timestamp::now().seconds).map_or(Date::MIN, |now| now.date())
}

fn parse_year(text: &str) -> Option<i32> {
    digits(text, 4).filter(|year| *year >= 1600)
}

fn parse_month(year: &str, month: &str) -> Option<(i32, Month)> {
    let month = u8::try_from(digits(month, 2)?).ok()?;
    Some((parse_year(year)?, Month::try_from(month).ok()?))
}

fn parse_day(year: &str, month: &str, day: &str) -> Option<Date> {
    let (year, month) = parse_month(year, month)?;
    let day = u8::try_from(digits(day.strip_suffix(".txt")?, 2)?).ok()?;
    Date::from_calendar_date(year, month, day).ok()
}

/// A number that is written with just so many digits, so that every place has one path.
fn digits(text: &str, count: usize) -> Option<i32> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}
