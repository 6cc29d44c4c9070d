//! A service that goes by a file, and the file that is edited while it runs: once well, once badly, once well again.
//!
//! Run it with `cargo run --example stack_from_toml`.

use buttress::{
    stack::{Live, lint},
    telemetry::Event,
};
use std::{fs, path::Path, time::Duration};
use tokio::{sync::watch, time::timeout};

fn write(path: &Path, text: &str) {
    println!("--- {text}");
    // Another file, and renamed: nobody reads the half of it.
    let next = path.with_extension("next");
    fs::write(&next, text).and_then(|()| fs::rename(&next, path)).expect("a place for files");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let path = std::env::temp_dir().join(format!("buttress-example-{}.toml", std::process::id()));
    write(&path, "client.bulkhead.limit = 20");
    let (tell, mut told) = watch::channel(String::new());
    let live = Live::from_file(&path).expect("a good file").observe(move |event: &Event<'_>| {
        if let Event::Reload { refused, .. } = event {
            let says = refused.map_or_else(|| "it holds".to_owned(), |path| format!("refused for {path}"));
            println!("{says}");
            tell.send_replace(says);
        }
    });
    let _watching = live.watch_file_every(&path, Duration::from_millis(10));
    let (client, server) = (live.client(), live.server());
    println!("client:\n{client}server:\n{server}");
    assert!(lint(&client).is_empty() && lint(&server).is_empty());
    let mut said = async || {
        timeout(Duration::from_secs(10), told.changed()).await.expect("soon").expect("it listens");
        told.borrow_and_update().clone()
    };

    write(&path, "client.bulkhead.limit = 50\nserver.total = \"5s\"");
    assert_eq!(said().await, "it holds");
    assert_eq!((client.slots().limit(), server.config().total), (50, Duration::from_secs(5)));

    write(&path, "client.bulkhead.limit = 90\nclient.retry.attempts = 0");
    assert_eq!(said().await, "refused for client.retry.attempts");
    assert_eq!(client.slots().limit(), 50, "the former one stays");

    write(&path, "client.bulkhead.limit = 90\nclient.retry.attempts = 2");
    assert_eq!(said().await, "it holds");
    assert_eq!(client.slots().limit(), 90);
    fs::remove_file(&path).expect("it is there");
}
