//! Both runs in one picture, as SVG: for README, and for whoever has just run the demo.

mod page;
mod panel;
mod scale;
mod series;

use super::{phases::Plan, run::Run, stack::Stack, summary::Summary, verdict::millis, workers::WORKERS};
use page::Page;
use panel::{Panel, most, told};

/// From left to right of each column.
const COLUMNS: [(f64, f64); 2] = [(62.0, 486.0), (552.0, 976.0)];

pub(super) fn picture(load: u32, plan: &Plan, runs: &[&Run; 2], sums: &[Summary; 2]) -> String {
    let title = "One service fails: what becomes of the others";
    let payments = told(plan);
    let [bare, behind] = sums.each_ref().map(|sum| sum.browse.answered());
    let mut page = Page::new(
        title,
        &format!(
            "Payments {payments}. Of the requests that do not need it, {bare:.0} % are answered meanwhile with plain \
             clients and retries, {behind:.0} % behind buttress."
        ),
    );
    page.text("h1", 24.0, 40.0, "start", title);
    page.text(
        "muted",
        24.0,
        64.0,
        "start",
        &format!("gateway → orders → payments. Payments {payments}, and is well again."),
    );
    let alike = format!(
        "Only a checkout needs it. Both runs: {load} requests a second by the same schedule, {WORKERS} workers in each service."
    );
    page.text("muted", 24.0, 84.0, "start", &alike);
    let most = runs.iter().map(|run| most(run, plan)).max().unwrap_or(0);
    for ((run, sum), across) in runs.iter().zip(sums).zip(COLUMNS) {
        heading(&mut page, run, sum, across.0);
        Panel { page: &mut page, plan, run, across, most }.draw();
    }
    legend(&mut page);
    page.end()
}

/// What the run was, and in one line what came of it.
fn heading(page: &mut Page, run: &Run, sum: &Summary, left: f64) {
    let (name, with) = match run.stack {
        Stack::Bare => ("Bare", "plain clients, three attempts each".into()),
        Stack::Behind(layers) => ("Behind buttress", layers.names().join(", ")),
    };
    page.text("h2", left, 118.0, "start", name);
    page.text("muted", left, 137.0, "start", &with);
    let class = if sum.browse.answered() >= 99.0 { "good" } else { "bad" };
    let says = format!("Browsing: {:.0} % answered, p99: {}", sum.browse.answered(), millis(sum.browse.p99));
    page.text(class, left, 158.0, "start", &says);
    page.text("row", left, 186.0, "start", "Requests a second, by how they ended");
}

/// What the colours mean: each entry as wide as its words.
fn legend(page: &mut Page) {
    let answers: [(&str, &str, f64); 4] = [
        ("browse", "browse, answered", 140.0),
        ("paid", "checkout, paid", 122.0),
        ("kept", "checkout, kept for later", 182.0),
        ("area lost", "an error, or nothing within 1 s", 220.0),
    ];
    let circuit: [(&str, &str, f64); 3] = [
        ("closed", "closed: calls flow", 140.0),
        ("open", "open: none does", 122.0),
        ("half", "half-open: one call tries", 182.0),
    ];
    for (y, entries) in [(710.0, &answers[..]), (729.0, &circuit[..])] {
        let mut x = COLUMNS[0].0;
        for (class, says, width) in entries {
            page.rect(class, (x, y - 10.0), (11.0, 11.0));
            page.text("tick", x + 17.0, y, "start", says);
            x += width + 24.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            children::{Breaker, Name, News, Told},
            phases::Fault,
            shot::{End, Route, Shot},
            stack::Layers,
        },
        *,
    };
    use std::time::Duration;

    const END: Duration = Duration::from_secs(12);

    /// A run of a request each 10 ms, each third of which is lost, kept, or paid.
    fn run(stack: Stack) -> Run {
        let ms = Duration::from_millis;
        let ends = [End::Bad, End::Kept, End::Good];
        let shot = |n: u64, end| Shot::new(ms(n * 10), Route::Checkout, end, ms(n % 900));
        let turn = |at, state| Told { at: ms(at), by: Name::Orders, news: News::Circuit(state) };
        let busy = |at| Told { at: ms(at), by: Name::Gateway, news: News::Is { seen: at, peak: 24 } };
        Run {
            stack,
            shots: (0..1200).zip(ends.into_iter().cycle()).map(|(n, end)| shot(n, end)).collect(),
            told: vec![busy(100), turn(2300, Breaker::Open), turn(2800, Breaker::HalfOpen), busy(11_900)],
            late: Vec::new(),
        }
    }

    fn drawn(runs: &[&Run; 2]) -> String {
        let plan = Plan::of(END, &[Fault::Hang, Fault::Slow]);
        let sums = runs.map(|run| Summary::of(run, &plan));
        picture(80, &plan, runs, &sums)
    }

    /// Tags that are opened and not closed, in a text whose attributes hold no angle brackets.
    fn unclosed(svg: &str) -> Vec<&str> {
        let mut open = Vec::new();
        for tag in svg.split('<').skip(1) {
            let (inside, _) = tag.split_once('>').expect("each tag ends");
            match inside.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if inside.ends_with('/') => {}
                None => open.push(inside.split_whitespace().next().expect("a name")),
            }
        }
        open
    }

    #[test]
    fn both_runs_are_drawn_on_a_page_that_is_whole() {
        let svg = drawn(&[&run(Stack::Bare), &run(Stack::Behind(Layers::ALL))]);
        assert_eq!(unclosed(&svg), [""; 0]);
        for says in
            ["Bare", "Behind buttress", "payments hangs", "payments is slow", "there is none", "healed"]
        {
            assert!(svg.contains(says), "{says}");
        }
        assert!(svg.contains("prefers-color-scheme:dark") && svg.contains("class=\"half\""));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "a place that is none");
    }

    #[test]
    fn a_run_without_a_breaker_has_no_band() {
        let without = Stack::Behind(Layers { breaker: false, ..Layers::ALL });
        let svg = drawn(&[&run(Stack::Bare), &run(without)]);
        assert_eq!(svg.matches("there is none").count(), 2);
    }

    #[test]
    fn an_empty_run_can_be_drawn() {
        let nothing = Run { stack: Stack::Bare, shots: Vec::new(), told: Vec::new(), late: Vec::new() };
        let svg = drawn(&[&nothing, &nothing]);
        assert!(unclosed(&svg).is_empty() && !svg.contains("NaN"));
    }

    /// What lies outside of its column would be drawn over the other.
    #[test]
    fn every_dot_is_in_its_column() {
        let svg = drawn(&[&run(Stack::Bare), &run(Stack::Behind(Layers::ALL))]);
        let dots =
            svg.lines().filter(|line| line.contains("class=\"dot")).flat_map(|line| line.split('M').skip(1));
        let places: Vec<f64> =
            dots.map(|dot| dot.split(' ').next().expect("x").parse().expect("a number")).collect();
        assert_eq!(places.len(), 2 * 1200 * 2 / 3);
        assert!(places.iter().all(|x| COLUMNS.iter().any(|(left, right)| (left..=right).contains(&x))));
    }
}
