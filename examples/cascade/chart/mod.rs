//! Both runs in one picture, as SVG: for README, and for whoever has just run the demo.

mod page;
mod panel;
mod scale;
mod series;

use super::{phases::Plan, run::Run, stack::Stack, summary::Summary, workers::WORKERS};
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
    let both = format!(
        "gateway → orders → payments. Payments {payments}. In both runs the same {load} requests a second, and {WORKERS} \
         workers in each service."
    );
    page.text("muted", 24.0, 63.0, "start", &both);
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
    page.text("h2", left, 98.0, "start", name);
    let width = if name == "Bare" { 46.0 } else { 136.0 };
    page.text("muted", left + width, 98.0, "start", &with);
    let p99 = sum.browse.p99.map_or_else(|| "p99: no answer".into(), |time| format!("p99 {} ms", time.as_millis()));
    let class = if sum.browse.answered() >= 99.0 { "good" } else { "bad" };
    let says = format!("browsing, which needs no payments: {:.0} % answered, {p99}", sum.browse.answered());
    page.text(class, left, 119.0, "start", &says);
    page.text("row", left, 147.0, "start", "Requests a second, by how they ended");
}

fn legend(page: &mut Page) {
    let y = 664.0;
    let mut x = COLUMNS[0].0;
    for (class, says, width) in [
        ("browse", "browse", 62.0),
        ("paid", "checkout, paid", 106.0),
        ("kept", "checkout, kept for later", 160.0),
        ("area lost", "not answered within 1 s, or by an error", 256.0),
    ] {
        page.rect(class, (x, y - 9.0), (10.0, 10.0));
        page.text("tick", x + 15.0, y, "start", says);
        x += width + 18.0;
    }
    for (class, says, width) in [("closed", "closed: calls flow", 110.0), ("open", "open: none does", 96.0), ("half", "half-open", 60.0)] {
        page.rect(class, (x, y - 9.0), (10.0, 10.0));
        page.text("tick", x + 15.0, y, "start", says);
        x += width + 14.0;
    }
}
