fn main() {
    let want: Vec<String> = std::env::args().skip(1).collect();
    let names = buttress_bench::cases::names();
    let at = names.iter().position(|(r, c)| *r == want[0] && *c == want[1]).expect("no such");
    let runtime = buttress_bench::runtime();
    let (mut batch, _) = {
        let _in = runtime.enter();
        buttress_bench::cases::make(2 * at)
    };
    batch(&runtime, 20000);
}
