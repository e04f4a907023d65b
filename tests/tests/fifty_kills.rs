//! A few of the kills of the example `fifty_kills`: see there, and [`blindlist_tests::kills`].

use std::thread;

use blindlist_tests::kills::{FEW, Scene};

/// [EVA-4], [EVA-5]
#[test]
fn a_server_killed_at_any_moment_loses_nothing_and_charges_nothing_twice() {
    // Side by side: whoever loses its server waits for a while before it looks for it again.
    let kills: usize = thread::scope(|scope| {
        let scenes = [1, 2].map(|seed| {
            scope.spawn(move || {
                let mut scene = Scene::new(seed, FEW);
                let mut kills = 0;
                while kills < 3 {
                    kills += scene.round().len();
                }
                kills
            })
        });
        scenes.into_iter().map(|scene| scene.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).sum()
    });
    assert!(kills >= 5);
}
