//! The page of the picture: its paper, its colours by day and by night, and how marks are put on it.

use super::scale::{Px, escape};
use std::fmt::Write;

pub(super) const WIDTH: f64 = 1000.0;
pub(super) const HEIGHT: f64 = 742.0;

/// It brings its own paper, since a page may be dark where the system is light; both are readable on either.
const STYLE: &str = "\
text{font:14px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1f2328}
.h1{font-size:22px;font-weight:600}.h2{font-size:16px;font-weight:600}.row{font-weight:600;font-size:13px}
.muted,.tick,.phase{fill:#59636e}.tick{font-size:12px}.phase{font-size:12.5px}
.paper{fill:#fff;stroke:#d0d7de}.grid{stroke:#d8dee4;stroke-width:1;fill:none}.edge{stroke:#8c959f;fill:none}
.hang{fill:#cf222e;fill-opacity:.10}.errs{fill:#cf222e;fill-opacity:.05}.slow{fill:#9a6700;fill-opacity:.10}
.turn{stroke:#cf222e;stroke-opacity:.45;stroke-dasharray:3 3}
.browse{fill:#2f81f7}.paid{fill:#0f9b8e}.kept{fill:#e8b339}.lost{fill:#d1242f}
.area.lost{fill-opacity:.55}
.dot{fill:none;stroke-width:3.2;stroke-linecap:round;stroke-opacity:.6}
.dot.browse{stroke:#2f81f7}.dot.paid{stroke:#0f9b8e}.dot.kept{stroke:#d29922}
.gone{fill:none;stroke:#d1242f;stroke-width:1.2;stroke-opacity:.55}
.busy{fill:#6e7781;fill-opacity:.30;stroke:#57606a;stroke-width:1.4;stroke-linejoin:round}.limit{stroke:#d1242f;stroke-width:1.2;fill:none}
.closed{fill:#2da44e}.open{fill:#d1242f}.half{fill:#8250df}.none{fill:#d8dee4}
.on{fill:#fff;font-size:12px;font-weight:600}.good{fill:#1a7f37;font-weight:600}.bad{fill:#cf222e;font-weight:600}
";

const NIGHT: &str = "\
text{fill:#e6edf3}.muted,.tick,.phase{fill:#9198a1}.paper{fill:#0d1117;stroke:#3d444d}.grid{stroke:#262c36}.edge{stroke:#656c76}
.hang{fill:#f85149;fill-opacity:.17}.errs{fill:#f85149;fill-opacity:.09}.slow{fill:#d29922;fill-opacity:.15}.turn{stroke:#f85149}
.lost{fill:#f85149}.area.lost{fill-opacity:.6}.gone,.limit{stroke:#f85149}
.browse{fill:#4493f8}.dot.browse{stroke:#4493f8}.paid{fill:#2bb8aa}.dot.paid{stroke:#2bb8aa}.kept{fill:#d29922}.dot{fill:none;stroke-opacity:.75}
.busy{fill:#9198a1;stroke:#9198a1}.none{fill:#30363d}.open{fill:#da3633}.half{fill:#a371f7}
.good{fill:#3fb950}.bad{fill:#ff7b72}.on{fill:#fff}
";

pub(in super::super) struct Page(String);

impl Page {
    pub(super) fn new(title: &str, describes: &str) -> Self {
        let mut page = Self(String::new());
        page.put(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             role=\"img\" aria-labelledby=\"title about\">\n<title id=\"title\">{}</title>\n<desc id=\"about\">{}</desc>\n\
             <style>\n{STYLE}@media(prefers-color-scheme:dark){{\n{NIGHT}}}\n</style>",
            escape(title),
            escape(describes)
        ));
        let (width, height) = (WIDTH - 1.0, HEIGHT - 1.0);
        page.put(&format!(
            "<rect class=\"paper\" x=\".5\" y=\".5\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>"
        ));
        page
    }

    fn put(&mut self, element: &str) {
        self.0.push_str(element);
        self.0.push('\n');
    }

    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, anchor: &str, text: &str) {
        let (x, y, text) = (Px(x), Px(y), escape(text));
        // The default needs no words.
        let anchor = if anchor == "start" { String::new() } else { format!(" text-anchor=\"{anchor}\"") };
        self.put(&format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\"{anchor}>{text}</text>"));
    }

    pub(super) fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let (x, y, width, height) = (Px(x), Px(y), Px(width.max(0.0)), Px(height.max(0.0)));
        self.put(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
        ));
    }

    pub(super) fn path(&mut self, class: &str, path: &str) {
        if !path.is_empty() {
            self.put(&format!("<path class=\"{class}\" d=\"{path}\"/>"));
        }
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.path(class, &format!("M{} {}L{} {}", Px(x1), Px(y1), Px(x2), Px(y2)));
    }

    /// A dot at each place: lines without a length, which round ends make visible; a tenth of what circles would take.
    pub(super) fn dots(&mut self, class: &str, places: impl Iterator<Item = (f64, f64)>) {
        let path = places.fold(String::new(), |mut path, (x, y)| {
            let _ = write!(path, "M{} {}h0", Px(x), Px(y));
            path
        });
        self.path(class, &path);
    }

    pub(super) fn end(mut self) -> String {
        self.put("</svg>");
        self.0
    }
}
