//! From the start of a function's process to its first request for work, as far as a machine without AWS can show it:
//! the secrets are given as variables, so that nothing but the process itself takes time.

use std::io::Read;
use std::net::TcpListener;
use std::time::Instant;

use crate::figure::{Figure, quantile};
use crate::processes::start_function;
use crate::programs::{FUNCTIONS, Programs};

const ROUNDS: usize = 20;
const REQUEST: &str = "GET /2018-06-01/runtime/invocation/next ";
const MOST: f64 = 2.5;

pub(crate) fn measure(programs: &Programs) -> Vec<Figure> {
    let names: Vec<_> = ["hello"].into_iter().chain(FUNCTIONS).collect();
    let mut times = vec![Vec::new(); names.len()];
    // In turn, so that whatever else the machine does disturbs all of them alike. The first round warms the disk's
    // cache.
    for round in 0..=ROUNDS {
        for (name, times) in names.iter().zip(&mut times) {
            let time = milliseconds_to_first_request(programs, name);
            if round > 0 {
                times.push(time);
            }
        }
    }
    let hello = quantile(&mut times[0], 0.5);
    let figures = names.iter().zip(&mut times).map(|(name, times)| {
        let (median, least) = (quantile(times, 0.5), quantile(times, 0.0));
        let value = format!("{median:.1} ms (least {least:.1})");
        let figure = Figure::new(format!("cold start of `{name}`, median of {ROUNDS}"), value);
        let ratio = median / hello;
        if *name == "hello" { figure } else { figure.bound(format!("≤ {MOST} × hello ({ratio:.2})"), ratio <= MOST) }
    });
    figures.collect()
}

fn milliseconds_to_first_request(programs: &Programs, name: &str) -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let started = Instant::now();
    let _process = start_function(programs, name, listener.local_addr().unwrap(), &[]);
    let (mut connection, _) = listener.accept().unwrap();
    let mut request = vec![0; REQUEST.len()];
    connection.read_exact(&mut request).unwrap();
    let elapsed = started.elapsed();
    assert_eq!(request, REQUEST.as_bytes());
    elapsed.as_secs_f64() * 1e3
}
