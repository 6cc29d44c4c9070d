//! One run as a column of the picture: answers, latency, workers, the circuit, all over the same seconds.

use super::{
    super::{
        children::{Breaker, Name, News},
        phases::{Fault, Plan},
        run::Run,
        shot::{End, Route, Shot},
        stack::{Layers, Stack},
        workers::WORKERS,
    },
    page::Page,
    scale::{Px, Scale, ticks},
    series::{BIN, Bin, bins, states},
};
use std::{fmt::Write, time::Duration};

/// From top to bottom of each row.
const ANSWERS: (f64, f64) = (212.0, 342.0);
const GONE: (f64, f64) = (384.0, 398.0);
const LATENCY: (f64, f64) = (410.0, 530.0);
const BUSY: (f64, f64) = (568.0, 618.0);
const CIRCUIT: (f64, f64) = (652.0, 670.0);
/// Those over which the faults are shaded.
const ROWS: [(f64, f64); 3] = [ANSWERS, (GONE.0, LATENCY.1), BUSY];

pub(super) struct Panel<'a> {
    pub(super) page: &'a mut Page,
    pub(super) plan: &'a Plan,
    pub(super) run: &'a Run,
    /// From left to right.
    pub(super) across: (f64, f64),
    /// The most requests in a bin of either run: both have the same axis.
    pub(super) most: u32,
}

impl Panel<'_> {
    pub(super) fn draw(mut self) {
        self.phases();
        self.answers();
        self.latency();
        self.busy();
        self.circuit();
        self.seconds();
    }

    fn x(&self) -> Scale {
        Scale::linear((0.0, self.plan.end().as_secs_f64()), self.across)
    }

    fn at(&self, time: Duration) -> f64 {
        self.x().at(time.as_secs_f64())
    }

    /// What was wrong with payments, behind everything else.
    fn phases(&mut self) {
        let plan = self.plan;
        let first = plan.down().start;
        for (begin, end, fault) in plan.spans() {
            let (left, right) = (self.at(begin), self.at(end));
            if let Some(fault) = fault {
                for (top, bottom) in ROWS {
                    self.page.rect(fault.as_str(), (left, top), (right - left, bottom - top));
                }
            }
            let says = match fault {
                Some(fault) => format!("payments {}", fault.verb()),
                None if begin < first => "all is well".into(),
                None => "healed".into(),
            };
            self.page.text("phase", (left + right) / 2.0, ANSWERS.0 - 6.0, "middle", &says);
            if begin > Duration::ZERO {
                for (top, bottom) in ROWS {
                    self.page.line("turn", (left, top), (left, bottom));
                }
            }
        }
    }

    fn heading(&mut self, top: f64, says: &str) {
        self.page.text("row", self.across.0, top - 7.0, "start", says);
    }

    /// Axis and grid of one row.
    fn grid(&mut self, y: Scale, ticks: &[f64]) {
        let (left, right) = self.across;
        for tick in ticks {
            let at = y.at(*tick);
            self.page.line("grid", (left, at), (right, at));
            self.page.text("tick", left - 6.0, at + 4.0, "end", &format!("{tick:.0}"));
        }
    }

    /// Stacked: who was answered in full, who in part, who not at all. The height is what was asked, alike in both runs.
    fn answers(&mut self) {
        let a_second = |count: u32| f64::from(count) / BIN.as_secs_f64();
        let ticks = ticks(a_second(self.most));
        let y = Scale::linear((0.0, ticks.last().copied().unwrap_or(1.0)), (ANSWERS.1, ANSWERS.0));
        self.grid(y, &ticks);
        let bins = bins(&self.run.shots, self.plan.end());
        let edges: Vec<f64> = (0..).map(|n| self.at(BIN * n)).take(bins.len() + 1).collect();
        for (part, class) in ["browse", "paid", "kept", "lost"].into_iter().enumerate() {
            let below = |bin: &Bin, parts: usize| y.at(a_second(bin.parts().iter().take(parts).sum()));
            let mut path = String::new();
            for (bin, edge) in bins.iter().zip(edges.windows(2)).filter(|(bin, _)| bin.parts()[part] > 0) {
                let (top, bottom) = (below(bin, part + 1), below(bin, part));
                let _ = write!(
                    path,
                    "M{} {}H{}V{}H{}z",
                    Px(edge[0]),
                    Px(bottom),
                    Px(edge[1]),
                    Px(top),
                    Px(edge[0])
                );
            }
            self.page.path(&format!("area {class}"), &path);
        }
    }

    /// Each request where it was due and how long it took; those without an answer on a strip above.
    fn latency(&mut self) {
        self.heading(GONE.0, "Latency of each request, ms");
        let y = Scale::log((1.0, 1000.0), (LATENCY.1, LATENCY.0));
        self.grid(y, &[1.0, 10.0, 100.0, 1000.0]);
        self.page.text("tick", self.across.0 - 6.0, GONE.0 + 11.0, "end", "none");
        let (x, shots) = (self.x(), &self.run.shots);
        let place = |shot: &Shot| (x.at(shot.due.as_secs_f64()), y.at(shot.took.as_secs_f64() * 1e3));
        let of =
            |end, route| shots.iter().filter(move |shot| (shot.end, shot.route) == (end, route)).map(place);
        self.page.dots("dot kept", of(End::Kept, Route::Checkout));
        self.page.dots("dot paid", of(End::Good, Route::Checkout));
        self.page.dots("dot browse", of(End::Good, Route::Browse));
        let gone = shots.iter().filter(|shot| !shot.answered()).fold(String::new(), |mut path, shot| {
            let _ = write!(path, "M{} {}V{}", Px(place(shot).0), Px(GONE.0), Px(GONE.1));
            path
        });
        self.page.path("gone", &gone);
    }

    fn busy(&mut self) {
        self.heading(BUSY.0, &format!("Busy workers of the gateway, of {WORKERS}"));
        let y = Scale::linear((0.0, f64::from(WORKERS)), (BUSY.1, BUSY.0));
        self.grid(y, &[0.0, f64::from(WORKERS)]);
        let mut path = format!("M{} {}", Px(self.across.0), Px(BUSY.1));
        let mut last = self.across.0;
        for told in self.run.told.iter().filter(|told| told.by == Name::Gateway && told.at <= self.plan.end())
        {
            if let News::Is { peak, .. } = told.news {
                last = self.at(told.at);
                let _ = write!(path, "V{}H{}", Px(y.at(f64::from(peak))), Px(last));
            }
        }
        let _ = write!(path, "V{}H{}z", Px(BUSY.1), Px(last));
        self.page.path("busy", &path);
        self.page.line("limit", (self.across.0, BUSY.0), (self.across.1, BUSY.0));
    }

    fn circuit(&mut self) {
        self.heading(CIRCUIT.0, "Circuit of orders for payments");
        let (left, right) = self.across;
        let size = CIRCUIT.1 - CIRCUIT.0;
        if !matches!(self.run.stack, Stack::Behind(Layers { breaker: true, .. })) {
            self.page.rect("none", (left, CIRCUIT.0), (right - left, size));
            self.page.text("tick", (left + right) / 2.0, CIRCUIT.1 - 5.0, "middle", "there is none");
            return;
        }
        let spans = states(&self.run.told, self.plan.end());
        // The short ones last, so that they are seen.
        for (state, class) in
            [(Breaker::Closed, "closed"), (Breaker::Open, "open"), (Breaker::HalfOpen, "half")]
        {
            for (begin, end, _) in spans.iter().filter(|span| span.2 == state) {
                let (from, to) = (self.at(*begin), self.at(*end));
                self.page.rect(class, (from, CIRCUIT.0), ((to - from).max(1.5), size));
                if to - from > 60.0 && state != Breaker::HalfOpen {
                    self.page.text("on", (from + to) / 2.0, CIRCUIT.1 - 5.0, "middle", class);
                }
            }
        }
    }

    fn seconds(&mut self) {
        let y = CIRCUIT.1 + 18.0;
        let end = self.plan.end().as_secs();
        let step = if end > 30 { 10 } else { 3 };
        for second in (0..=end).step_by(step) {
            let x = self.at(Duration::from_secs(second));
            self.page.line("edge", (x, CIRCUIT.1), (x, CIRCUIT.1 + 4.0));
            let says = if second == 0 { "0 s".into() } else { second.to_string() };
            self.page.text("tick", x, y, "middle", &says);
        }
    }
}

/// The most that one bin holds.
pub(super) fn most(run: &Run, plan: &Plan) -> u32 {
    bins(&run.shots, plan.end()).iter().map(Bin::all).max().unwrap_or(0)
}

/// How the faults of a plan are said one after the other: `hangs for 4.5 s, then errs for 4.5 s`.
pub(super) fn told(plan: &Plan) -> String {
    let each: Vec<_> = plan
        .spans()
        .filter_map(|(begin, end, fault): (_, _, Option<Fault>)| Some((end - begin, fault?)))
        .map(|(time, fault)| format!("{} for {} s", fault.verb(), Px(time.as_secs_f64())))
        .collect();
    each.join(", then ")
}
