//! Points in time and days as business systems write them.

use contract::Moment;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ZonedDateTime};

use crate::{Repeated, Style, Wrong};

/// A longer text is no time.
const LEN_MAX: usize = 64;
/// No business document is of before, so an earlier year was written with two digits.
const YEAR_MIN: i16 = 1000;

/// Reads a time by its format or, without one, ISO 8601, `20261123`, `20261123060211`, `23/11/2026 05:02`,
/// `23.11.2026`, `/Date(1795421564123)/`. A day is its first moment in the zone. What holds only zeros
/// (`00000000`, `0000-00-00`) is no time: `None`.
///
/// # Errors
/// What was found, what was expected; an hour that does not exist or exists twice.
pub fn read(text: &str, format: Option<&str>, style: &Style) -> Result<Option<Moment>, Wrong> {
    if text.len() > LEN_MAX {
        return Err(Wrong::new(text, "a time"));
    }
    if is_nothing(text) {
        return Ok(None);
    }
    match format {
        Some(format) => by_format(text, format, style),
        None => by_shape(text, style),
    }
    .map(Some)
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size: each unit is taken from 2001
/// to 2286 in seconds.
///
/// # Errors
/// It is of no such size.
pub fn unix(number: f64) -> Result<Moment, Wrong> {
    let size = number.abs();
    let ms = match size {
        _ if size < 1e11 => number * 1e3,
        _ if size < 1e14 => number,
        _ if size < 1e17 => number / 1e3,
        _ if size < 1e20 => number / 1e6,
        _ => return Err(Wrong::new(&number.to_string(), "seconds or milliseconds since 1970")),
    };
    Ok(Moment::from_ms(ms as i64))
}

/// A format that can be read back: `%d/%m/%Y`.
///
/// # Errors
/// What is wrong with it.
pub fn check(format: &str) -> Result<(), String> {
    let day = "2026-11-23T05:02:03+01:00[Europe/Paris]"
        .parse::<ZonedDateTime>()
        .map_err(|error| error.to_string())?;
    let written = strtime::format(format, &day).map_err(|error| format!("`{format}`: {error}"))?;
    let style = Style::new(crate::Decimal::Comma, TimeZone::UTC);
    match by_format(&written, format, &style) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "`{format}` writes 23 November 2026 05:02 as `{written}`, which names no day; expected letters such as `%d/%m/%Y %H:%M`"
        )),
    }
}

/// A moment as ISO 8601 in UTC, for a text field.
pub fn plain(moment: Moment) -> String {
    Timestamp::from_millisecond(moment.as_ms())
        .map_or_else(|_| moment.as_ms().to_string(), |at| at.to_string())
}

/// `00000000`, `0000-00-00`, `00/00/0000 00:00:00`: how systems say that there is none.
fn is_nothing(text: &str) -> bool {
    let zeros = text.bytes().filter(|byte| *byte == b'0').count();
    zeros >= 6 && text.bytes().all(|byte| matches!(byte, b'0' | b'-' | b'/' | b'.' | b':' | b' ' | b'T'))
}

fn by_format(text: &str, format: &str, style: &Style) -> Result<Moment, Wrong> {
    let wrong = || Wrong::new(text, format!("a time written as `{format}`"));
    let broken = BrokenDownTime::parse(format, text).map_err(|_| wrong())?;
    if broken.offset().is_some() {
        return broken.to_timestamp().map(moment).map_err(|_| wrong());
    }
    // `%Y` takes `26` for the year 26.
    if broken.to_date().is_ok_and(|day| day.year() < YEAR_MIN) {
        return Err(wrong());
    }
    match broken.to_datetime() {
        Ok(local) => in_zone(text, local, style),
        Err(_) => broken.to_date().map_err(|_| wrong()).and_then(|day| first_moment(text, day, style)),
    }
}

fn by_shape(text: &str, style: &Style) -> Result<Moment, Wrong> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(moment(at));
    }
    if let Some(ms) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
        return odata(text, ms);
    }
    const ALL_DIGITS: &[(usize, &str)] = &[(8, "%Y%m%d"), (12, "%Y%m%d%H%M"), (14, "%Y%m%d%H%M%S")];
    const FRENCH: &[&str] = &["%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y"];
    const GERMAN: &[&str] = &["%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y"];
    let are_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if are_digits {
        let format = ALL_DIGITS.iter().find(|(len, _)| *len == text.len());
        return match format {
            Some((_, format)) => by_format(text, format, style),
            None => Err(Wrong::new(text, "a time such as 20261123 or 20261123060211")),
        };
    }
    if text.as_bytes().get(2) == Some(&b'/') || text.as_bytes().get(2) == Some(&b'.') {
        let formats = if text.as_bytes()[2] == b'/' { FRENCH } else { GERMAN };
        // An impossible hour must be told as such, so only the shape decides which format it is.
        let format = formats[match text.matches(':').count() {
            0 => 2,
            1 => 0,
            _ => 1,
        }];
        return by_format(text, format, style);
    }
    match text.parse::<DateTime>() {
        Ok(local) if text.contains(':') || text.contains('T') => in_zone(text, local, style),
        Ok(local) => first_moment(text, local.date(), style),
        Err(_) => Err(Wrong::new(
            text,
            "a time such as 2026-11-23T05:02 or 23/11/2026 05:02; else name its `format`",
        )),
    }
}

/// OData 2 writes `/Date(1795421564123+0000)/`: milliseconds in UTC, whatever the offset says.
fn odata(text: &str, inside: &str) -> Result<Moment, Wrong> {
    let sign_at = inside.get(1..).and_then(|rest| rest.find(['+', '-'])).map(|at| at + 1);
    let ms = &inside[..sign_at.unwrap_or(inside.len())];
    ms.parse()
        .map(Moment::from_ms)
        .map_err(|_| Wrong::new(text, "milliseconds such as /Date(1795421564123)/"))
}

fn first_moment(text: &str, day: Date, style: &Style) -> Result<Moment, Wrong> {
    // Where the clocks change at midnight, the day begins an hour later: that is no mistake of whoever wrote it.
    let start = style.zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0)).compatible();
    start.map(moment).map_err(|_| Wrong::new(text, "a day that the zone knows"))
}

fn in_zone(text: &str, local: DateTime, style: &Style) -> Result<Moment, Wrong> {
    let ambiguous = style.zone.to_ambiguous_timestamp(local);
    let at = match (ambiguous.offset(), style.repeated) {
        (AmbiguousOffset::Unambiguous { .. }, _) => ambiguous.unambiguous(),
        (AmbiguousOffset::Gap { .. }, _) => {
            return Err(Wrong::new(text, "an hour that exists; the clocks were put forward over this one"));
        }
        (AmbiguousOffset::Fold { .. }, Repeated::Tell) => {
            return Err(Wrong::new(
                text,
                "an hour that exists once; the clocks were put back, so this one exists twice",
            ));
        }
        (AmbiguousOffset::Fold { .. }, Repeated::First) => ambiguous.earlier(),
        (AmbiguousOffset::Fold { .. }, Repeated::Second) => ambiguous.later(),
    };
    at.map(moment).map_err(|_| Wrong::new(text, "a time that the zone knows"))
}

/// A local time from a cell that holds one by itself, as in a spreadsheet.
///
/// # Errors
/// An hour that does not exist or exists twice.
pub fn local(local: DateTime, style: &Style) -> Result<Moment, Wrong> {
    in_zone(&local.to_string(), local, style)
}

fn moment(at: Timestamp) -> Moment {
    Moment::from_ms(at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decimal;

    fn paris(text: &str, format: Option<&str>) -> Result<Option<String>, String> {
        let style = Style::new(Decimal::Comma, TimeZone::get("Europe/Paris").unwrap());
        read(text, format, &style).map(|at| at.map(plain)).map_err(|wrong| wrong.expected)
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, format, at) in [
            ("23/11/2026 05:02", None, "2026-11-23T04:02:00Z"),
            ("23/11/2026 05:02:07", None, "2026-11-23T04:02:07Z"),
            ("23/11/2026", None, "2026-11-22T23:00:00Z"),
            ("23.11.2026", None, "2026-11-22T23:00:00Z"),
            ("20261123", None, "2026-11-22T23:00:00Z"),
            ("20261123060211", None, "2026-11-23T05:02:11Z"),
            ("2026-11-23T05:02:00+01:00", None, "2026-11-23T04:02:00Z"),
            ("2026-11-23T12:03:11Z", None, "2026-11-23T12:03:11Z"),
            ("2026-11-23 05:02", None, "2026-11-23T04:02:00Z"),
            ("2026-11-23", None, "2026-11-22T23:00:00Z"),
            ("/Date(1795421564123+0000)/", None, "2026-11-23T08:12:44.123Z"),
            ("23-11-26", Some("%d-%m-%y"), "2026-11-22T23:00:00Z"),
            ("11/23/2026 05:02 PM", Some("%m/%d/%Y %I:%M %p"), "2026-11-23T16:02:00Z"),
            ("231126 0502 +0000", Some("%d%m%y %H%M %z"), "2026-11-23T05:02:00Z"),
        ] {
            let came = paris(text, format);
            assert!(came.is_ok(), "{text}: {came:?}");
            assert_eq!(came, Ok(Some(at.to_owned())), "{text}");
        }
        for nothing in ["00000000", "0000-00-00", "00/00/0000", "00.00.0000 00:00:00", "000000"] {
            assert_eq!(paris(nothing, None), Ok(None), "{nothing}");
            assert_eq!(paris(nothing, Some("%Y%m%d")), Ok(None), "{nothing}");
        }
    }

    #[test]
    fn what_is_no_time_is_told() {
        for text in [
            "hier",
            "32/11/2026",
            "23/11/26",
            "2026-13-01",
            "1234567",
            "12:30",
            "29/02/2026",
            "/Date(x)/",
            "é/é/",
        ] {
            assert!(paris(text, None).is_err(), "{text}");
        }
        assert_eq!(paris("23/11/2026", Some("%Y-%m-%d")), Err("a time written as `%Y-%m-%d`".to_owned()));
    }

    #[test]
    fn an_hour_that_is_none_or_two_is_told() {
        assert!(paris("29/03/2026 02:30", None).unwrap_err().contains("put forward"));
        assert!(paris("25/10/2026 02:30", None).unwrap_err().contains("exists twice"));
        let mut style = Style::new(Decimal::Comma, TimeZone::get("Europe/Paris").unwrap());
        for (repeated, at) in
            [(Repeated::First, "2026-10-25T00:30:00Z"), (Repeated::Second, "2026-10-25T01:30:00Z")]
        {
            style.repeated = repeated;
            assert_eq!(read("25/10/2026 02:30", None, &style).unwrap().map(plain), Some(at.to_owned()));
        }
    }

    #[test]
    fn a_format_that_names_no_day_is_no_format() {
        for good in ["%d/%m/%Y", "%Y%m%d%H%M%S", "%d.%m.%y %H:%M", "%Y-%m-%dT%H:%M:%S%z"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["jj/mm/aaaa", "%H:%M", "%d/%m", "%", "%Q"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn unix_times_are_told_apart_by_size() {
        for number in [1_772_366_400.0, 1_772_366_400e3, 1_772_366_400e6, 1_772_366_400e9] {
            assert_eq!(unix(number), Ok(Moment::from_ms(1_772_366_400_000)));
        }
        assert!(unix(1e30).is_err());
        assert!(unix(f64::NAN).is_err());
    }
}
