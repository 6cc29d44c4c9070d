//! A load of `tests/sizes`, in a process of its own whose memory is measured: `load keys 100000 10000`, `load hot 1000`.

use buttress_crash::load;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| args[at].parse().expect("a number");
    match args[0].as_str() {
        "keys" => load::keys(number(1), number(2), false).await.say(),
        "passing" => load::keys(number(1), number(2), true).await.say(),
        "hot" => load::hot(number(1)).await.say(),
        other => panic!("no load {other}"),
    }
}
