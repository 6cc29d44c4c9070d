//! A server of a run: started, killed and started again by the runs in `tests`.

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    buttress_crash::node::serve(buttress_crash::orders::Orders::of(&args)).await;
}
