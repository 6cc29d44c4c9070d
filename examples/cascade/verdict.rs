//! What the demo claims, and whether it held: the exit code for CI, and the last lines for a reader.

use super::{
    summary::{Summary, percent},
    workers::WORKERS,
};
use std::time::Duration;

pub(super) struct Claim {
    pub(super) holds: bool,
    pub(super) says: String,
    pub(super) seen: String,
}

/// The route that needs no payments has to answer 99 of 100 within this.
const QUICK: Duration = Duration::from_millis(100);
const RECOVERY: Duration = Duration::from_secs(5);

/// A request passes four processes and is woken some ten times on its way. Where the timers of this process alone are
/// late by more than 5 ms, the machine is busy with something else, and the bound grows with it.
fn quick(late: Duration) -> Duration {
    QUICK.max(late * 20)
}

pub(super) fn claims(bare: &Summary, behind: &Summary) -> Vec<Claim> {
    let quick = quick(behind.late);
    let asked = u64::from(behind.checkout.asked);
    vec![
        Claim {
            holds: bare.browse.answered() < 50.0,
            says: "bare, not half of those who only browse are answered while payments is down".into(),
            seen: format!("{:.1} %", bare.browse.answered()),
        },
        Claim {
            holds: behind.browse.answered() >= 99.0,
            says: "behind buttress 99 % of them are".into(),
            seen: format!("{:.1} %", behind.browse.answered()),
        },
        Claim {
            holds: behind.browse.p99.is_some_and(|p99| p99 <= quick),
            says: format!("99 of 100 within {} ms", quick.as_millis()),
            seen: millis(behind.browse.p99),
        },
        Claim {
            holds: behind.payments_saw * 4 <= asked,
            says: "payments is left alone: it sees less than a quarter of the checkouts while it is down"
                .into(),
            seen: format!("{} of {asked}", behind.payments_saw),
        },
        Claim {
            holds: behind.checkout.answered() >= 95.0,
            says: "of the checkouts 95 % are answered all the same, most of them kept for later".into(),
            seen: format!("{:.1} %", behind.checkout.answered()),
        },
        Claim {
            holds: behind.recovered.is_some_and(|time| time <= RECOVERY),
            says: format!("all is well again within {} s of its healing", RECOVERY.as_secs()),
            seen: seconds(behind.recovered),
        },
    ]
}

/// What to say where the figures are those of the machine.
pub(super) fn too_busy(runs: &[Summary; 2]) -> Option<String> {
    let worst = runs.iter().map(|of| of.well_before).fold(100.0, f64::min);
    (worst < 99.0).then(|| {
        format!(
            "This machine is too busy for that load: {worst:.1} % were answered before anything was wrong. Nothing of \
             this shows what the layers do; try a smaller --load, or later."
        )
    })
}

/// The table, as it is printed and as it stands in README.
pub(super) fn table(bare: &Summary, behind: &Summary) -> String {
    type Cell = fn(&Summary) -> String;
    let rows: [(&str, Cell); 11] = [
        ("browse (needs no payments): answered", |of| format!("{:.1} %", of.browse.answered())),
        ("browse: p50", |of| millis(of.browse.p50)),
        ("browse: p99", |of| millis(of.browse.p99)),
        ("checkout: paid", |of| format!("{:.1} %", percent(of.checkout.good, of.checkout.asked))),
        ("checkout: kept, to be paid later", |of| {
            format!("{:.1} %", percent(of.checkout.kept, of.checkout.asked))
        }),
        ("checkout: p50", |of| millis(of.checkout.p50)),
        ("checkout: p99", |of| millis(of.checkout.p99)),
        ("requests that payments saw, a checkout", |of| {
            #[allow(clippy::cast_precision_loss)] // some thousands
            let saw = of.payments_saw as f64;
            format!("{:.2}", saw / f64::from(of.checkout.asked.max(1)))
        }),
        ("workers of the gateway busy, at most", |of| format!("{} of {WORKERS}", of.busy)),
        ("all well again, after the healing", |of| seconds(of.recovered)),
        ("full answers, over the whole run", |of| format!("{:.1} /s", of.goodput)),
    ];
    let mut table = format!("{:<40}  {:>12}  {:>15}\n", "", "bare", "behind buttress");
    for (what, cell) in rows {
        table += &format!("{what:<40}  {:>12}  {:>15}\n", cell(bare), cell(behind));
    }
    table
}

pub(super) fn millis(time: Option<Duration>) -> String {
    time.map_or_else(|| "no answer".into(), |time| format!("{:.0} ms", time.as_secs_f64() * 1e3))
}

fn seconds(time: Option<Duration>) -> String {
    time.map_or_else(|| "never".into(), |time| format!("{:.1} s", time.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::{super::summary::OfRoute, *};

    fn of(good: u32, p99_ms: u64) -> OfRoute {
        let time = Some(Duration::from_millis(p99_ms));
        OfRoute { asked: 1000, good, kept: 0, p50: time, p99: time }
    }

    fn good() -> Summary {
        Summary {
            browse: of(990, 100),
            checkout: of(950, 100),
            goodput: 80.0,
            payments_saw: 250,
            busy: 3,
            recovered: Some(RECOVERY),
            well_before: 100.0,
            late: Duration::from_millis(1),
        }
    }

    fn bad() -> Summary {
        Summary { browse: of(499, 900), ..good() }
    }

    /// Which claims hold, in order.
    fn held(bare: &Summary, behind: &Summary) -> Vec<bool> {
        claims(bare, behind).iter().map(|claim| claim.holds).collect()
    }

    #[test]
    fn at_the_bounds_every_claim_holds() {
        assert_eq!(held(&bad(), &good()), [true; 6]);
    }

    #[test]
    fn each_claim_fails_by_itself() {
        let ms = Duration::from_millis;
        let cases: [(Summary, Summary); 6] = [
            (Summary { browse: of(500, 900), ..bad() }, good()),
            (bad(), Summary { browse: of(989, 100), ..good() }),
            (bad(), Summary { browse: of(990, 101), ..good() }),
            (bad(), Summary { payments_saw: 251, ..good() }),
            (bad(), Summary { checkout: of(949, 100), ..good() }),
            (bad(), Summary { recovered: Some(RECOVERY + ms(1)), ..good() }),
        ];
        for (n, (bare, behind)) in cases.iter().enumerate() {
            let mut all = [true; 6];
            all[n] = false;
            assert_eq!(held(bare, behind), all, "claim {n}");
        }
        let never = Summary { recovered: None, ..good() };
        let silent = Summary { browse: OfRoute { p99: None, ..of(990, 0) }, ..good() };
        assert!(!held(&bad(), &never)[5] && !held(&bad(), &silent)[2]);
    }

    #[test]
    fn a_machine_that_loses_requests_before_the_fault_is_named() {
        assert_eq!(too_busy(&[bad(), good()]), None);
        let busy = Summary { well_before: 98.9, ..good() };
        assert!(too_busy(&[bad(), busy]).is_some_and(|says| says.contains("98.9 %")));
    }

    #[test]
    fn a_busy_machine_moves_the_bound_and_a_calm_one_does_not() {
        assert_eq!(quick(Duration::from_millis(5)), QUICK);
        assert_eq!(quick(Duration::from_millis(6)), Duration::from_millis(120));
    }

    #[test]
    fn readme_shows_the_rows_that_are_printed() {
        let readme = include_str!("../../README.md");
        for line in table(&bad(), &good()).lines().skip(1) {
            let what = line.split("  ").next().expect("a row");
            assert!(readme.lines().any(|line| line.starts_with(what)), "{what}");
        }
    }

    #[test]
    fn the_table_says_what_was_not_answered() {
        let bare = Summary { browse: OfRoute { p99: None, ..of(100, 7) }, recovered: None, ..good() };
        let table = table(&bare, &good());
        let row = |what: &str| {
            table
                .lines()
                .find(|line| line.starts_with(what))
                .expect("a row")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(row("browse: p99"), "browse: p99 no answer 100 ms");
        assert_eq!(row("browse: p50"), "browse: p50 7 ms 100 ms");
        assert_eq!(row("all well"), "all well again, after the healing never 5.0 s");
        assert_eq!(row("requests"), "requests that payments saw, a checkout 0.25 0.25");
    }
}
