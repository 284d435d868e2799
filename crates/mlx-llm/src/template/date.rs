//! `strftime` for `strftime_now`, in UTC.

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn month_days(year: u64, month: usize) -> u64 {
    match month {
        1 => 28 + u64::from(leap(year)),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// Year, month from 0, day of the month from 0, day of the year from 0.
fn civil(mut days: u64) -> (u64, usize, u64, u64) {
    // 146,097 days are 400 years.
    let mut year = 1970 + days / 146_097 * 400;
    days %= 146_097;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let of_year = days;
    let mut month = 0;
    while days >= month_days(year, month) {
        days -= month_days(year, month);
        month += 1;
    }
    (year, month, days, of_year)
}

/// Formats a time given in seconds since 1970. A directive that isn't known is an error that names it.
pub(super) fn strftime(format: &str, seconds: u64) -> Result<String, String> {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day, of_year) = civil(days);
    let (day, hour) = (day + 1, second / 3600);
    let hour12 = (hour + 11) % 12 + 1;
    let weekday = (days + 4) % 7;
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut directive = chars.next();
        let padded = directive != Some('-');
        if !padded {
            directive = chars.next();
        }
        let two = |n: u64| if padded { format!("{n:02}") } else { n.to_string() };
        out += &match directive {
            Some('Y') => year.to_string(),
            Some('y') => two(year % 100),
            Some('m') => two(month as u64 + 1),
            Some('d') => two(day),
            Some('e') if padded => format!("{day:2}"),
            Some('e') => day.to_string(),
            Some('j') if padded => format!("{:03}", of_year + 1),
            Some('j') => (of_year + 1).to_string(),
            Some('H') => two(hour),
            Some('I') => two(hour12),
            Some('M') => two(second / 60 % 60),
            Some('S') => two(second % 60),
            Some('p') => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            Some('A') => DAYS[weekday as usize].to_owned(),
            Some('a') => DAYS[weekday as usize][..3].to_owned(),
            Some('w') => weekday.to_string(),
            Some('B') => MONTHS[month].to_owned(),
            Some('b' | 'h') => MONTHS[month][..3].to_owned(),
            Some('F') => format!("{year}-{:02}-{day:02}", month + 1),
            Some('T') => format!("{hour:02}:{:02}:{:02}", second / 60 % 60, second % 60),
            Some('Z') => "UTC".to_owned(),
            Some('z') => "+0000".to_owned(),
            Some('%') => "%".to_owned(),
            Some(other) => return Err(format!("strftime_now does not know %{other}")),
            None => return Err("strftime_now: the format ends in %".to_owned()),
        };
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        let f = |seconds| strftime("%A %d %B %Y %j %H:%M:%S %I%p", seconds).unwrap();
        assert_eq!(f(0), "Thursday 01 January 1970 001 00:00:00 12AM");
        assert_eq!(f(951_782_400), "Tuesday 29 February 2000 060 00:00:00 12AM");
        assert_eq!(f(1_795_408_496), "Monday 23 November 2026 327 04:34:56 04AM");
        assert_eq!(f(4_107_542_399), "Sunday 28 February 2100 059 23:59:59 11PM");
        assert_eq!(strftime("%-d %b %y %e|%F %T|%-j%%", 0).unwrap(), "1 Jan 70  1|1970-01-01 00:00:00|1%");
    }

    #[test]
    fn unknown_directives_are_named() {
        assert!(strftime("%Q", 0).unwrap_err().contains("%Q"));
        assert!(strftime("%", 0).unwrap_err().contains("ends in %"));
    }
}
