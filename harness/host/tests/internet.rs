//! Upstream, proxy and rules on a real kernel.
use std::{env, fs, io, path::Path};

fn main() {
    let args: Vec<String> = env::args().collect();
    if args.get(1).is_some_and(|a| a == "origin") {
        let origins: Vec<labrig_plan::lab::Origin> =
            serde_json::from_str(&fs::read_to_string(&args[2]).unwrap()).unwrap();
        let e = labrig_host::origin::serve(&origins, Path::new(&args[3]), io::stdout());
        panic!("{}", e.unwrap_err());
    }
}
