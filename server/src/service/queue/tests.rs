use super::*;

const BIG: Id = [1; 16];
const SMALL: Id = [2; 16];
const THIRD: Id = [3; 16];

fn queue(workers: usize) -> Queue {
    Queue::new(workers, Places { all: 100, each: 60 })
}

/// A chunk in the queue.
type Waiting = oneshot::Receiver<Turn>;

fn lined_up(queue: &Queue, insurer: Id, chunks: usize) -> Vec<Waiting> {
    (0..chunks).map(|_| queue.line_up(insurer).unwrap()).collect()
}

/// When an insurer that finds no place is to come again.
fn told(queue: &Queue, insurer: Id) -> Duration {
    let Err(Full(wait)) = queue.line_up(insurer) else { panic!("there was a place") };
    wait
}

/// The turns that have come.
fn begun(waiting: &mut Vec<Waiting>) -> Vec<Turn> {
    let mut turns = Vec::new();
    waiting.retain_mut(|chunk| match chunk.try_recv() {
        Ok(turn) => {
            turns.push(turn);
            false
        }
        Err(_) => true,
    });
    turns
}

#[test]
fn fifty_chunks_of_one_insurer_delay_another_by_no_more_than_the_chunk_under_way() {
    for workers in 1..=4 {
        let queue = queue(workers);
        let mut big = lined_up(&queue, BIG, 50);
        let mut running = begun(&mut big);
        assert_eq!((running.len(), queue.waiting()), (workers, 50 - workers));
        // Some have been worked on already when the other one comes.
        for _ in 0..10 {
            running.remove(0);
            running.extend(begun(&mut big));
            assert_eq!(running.len(), workers);
        }
        let mut small = lined_up(&queue, SMALL, 1);
        running.remove(0);
        assert_eq!(begun(&mut small).len(), 1, "the first worker that gets free is its");
    }
}

#[test]
fn insurers_take_turns_whatever_they_have_sent() {
    let queue = queue(1);
    let held = lined_up(&queue, BIG, 1).remove(0).try_recv().unwrap();
    let mut waiting = [(BIG, 40), (SMALL, 2), (THIRD, 3)].map(|(id, chunks)| (id, lined_up(&queue, id, chunks)));
    let mut order = Vec::new();
    let mut turn = Some(held);
    while turn.take().is_some() {
        for (id, waiting) in &mut waiting {
            if let Some(begun) = begun(waiting).pop() {
                order.push(*id);
                turn = Some(begun);
            }
        }
    }
    assert_eq!(order.len(), 45);
    assert_eq!(order[..8], [SMALL, THIRD, BIG, SMALL, THIRD, BIG, THIRD, BIG]);
    assert!(order[8..].iter().all(|id| *id == BIG));
    assert_eq!(queue.lock().idle, 1);
}

#[test]
fn an_insurer_that_always_comes_again_does_not_starve_the_others() {
    let queue = queue(1);
    let mut big = lined_up(&queue, BIG, 20);
    let mut turn = begun(&mut big).pop();
    for _ in 0..9 {
        let mut small = lined_up(&queue, SMALL, 1);
        drop(turn.take());
        let of_small = begun(&mut small).pop().unwrap();
        let mut again = lined_up(&queue, SMALL, 1);
        drop(of_small);
        assert!(begun(&mut again).is_empty());
        turn = begun(&mut big).pop();
        assert!(turn.is_some(), "one turn each");
        drop(again);
    }
}

#[test]
fn a_full_queue_says_when_to_come_again() {
    let queue = Queue::new(2, Places { all: 5, each: 3 });
    queue.lock().chunk = Duration::from_secs(1);
    let mut big = lined_up(&queue, BIG, 5);
    let running = begun(&mut big);
    // Its own three, one after the other.
    assert_eq!(told(&queue, BIG), Duration::from_millis(1_500));
    let small = lined_up(&queue, SMALL, 2);
    assert_eq!(told(&queue, THIRD), Duration::from_millis(2_500));
    assert_eq!(queue.waiting(), 5);

    queue.set_places(Places { all: 6, each: 3 });
    let third = lined_up(&queue, THIRD, 1);
    assert!(queue.line_up(THIRD).is_err());
    queue.lock().chunk = Duration::from_secs(1_000);
    assert_eq!(told(&queue, THIRD), WAITS.1);
    queue.lock().chunk = Duration::ZERO;
    assert_eq!(told(&queue, THIRD), WAITS.0);
    drop((running, big, small, third));
}

#[test]
fn the_time_of_a_chunk_follows_what_is_measured() {
    let queue = queue(1);
    for _ in 0..50 {
        queue.lock().measured(Duration::from_secs(2));
    }
    let mean = queue.lock().chunk;
    assert!(mean > Duration::from_millis(1_990) && mean <= Duration::from_secs(2), "{mean:?}");
}

#[test]
fn whoever_gave_up_has_no_turn_and_blocks_nobody() {
    let queue = queue(1);
    let mut big = lined_up(&queue, BIG, 4);
    let turn = begun(&mut big).pop();
    let last = big.pop();
    drop(big);
    drop(turn);
    let mut last = vec![last.unwrap()];
    // A turn that nobody took any more goes on as well.
    let unseen = lined_up(&queue, SMALL, 1);
    drop(begun(&mut last));
    drop(unseen);
    assert_eq!((queue.waiting(), queue.lock().idle), (0, 1));
}
