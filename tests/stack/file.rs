//! A file that is edited while the service runs. The clock is tokio's and paused; the files are real.

use buttress::{
    stack::{Config, Live},
    telemetry::{Event, Observer},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::sleep;

/// A file of its own, gone with the test.
struct Page(PathBuf);

impl Page {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("buttress-{}-{}.toml", std::process::id(), COUNT.fetch_add(1, Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn write(&self, text: &str) {
        fs::write(&self.0, text).expect("written");
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl AsRef<Path> for Page {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

/// What was told of reloads.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }
}

impl Observer for Heard {
    fn event(&self, event: &Event<'_>) {
        if let Event::Reload { name, refused, .. } = event {
            let words = refused.map_or_else(|| "done".to_owned(), |path| format!("refused {path:?}"));
            self.0.lock().expect("not poisoned").push(format!("{name} {words}"));
        }
    }
}

fn limit(limit: u32) -> String {
    format!("[client]\nbulkhead = {{ limit = {limit} }}")
}

/// Several looks at the file.
async fn looks() {
    sleep(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_written_holds_once_it_stands_and_what_is_wrong_never_does() {
    let (page, heard) = (Page::new(), Heard::default());
    page.write(&limit(10));
    let live = Live::from_file(&page).expect("good").observe(heard.clone());
    let (client, watching) = (live.client(), live.watch_file(&page.0));
    let now = async || {
        looks().await;
        (client.slots().limit(), heard.take().join(", "))
    };
    assert_eq!(now().await, (10, String::new()), "nothing new");

    page.write(&limit(20));
    assert_eq!(now().await, (20, "stack done".into()));

    page.write("[client.retry]\nattempts = 0");
    assert_eq!(now().await, (20, "stack refused \"client.retry.attempts\"".into()));
    assert_eq!(now().await, (20, String::new()), "said once");

    page.write("[client]\nbulkhead = { lim");
    assert_eq!(now().await, (20, "stack refused \"\"".into()), "cut in half");
    page.write("");
    assert_eq!(now().await, (20, "stack refused \"\"".into()), "empty");
    fs::remove_file(&page).expect("it is there");
    assert_eq!(now().await, (20, "stack refused \"\"".into()), "gone");

    page.write(&limit(30));
    assert_eq!(now().await, (30, "stack done".into()), "back");

    page.write("[client]\nbulkhead = { limit = 0 }");
    assert_eq!(now().await, (30, "stack refused \"client.bulkhead.limit\"".into()));
    page.write(&limit(30));
    assert_eq!(
        now().await,
        (30, "stack done".into()),
        "it stands there again, and whoever was alarmed hears of it"
    );
    page.write(&format!("{} # as it was", limit(30)));
    assert_eq!(now().await, (30, String::new()), "nothing was wrong, and nothing is new");

    drop(watching);
    page.write(&limit(40));
    assert_eq!(now().await, (30, String::new()), "nobody looks any more");
}

#[tokio::test(start_paused = true)]
async fn who_watches_a_file_is_told_what_is_wrong_with_it_and_not_only_where() {
    let page = Page::new();
    page.write(&limit(10));
    let problems = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&problems);
    let live = Live::from_file(&page).expect("good").observe(move |event: &Event<'_>| {
        if let Event::Reload { refused, problem, .. } = event {
            hears.lock().expect("not poisoned").push((refused.map(str::to_owned), (*problem).to_owned()));
        }
    });
    let _watching = live.watch_file(&page.0);
    let now = async || {
        looks().await;
        let mut heard = std::mem::take(&mut *problems.lock().expect("not poisoned"));
        assert_eq!(heard.len(), 1, "{heard:?}");
        heard.remove(0)
    };

    page.write("client.retry.attempts = 0");
    assert_eq!(now().await, (Some("client.retry.attempts".into()), "is 0, and must be at least 1".into()));
    fs::remove_file(&page).expect("it is there");
    let (path, problem) = now().await;
    assert_eq!(path.as_deref(), Some(""));
    assert!(problem.contains("cannot be read from") && problem.contains("buttress-"), "{problem}");
    page.write(&limit(12));
    assert_eq!(now().await, (None, String::new()));
}

#[tokio::test(start_paused = true)]
async fn a_file_of_the_same_length_and_date_is_told_from_the_former_one() {
    let page = Page::new();
    page.write(&limit(10));
    let date = fs::metadata(&page).and_then(|data| data.modified()).expect("it has one");
    let live = Live::from_file(&page).expect("good");
    let _watching = live.watch_file(&page.0);
    looks().await;
    page.write(&limit(11));
    fs::File::options().write(true).open(&page).and_then(|file| file.set_modified(date)).expect("set");
    looks().await;
    assert_eq!(live.client().slots().limit(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_replaced_is_found_by_its_path() {
    let (page, next) = (Page::new(), Page::new());
    page.write(&limit(10));
    let live = Live::from_file(&page).expect("good");
    let _watching = live.watch_file_every(&page.0, Duration::ZERO);
    next.write(&limit(12));
    fs::rename(&next, &page).expect("renamed");
    looks().await;
    assert_eq!(live.client().slots().limit(), 12);
}

#[test]
fn a_service_does_not_start_by_a_file_that_is_not_there_or_too_long_or_wrong() {
    let page = Page::new();
    let error = Live::from_file(&page).expect_err("it is not there");
    assert!(error.to_string().contains(&*page.0.to_string_lossy()), "{error}");
    page.write(&"#".repeat((1 << 20) + 1));
    assert!(Live::from_file(&page).expect_err("too long").to_string().contains("bytes"));
    page.write("[client.retry]\nattempts = 0");
    assert_eq!(Live::from_file(&page).expect_err("wrong").path(), "client.retry.attempts");
}

#[test]
fn each_way_to_reload_is_told() {
    let (page, heard) = (Page::new(), Heard::default());
    let live = Live::new(Config::default()).expect("good").observe(heard.clone());
    live.reload_str(&limit(3)).expect("good");
    live.reload(Config::default()).expect("good");
    assert_eq!(live.reload_file(&page).expect_err("not there").path(), "");
    page.write("[client]\nhosts = 7");
    let error = live.reload_file(&page).expect_err("not while it runs");
    assert_eq!(error.to_string(), "client.hosts: is 7, and stays 1000 while the service runs");
    let told = ["stack done", "stack done", "stack refused \"\"", "stack refused \"client.hosts\""];
    assert_eq!(heard.take(), told);
}
