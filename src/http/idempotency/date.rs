//! Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT`.

use ::http::HeaderValue;
use std::time::SystemTime;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Days in 400 years.
const ERA: u64 = 146_097;

/// `None` for a time before 1970, or behind the year 9999.
pub(super) fn http_date(time: SystemTime) -> Option<HeaderValue> {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    if year > 9999 {
        return None;
    }
    let mut date = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    date[..3].copy_from_slice(DAYS[(days % 7) as usize].as_bytes());
    date[8..11].copy_from_slice(MONTHS[month as usize].as_bytes());
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    for (at, number) in [(5, day), (12, year / 100), (14, year % 100), (17, hour), (20, minute), (23, second)]
    {
        // Each is below 100.
        date[at..at + 2].copy_from_slice(&[b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]);
    }
    HeaderValue::from_bytes(&date).ok()
}

/// Year, month from 0, day from 1. Years are counted from March, so that the odd day stands at their end.
const fn civil(days: u64) -> (u64, u64, u64) {
    // From the first of March of the year 0.
    let days = days + 719_468;
    let (era, day) = (days / ERA, days % ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * from_march + 2) / 5;
    let month = (from_march + 2) % 12;
    let year = era * 400 + year + if month < 2 { 1 } else { 0 };
    (year, month, of_month + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_is_what_the_standard_has_as_its_example() {
        let at = |seconds| http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(784_111_777).expect("a date"), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(at(0).expect("a date"), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(at(951_827_696).expect("a date"), "Tue, 29 Feb 2000 12:34:56 GMT");
        assert_eq!(at(253_402_300_799).expect("a date"), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(at(253_402_300_800), None);
    }

    #[test]
    fn every_day_of_eight_hundred_years_follows_the_one_before() {
        let is_leap =
            |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let (mut year, mut month, mut day) = (1970, 0, 1);
        for days in 0..if cfg!(miri) { 800 } else { 2 * ERA } {
            assert_eq!(civil(days), (year, month, day), "{days}");
            let february = 28 + u64::from(is_leap(year));
            let last = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize];
            day += 1;
            if day > last {
                (day, month) = (1, month + 1);
            }
            if month > 11 {
                (month, year) = (0, year + 1);
            }
        }
    }
}
