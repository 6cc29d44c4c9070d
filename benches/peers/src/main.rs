//! Runs the three benches and prints one table: `cargo run --profile bench -p buttress-bench`.
//!
//! Words are looked for in the names of rows, so that one group can be measured alone; `--write` puts the whole table
//! where `docs/performance.md` keeps it.

use buttress_bench::{
    cases, rows,
    table::{Found, Line},
};
use std::{
    env,
    error::Error,
    fs,
    process::{Command, Stdio},
};

/// Where the table stands, between two marks.
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/performance.md");
const MARKS: [&str; 2] = ["<!-- table: start -->\n", "<!-- table: end -->"];

fn main() -> Result<(), Box<dyn Error>> {
    let (options, words): (Vec<String>, Vec<String>) =
        env::args().skip(1).partition(|arg| arg.starts_with('-'));
    let write = match options.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--write"] if words.is_empty() => true,
        _ => return Err("usage: report [--write | WORD..]".into()),
    };

    refuse_test_util()?;
    // All are built before the first is measured.
    cargo(&["bench", "-p", "buttress-bench", "--benches", "--no-run"])?;
    let found = Found {
        times: lines(&bench("time", &words)?),
        allocations: lines(&bench("allocations", &words)?),
        instructions: instructions(&counts(&words)?)?,
    };
    let mut rows = rows::all();
    rows.retain(|row| words.is_empty() || words.iter().any(|word| row.name.contains(word.as_str())));
    let table = found.markdown(&rows);
    print!("{table}");
    if write {
        let page = fs::read_to_string(DOCS)?;
        fs::write(DOCS, between_marks(&page, &table).ok_or("docs/performance.md has lost its marks")?)?;
    }
    Ok(())
}

/// With tokio's `test-util` every clock read asks first whether time stands still.
fn refuse_test_util() -> Result<(), Box<dyn Error>> {
    let tree = cargo(&["tree", "-e", "normal,features", "-p", "buttress-bench", "-i", "tokio"])?;
    if tree.contains("test-util") { Err("something enables tokio's `test-util`".into()) } else { Ok(()) }
}

fn bench(name: &str, args: &[String]) -> Result<String, Box<dyn Error>> {
    eprintln!("{name} ..");
    let mut all = vec!["bench", "-p", "buttress-bench", "--bench", name, "--"];
    all.extend(args.iter().map(String::as_str));
    cargo(&all)
}

/// What the runner prints; it knows cases by their numbers, and takes one pattern at a time.
fn counts(words: &[String]) -> Result<String, Box<dyn Error>> {
    if words.is_empty() {
        return bench("instructions", &[]);
    }
    let mut printed = String::new();
    for (index, (row, _)) in cases::names().into_iter().enumerate() {
        if words.iter().any(|word| row.contains(word.as_str())) {
            for case in [2 * index, 2 * index + 1] {
                printed.push_str(&bench("instructions", &[format!("*::case_{case}")])?);
            }
        }
    }
    Ok(printed)
}

/// What cargo, or what it ran, has printed; what goes wrong is shown as it is.
fn cargo(args: &[&str]) -> Result<String, Box<dyn Error>> {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = Command::new(program).args(args).stderr(Stdio::inherit()).output()?;
    if run.status.success() {
        Ok(String::from_utf8(run.stdout)?)
    } else {
        Err(format!("cargo {} has failed\n{}", args.join(" "), String::from_utf8_lossy(&run.stdout)).into())
    }
}

fn lines(printed: &str) -> Vec<Line> {
    printed.lines().filter_map(Line::parse).collect()
}

/// From pairs of counts, as the runner prints them, to instructions a call.
fn instructions(printed: &str) -> Result<Vec<Line>, Box<dyn Error>> {
    let mut counts = vec![None; cases::count()];
    let mut case = None;
    for line in printed.lines() {
        if let Some((_, rest)) = line.split_once("::count case_") {
            case = rest
                .split(|c: char| !c.is_ascii_digit())
                .next()
                .and_then(|number| number.parse::<usize>().ok());
        } else if let Some(rest) = line.trim_start().strip_prefix("Instructions:") {
            let count = rest.split('|').next().and_then(|count| count.trim().parse::<u64>().ok());
            let slot = case.take().and_then(|case| counts.get_mut(case)).ok_or("a count without a case")?;
            *slot = count;
        }
    }
    let pairs = cases::names().into_iter().zip(counts.chunks(2));
    Ok(pairs
        .filter_map(|((row, contender), pair)| {
            let [Some(once), Some(twice)] = *pair else { return None };
            Some(Line::new(row, contender, &[(twice as f64 - once as f64) / cases::CALLS as f64]))
        })
        .collect())
}

/// The page with what stands between its marks replaced; `None` if they are not there.
fn between_marks(page: &str, table: &str) -> Option<String> {
    let (head, rest) = page.split_once(MARKS[0])?;
    let (_, tail) = rest.split_once(MARKS[1])?;
    Some([head, MARKS[0], table, MARKS[1], tail].concat())
}
