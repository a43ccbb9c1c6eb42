//! Public holidays: the dates that are written, and those of a country, which are computed for any year.

use std::collections::BTreeSet;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

/// The public holidays of a country or region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HolidaySet {
    /// The eleven of France (code du travail L3133-1).
    France,
    /// Those of France, Good Friday and 26 December (L3134-13). Good Friday is one only where there is a Protestant
    /// or a shared church: where there is none, write it into `worked`.
    AlsaceMoselle,
}

/// The days on which no shift begins.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Holidays {
    pub(super) set: Option<HolidaySet>,
    pub(super) dates: BTreeSet<Date>,
    /// Holidays on which people work nevertheless.
    pub(super) worked: BTreeSet<Date>,
}

impl Holidays {
    /// Is it a holiday on which nobody works?
    pub(super) fn holds(&self, day: Date) -> bool {
        !self.worked.contains(&day) && self.is_named(day)
    }

    /// Is it a holiday, worked or not?
    pub(super) fn is_named(&self, day: Date) -> bool {
        self.dates.contains(&day) || self.set.is_some_and(|set| set.holds(day))
    }
}

/// The fixed ones of France, as month and day.
const FRANCE: [(i8, i8); 8] = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)];

/// Days from Easter Sunday: Easter Monday, Ascension, Whit Monday.
const FRANCE_FROM_EASTER: [i32; 3] = [1, 39, 50];

impl HolidaySet {
    /// Is this day one of them?
    pub fn holds(self, day: Date) -> bool {
        let date = (day.month(), day.day());
        let from_easter = i32::from(day.day_of_year()) - i32::from(easter(day.year()).day_of_year());
        let is_french = FRANCE.contains(&date) || FRANCE_FROM_EASTER.contains(&from_easter);
        match self {
            HolidaySet::France => is_french,
            HolidaySet::AlsaceMoselle => is_french || from_easter == -2 || date == (12, 26),
        }
    }
}

/// Easter Sunday of the Gregorian calendar, by the anonymous algorithm that Meeus gives (Astronomical Algorithms,
/// chapter 8).
fn easter(year: i16) -> Date {
    let year = i32::from(year);
    let golden = year.rem_euclid(19);
    let (century, rest) = (year.div_euclid(100), year.rem_euclid(100));
    let correction = (century - (century + 8).div_euclid(25) + 1).div_euclid(3);
    let epact = (19 * golden + century - century.div_euclid(4) - correction + 15).rem_euclid(30);
    let weekday =
        (32 + 2 * century.rem_euclid(4) + 2 * rest.div_euclid(4) - epact - rest.rem_euclid(4)).rem_euclid(7);
    let late = (golden + 11 * epact + 22 * weekday).div_euclid(451);
    let days = epact + weekday - 7 * late + 114;
    let part = |number: i32| i8::try_from(number).unwrap_or(1);
    let year = i16::try_from(year).unwrap_or(0);
    Date::new(year, part(days.div_euclid(31)), part(days.rem_euclid(31) + 1)).unwrap_or(Date::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_is_where_it_was() {
        let found =
            [1961, 2000, 2008, 2019, 2024, 2025, 2026, 2027, 2038].map(|year| easter(year).to_string());
        let want = [
            "1961-04-02",
            "2000-04-23",
            "2008-03-23",
            "2019-04-21",
            "2024-03-31",
            "2025-04-20",
            "2026-04-05",
            "2027-03-28",
            "2038-04-25",
        ];
        assert_eq!(found, want);
    }

    #[test]
    fn france_has_eleven_and_alsace_two_more() {
        let of = |set: HolidaySet| {
            let days = Date::constant(2026, 1, 1).series(jiff::Span::new().days(1)).take(365);
            days.filter(|day| set.holds(*day))
                .map(|day| day.strftime("%d/%m").to_string())
                .collect::<Vec<_>>()
        };
        let france = of(HolidaySet::France).join(" ");
        assert_eq!(france, "01/01 06/04 01/05 08/05 14/05 25/05 14/07 15/08 01/11 11/11 25/12");
        let alsace = of(HolidaySet::AlsaceMoselle).join(" ");
        assert_eq!(alsace, "01/01 03/04 06/04 01/05 08/05 14/05 25/05 14/07 15/08 01/11 11/11 25/12 26/12");
    }
}
