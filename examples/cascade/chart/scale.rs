//! From figures to places on the page.

use std::fmt;

/// A straight axis, or one by powers of ten. What lies outside is drawn at its edge.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Scale {
    values: (f64, f64),
    places: (f64, f64),
    log: bool,
}

impl Scale {
    pub(super) const fn linear(values: (f64, f64), places: (f64, f64)) -> Self {
        Self { values, places, log: false }
    }

    /// Both values above zero.
    pub(super) const fn log(values: (f64, f64), places: (f64, f64)) -> Self {
        Self { values, places, log: true }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let (low, high) = self.values;
        let bend = |value: f64| if self.log { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let share = (bend(value) - bend(low)) / (bend(high) - bend(low));
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self.places.0 + share * (self.places.1 - self.places.0)
    }
}

/// Round numbers from 0 to at least `most`, three to seven steps.
pub(super) fn ticks(most: f64) -> Vec<f64> {
    let most = if most.is_finite() { most.max(1.0) } else { 1.0 };
    let power = 10_f64.powf((most / 6.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| most / step <= 6.0);
    let step = step.unwrap_or(most);
    let mut ticks = vec![0.0];
    while ticks.last().is_some_and(|last| *last < most) {
        #[allow(clippy::cast_precision_loss)] // a handful
        ticks.push(ticks.len() as f64 * step);
    }
    ticks
}

/// A tenth of a pixel is enough, and half the file.
#[derive(Clone, Copy)]
pub(super) struct Px(pub(super) f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round();
        if tenths % 10.0 == 0.0 {
            write!(f, "{:.0}", tenths / 10.0 + 0.0)
        } else {
            write!(f, "{:.1}", tenths / 10.0)
        }
    }
}

/// Text for XML.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn ends_meet_ends_and_the_middle_the_middle() {
        let x = Scale::linear((0.0, 18.0), (60.0, 480.0));
        assert!(near(x.at(0.0), 60.0) && near(x.at(18.0), 480.0) && near(x.at(9.0), 270.0));
    }

    #[test]
    fn up_on_the_page_is_down_in_numbers() {
        let y = Scale::log((1.0, 1000.0), (300.0, 0.0));
        assert!(near(y.at(1.0), 300.0) && near(y.at(10.0), 200.0) && near(y.at(1000.0), 0.0));
    }

    #[test]
    fn what_lies_outside_is_at_the_edge() {
        let y = Scale::log((1.0, 1000.0), (300.0, 0.0));
        assert!(near(y.at(0.0), 300.0) && near(y.at(-5.0), 300.0) && near(y.at(1e9), 0.0));
        let x = Scale::linear((0.0, 1.0), (0.0, 100.0));
        assert!(near(x.at(-1.0), 0.0) && near(x.at(2.0), 100.0) && near(x.at(f64::NAN), 0.0));
    }

    #[test]
    fn an_axis_without_length_is_its_begin() {
        assert!(near(Scale::linear((3.0, 3.0), (10.0, 20.0)).at(3.0), 10.0));
    }

    #[test]
    fn ticks_are_round_and_reach_the_most() {
        assert_eq!(ticks(83.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(102.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0]);
        assert_eq!(ticks(18.0), [0.0, 5.0, 10.0, 15.0, 20.0]);
        for most in 1..2000 {
            let ticks = ticks(f64::from(most));
            assert!(
                (2..=7).contains(&ticks.len()) && ticks.last().is_some_and(|last| *last >= f64::from(most)),
                "{most}"
            );
        }
        assert_eq!(ticks(f64::NAN).len(), ticks(1.0).len());
    }

    #[test]
    fn pixels_have_a_tenth_at_most() {
        assert_eq!([12.0, 12.34, -0.04, 0.96].map(|px| Px(px).to_string()), ["12", "12.3", "0", "1"]);
    }

    #[test]
    fn text_cannot_break_the_page() {
        assert_eq!(escape("p99 < 5 & \"x\">"), "p99 &lt; 5 &amp; &quot;x&quot;&gt;");
    }
}
