//! From the wall clock to moments, and back.

use contract::Moment;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Minutes of a day of the wall clock.
pub(super) const DAY: u16 = 24 * 60;

/// Reads `05:00`, up to `24:00`, as minutes after midnight.
pub(super) fn parse(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str| {
        let is_plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        if is_plain { digits.parse::<u16>().ok() } else { None }
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= DAY).then_some(total)
}

/// The day on which a moment falls.
pub(super) fn day(zone: &TimeZone, at: Moment) -> Date {
    zone.to_datetime(timestamp(at)).date()
}

/// The moment `minute` minutes of the wall clock after the midnight at which `day` begins.
pub(super) fn moment(zone: &TimeZone, day: Date, minute: u16) -> Moment {
    bound(zone, civil(day, minute))
}

/// The moment at which the wall clock shows `at`. Later on the clock is never earlier in time: an hour that is left
/// out is the moment of the change as a whole, of one that comes twice the first counts. So shifts that share a
/// bound share it in every night, and none of their minutes is lost or counted twice.
pub(super) fn bound(zone: &TimeZone, at: DateTime) -> Moment {
    let ambiguous = zone.to_ambiguous_timestamp(at);
    let time = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier(),
        AmbiguousOffset::Gap { .. } => ambiguous.later().map(|later| change_before(zone, later)),
    };
    time.map_or(Moment::from_ms(i64::MAX), |time| Moment::from_ms(time.as_millisecond()))
}

/// The moment at which a break begins. It begins as long after the beginning of its shift as on any other day, also
/// when the clock leaves its hour out: people have their break.
pub(super) fn rest(zone: &TimeZone, day: Date, minute: u16) -> Moment {
    let time = zone.to_ambiguous_timestamp(civil(day, minute)).compatible();
    time.map_or(Moment::from_ms(i64::MAX), |time| Moment::from_ms(time.as_millisecond()))
}

fn civil(day: Date, minute: u16) -> DateTime {
    let (mut day, mut minute) = (day, minute);
    while minute >= DAY {
        day = day.tomorrow().unwrap_or(Date::MAX);
        minute -= DAY;
    }
    let part = |number: u16| i8::try_from(number).unwrap_or(0);
    let time = Time::new(part(minute / 60), part(minute % 60), 0, 0).unwrap_or_default();
    day.to_datetime(time)
}

/// The change of the clock at this moment or before.
fn change_before(zone: &TimeZone, at: Timestamp) -> Timestamp {
    let past = Timestamp::from_millisecond(at.as_millisecond().saturating_add(1)).unwrap_or(at);
    zone.preceding(past).next().map_or(at, |change| change.timestamp())
}

fn timestamp(at: Moment) -> Timestamp {
    let edge = if at.as_ms() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(at.as_ms()).unwrap_or(edge)
}
