//! How the benches hand their numbers on: one line a contender, split by tabs, and one Markdown table of them all.

use crate::{Bar, Role, Row};
use std::fmt::Write;

/// What a bench has found out about one contender of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub row: String,
    pub contender: String,
    pub values: Vec<f64>,
}

/// The values of a line of `time`, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    pub median: f64,
    pub low_quartile: f64,
    pub high_quartile: f64,
    /// Times the best peer of the row; the median over the rounds. NaN where there is none.
    pub to_best: f64,
    /// Times tower.
    pub to_tower: f64,
}

impl Line {
    #[must_use]
    pub fn new(row: &str, contender: &str, values: &[f64]) -> Self {
        Self { row: row.to_owned(), contender: contender.to_owned(), values: values.to_vec() }
    }

    #[must_use]
    pub fn print(&self) -> String {
        let values: String = self.values.iter().fold(String::new(), |mut all, value| {
            let _ = write!(all, "\t{value}");
            all
        });
        format!("{}\t{}{values}", self.row, self.contender)
    }

    /// `None` for a line that is something else.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split('\t');
        let (row, contender) = (parts.next()?, parts.next()?);
        let values: Result<Vec<f64>, _> = parts.map(str::parse).collect();
        values.ok().filter(|values| !values.is_empty()).map(|values| Self::new(row, contender, &values))
    }
}

impl Time {
    #[must_use]
    pub const fn values(&self) -> [f64; 5] {
        [self.median, self.low_quartile, self.high_quartile, self.to_best, self.to_tower]
    }

    fn of(line: &Line) -> Option<Self> {
        let &[median, low_quartile, high_quartile, to_best, to_tower] = line.values.as_slice() else {
            return None;
        };
        Some(Self { median, low_quartile, high_quartile, to_best, to_tower })
    }
}

/// What the three benches have printed.
#[derive(Debug, Default)]
pub struct Found {
    pub times: Vec<Line>,
    pub instructions: Vec<Line>,
    pub allocations: Vec<Line>,
}

impl Found {
    /// One Markdown table, in the order of `rows`; what was not measured is left empty.
    #[must_use]
    pub fn markdown(&self, rows: &[Row]) -> String {
        let mut table = String::from(
            "| row | contender | ns: median (quartiles) | to best peer | to tower | instructions | allocations | bar |\n\
             |---|---|--:|--:|--:|--:|--:|---|\n",
        );
        for row in rows {
            let mut name = row.name;
            let mut floor = None;
            for contender in &row.contenders {
                let find = |lines: &[Line]| -> Option<Line> {
                    lines
                        .iter()
                        .find(|line| line.row == row.name && line.contender == contender.name)
                        .cloned()
                };
                let time = find(&self.times).as_ref().and_then(Time::of);
                let instructions = find(&self.instructions).and_then(|line| line.values.first().copied());
                let floor = *floor.get_or_insert(instructions);
                let allocations = find(&self.allocations).and_then(|line| line.values.first().copied());
                let bar = match (&row.bar, contender.role) {
                    (Some(bar), Role::Ours) => bar.against(time.as_ref(), floor, instructions, allocations),
                    _ => String::new(),
                };
                let _ = writeln!(
                    table,
                    "| {name} | {} | {} | {} | {} | {} | {} | {bar} |",
                    contender.name,
                    time.as_ref().map(nanoseconds).unwrap_or_default(),
                    times(time.map(|time| time.to_best)),
                    times(time.map(|time| time.to_tower)),
                    number(instructions),
                    number(allocations),
                );
                name = "";
            }
        }
        table
    }
}

impl Bar {
    /// The promise, and what is short of it.
    fn against(
        &self,
        time: Option<&Time>,
        floor: Option<f64>,
        instructions: Option<f64>,
        allocations: Option<f64>,
    ) -> String {
        let more = instructions.zip(floor).map(|(instructions, floor)| instructions - floor);
        // Half a percent of noise is not short.
        let parts = [
            (self.nanoseconds, time.map(|time| time.median), " ns"),
            (self.ratio, time.map(|time| time.to_best), "x"),
            (self.instructions, instructions, " instructions"),
            (self.more_instructions, more, " instructions more"),
            (self.allocations, allocations, " allocations"),
        ];
        let told = parts.iter().filter_map(|&(most, found, unit)| {
            let most = most?;
            let mark = match found {
                Some(found) if found <= most * 1.005 => "",
                Some(_) => " **short**",
                None => " (not measured)",
            };
            Some(format!("<= {most}{unit}{mark}"))
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

fn nanoseconds(time: &Time) -> String {
    let Time { median, low_quartile, high_quartile, .. } = time;
    format!("**{median:.1}** ({low_quartile:.1}-{high_quartile:.1})")
}

fn times(ratio: Option<f64>) -> String {
    ratio.filter(|ratio| ratio.is_finite()).map(|ratio| format!("{ratio:.2}x")).unwrap_or_default()
}

/// Whole numbers are told whole.
fn number(value: Option<f64>) -> String {
    let Some(value) = value else { return String::new() };
    // `+ 0.0` turns a negative zero round.
    let rounded = value.round() + 0.0;
    if (value - rounded).abs() < 0.05 { format!("{rounded:.0}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row::new("r").peer("p", || crate::plain(|_| ())).ours("o", || crate::plain(|_| ())).bar(Bar {
            instructions: Some(60.0),
            allocations: Some(0.0),
            ..Bar::default()
        })
    }

    #[test]
    fn a_line_is_read_as_it_was_printed() {
        let line = Line::new("timeout, ready", "tower", &[1.5, f64::INFINITY, 0.0]);
        assert_eq!(Line::parse(&line.print()), Some(line));
        for other in ["", "Gungraun result: Ok.", "a\tb", "a\tb\tc"] {
            assert_eq!(Line::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn what_is_short_of_its_bar_is_called_short() {
        let line = |instructions| vec![Line::new("r", "o", &[instructions])];
        let found = |instructions| Found { instructions: line(instructions), ..Found::default() };
        assert!(!found(60.0).markdown(&[row()]).contains("short"));
        assert!(
            found(61.0)
                .markdown(&[row()])
                .contains("<= 60 instructions **short**, <= 0 allocations (not measured)")
        );
    }

    #[test]
    fn a_row_names_itself_once_and_every_contender() {
        let table = Found::default().markdown(&[row()]);
        assert_eq!(table.lines().count(), 4);
        assert!(table.contains("| r | p |") && table.contains("|  | o |"), "{table}");
    }
}
