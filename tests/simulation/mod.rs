//! Whole worlds, each from one number: people with several tabs, several processes of the functions, a database, a
//! model and a site that fail, in virtual time. At the end everybody has what they were shown, and has paid what was
//! used.
//!
//! ```text
//! just simulate 500     the worlds of the seeds 0 to 499
//! just simulate 1 17    the world of the seed 17, with everything that happens in it
//! ```

mod checks;
mod dice;
mod edge;
mod person;
mod sabotage;
mod tab;
mod time;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{available_parallelism, scope};
use std::time::Duration;

use chatkit_shared::env::Env;
use dynoxide::Database;
use tokio::time::{sleep, timeout};

use self::dice::Dice;
use self::sabotage::Sabotage;
use self::tab::Tab;
use self::time::run;
use self::world::World;
use crate::harness::dynamodb::Dynamo;
use crate::harness::page::Page;

/// Worlds that are tried wherever tests run. `just simulate` tries more.
const SEEDS: u64 = 16;
/// Worlds in which a sabotage is looked for.
const SABOTAGE_SEEDS: u64 = 60;
const LIFETIME: Duration = Duration::from_secs(3_600);

/// What a world was like.
struct Report {
    violations: Vec<String>,
    lines: Vec<String>,
}

fn simulate(seed: u64, tables: &str, sabotage: Option<Sabotage>) -> Report {
    let database = Database::memory().unwrap();
    database.restore_from(tables).unwrap();
    fastrand::seed(seed);
    let (said, world) = run(|activity| async move {
        let dice = Dice::new(seed);
        let world = World::new(database, activity, &dice, sabotage);
        let lived = AssertUnwindSafe(timeout(LIFETIME, live(&world, &dice)));
        let lived = futures_util::FutureExt::catch_unwind(lived).await;
        (lived, world)
    });
    match said {
        Ok(Ok(())) => {}
        Ok(Err(_)) => world.blame("the world does not end"),
        Err(_) => world.blame("a panic"),
    }
    let mut journal = world.journal.lock().unwrap();
    Report { violations: std::mem::take(&mut journal.violations), lines: std::mem::take(&mut journal.lines) }
}

async fn live(world: &Arc<World>, dice: &Dice) {
    for _ in 0..dice.between(1, 3) {
        world.start_instance().await;
    }
    let users: Vec<_> = (0..dice.between(1, 2)).map(|user| format!("user{user}")).collect();
    let mut tabs = Vec::new();
    for user in &users {
        let count = if dice.percent(60) { 1 } else { 2 };
        for tab in 0..count {
            let name = format!("{user}.{tab}");
            let (world, user, dice) = (Arc::clone(world), user.clone(), dice.apart());
            tabs.push(Tab {
                world,
                user,
                name,
                dice,
                tabs: count,
                is_patient: false,
                page: Page::default(),
                fresh_at: None,
            });
        }
    }
    let things = dice.between(2, 5);
    let lives = futures_util::future::join_all(tabs.into_iter().map(|tab| tab.live(things)));
    let fate = async {
        if world.is_calm() {
            std::future::pending::<()>().await;
        }
        loop {
            sleep(Duration::from_millis(world.instance_dice.between(5_000, 60_000))).await;
            world.start_instance().await;
            world.end_instance();
        }
    };
    tokio::select! {
        _ = lives => {}
        () = fate => {}
    }
    world.is_calm.store(true, Ordering::Relaxed);
    for user in &users {
        let (world, dice) = (Arc::clone(world), dice.apart());
        Tab {
            world,
            user: user.clone(),
            name: format!("{user}.end"),
            dice,
            tabs: 1,
            is_patient: true,
            page: Page::default(),
            fresh_at: None,
        }
        .settle()
        .await;
    }
    checks::check_accounts(world, &users);
}

/// The file with empty tables.
fn tables() -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Dynamo::tables())
}

/// Simulates worlds on all cores, until `is_enough` of one; what the bad ones were.
fn simulate_all(
    seeds: std::ops::Range<u64>,
    sabotage: Option<Sabotage>,
    is_enough: impl Fn(&Report) -> bool + Sync,
) -> Vec<(u64, Report)> {
    let tables = tables();
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut bad = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return bad;
            }
            let report = catch_unwind(AssertUnwindSafe(|| simulate(seed, &tables, sabotage)));
            let report =
                report.unwrap_or_else(|_| Report { violations: vec!["a panic".to_owned()], lines: Vec::new() });
            if is_enough(&report) {
                next.store(seeds.end, Ordering::Relaxed);
            }
            if !report.violations.is_empty() {
                bad.push((seed, report));
            }
        }
    };
    let mut bad: Vec<_> = scope(|scope| {
        let count = available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    bad.sort_by_key(|(seed, _)| *seed);
    bad
}

#[test]
fn worlds_keep_every_promise() {
    let env = Env::process();
    let number = |name: &str, default| env.get(name).map_or(default, |text| text.parse().unwrap());
    let (from, count) = (number("SIMULATE_FROM", 0), number("SIMULATE", SEEDS));
    let bad = simulate_all(from..from + count, None, |_| false);
    for (seed, report) in &bad {
        if count == 1 {
            eprintln!("{}", report.lines.join("\n"));
        }
        let first: Vec<_> = report.violations.iter().take(3).map(String::as_str).collect();
        eprintln!("world {seed}: {}\n  again: just simulate 1 {seed}", first.join("\n  "));
    }
    assert!(bad.is_empty(), "{} of {count} worlds break a promise", bad.len());
}

#[test]
fn worlds_are_the_same_each_time() {
    let tables = tables();
    for seed in 0..4 {
        let [one, other] = [simulate(seed, &tables, None), simulate(seed, &tables, None)];
        let different = one.lines.iter().zip(&other.lines).find(|(one, other)| one != other);
        assert!(different.is_none() && one.lines.len() == other.lines.len(), "seed {seed}: {different:#?}");
    }
}

#[test]
#[ignore = "`just simulate` runs it"]
fn worlds_with_a_bug_break_a_promise() {
    let escaped: Vec<_> = sabotage::ALL
        .into_iter()
        .filter(|(sabotage, first)| {
            let seeds = *first..first + SABOTAGE_SEEDS;
            let bad = simulate_all(seeds, Some(*sabotage), |report| !report.violations.is_empty());
            if let Some((seed, report)) = bad.first() {
                eprintln!("{sabotage:?}: found in world {seed}: {}", report.violations[0]);
            }
            bad.is_empty()
        })
        .collect();
    assert!(escaped.is_empty(), "not found in {SABOTAGE_SEEDS} worlds: {escaped:?}");
}
