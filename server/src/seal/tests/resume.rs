//! Seals that are cut off and go on, on any number of threads and in little memory: always the same bytes.

use std::time::Duration;

use super::super::checkpoint::Checkpoint;
use super::super::sorted::partitions;
use super::super::{Account, seal_with, staging};
use super::*;

/// Notes how far it is after so many rows, and fails like a full disk when so many are evaluated.
fn resources(threads: usize, memory: Memory, rows: u64, fail_at: Option<u64>) -> Resources {
    let mut resources = Resources::new(threads.try_into().ok(), memory);
    resources.checkpoints.rows = rows;
    resources.checkpoints.time = Duration::from_secs(3_600);
    resources.checkpoints.fail_at = fail_at;
    resources
}

fn failing(fail_at: u64) -> Resources {
    resources(2, TINY, 1_024, Some(fail_at))
}

/// A home, and people in two files, many of them twice or more, some rows bad.
struct Scene {
    operator: Operator,
    inputs: Vec<PathBuf>,
    /// Of before the first seal.
    catalog: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let operator = Operator::new_blocking();
        let names = ["nir", "contract", "coverage", "nir|coverage"];
        let row = |i: u32, person: u32| format!("{},{}", nir(person), names[(i % 4) as usize]);
        let first = (0..4_000).map(|i| if i % 500 == 7 { "x,nir".to_owned() } else { row(i, i % 3_100) });
        let second = (0..1_500).map(|i| row(i, 3_000 + i % 1_100));
        let file =
            |name: &str, rows: Vec<String>| operator.file(name, &format!("nir,categories\n{}\n", rows.join("\n")));
        let inputs = vec![file("one.csv", first.collect()), file("two.csv", second.collect())];
        let catalog = fs::read(operator.home.catalog_path()).unwrap();
        Self { operator, inputs, catalog }
    }

    fn by() -> By {
        By::Choices(choices("breach"))
    }

    fn seal(&self, by: By, resources: &Resources) -> Result<super::super::Sealed, Error> {
        seal_with(&self.operator.home, &self.inputs, by, resources)
    }

    fn leftovers(&self) -> Vec<PathBuf> {
        staging::leftovers(self.operator.home.releases().unwrap().path())
    }

    /// The folder of a seal that was cut off.
    fn cut_off(&self, by: By, fail_at: u64) -> PathBuf {
        let error = self.seal(by, &failing(fail_at)).unwrap_err();
        assert!(matches!(error, Error::Store(StoreError::DiskFull { .. })), "{error}");
        let [folder] = &self.leftovers()[..] else { panic!("it left one folder") };
        folder.clone()
    }

    /// A plan, of which nothing is evaluated.
    fn plan(&self) -> By {
        let folder = self.cut_off(Self::by(), 1);
        let kept = self.operator.file("kept.json", &fs::read_to_string(folder.join("plan.json")).unwrap());
        fs::remove_dir_all(folder).unwrap();
        By::Plan(kept)
    }

    /// What was published, which is taken back, and what was rejected.
    fn published(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        assert!(self.leftovers().is_empty(), "nothing is left beside it");
        let [release] = &self.operator.live()[..] else { panic!("one release is live") };
        let mut found = files(release.path());
        found.extend(files(self.operator.home.rejected().unwrap().path()));
        self.operator.put_back(&self.catalog);
        fs::remove_dir_all(release.path()).unwrap();
        found
    }
}

#[test]
fn threads_and_memory_change_no_byte() {
    let scene = Scene::new();
    let plan = scene.plan();
    scene.seal(plan.clone(), &Resources::default()).unwrap();
    let expected = scene.published();
    for (threads, memory) in [(1, Memory::LEAST), (1, TINY), (3, TINY), (8, Resources::MEMORY)] {
        scene.seal(plan.clone(), &resources(threads, memory, 700, None)).unwrap();
        assert!(scene.published() == expected, "{threads} threads");
    }
}

/// [LAB-4]: it is the same plan, so the same release id.
#[test]
fn a_seal_goes_on_wherever_it_was_cut_off() {
    let scene = Scene::new();
    let plan = scene.plan();
    scene.seal(plan.clone(), &Resources::default()).unwrap();
    let expected = scene.published();
    // Once at each checkpoint; and from one to the next in one seal.
    for stops in
        [vec![1], vec![1_500], vec![3_000], vec![4_100], vec![5_400], vec![1, 1_100, 2_100, 3_100, 4_100, 5_300]]
    {
        // By its plan for the first time, then the same command as ever.
        let (mut by, mut rows) = (plan.clone(), 0);
        for stop in &stops {
            let folder = scene.cut_off(by, *stop);
            by = Scene::by();
            let checkpoint = Checkpoint::read(&folder.join("checkpoint.json"), partitions(1));
            let noted = checkpoint.map_or(0, |checkpoint| checkpoint.rows);
            let spilled = fs::metadata(folder.join("spill")).map_or(0, |spill| spill.len());
            assert!(noted >= rows && noted < *stop, "{noted} before {stop}");
            assert_eq!(spilled, checkpoint.map_or(0, |checkpoint| checkpoint.spilled), "no disk space is wasted");
            rows = noted;
        }
        assert!(rows > 0 || stops.len() == 1);
        let sealed = scene.seal(by, &resources(2, Memory::LEAST, 1 << 20, None)).unwrap();
        assert_eq!((sealed.outcome, sealed.rows, sealed.people()), (Outcome::Published, 5_500, 4_096));
        assert!(scene.published() == expected, "{stops:?}");
    }
}

#[test]
fn a_seal_that_was_cut_off_when_all_is_published_says_so() {
    let scene = Scene::new();
    let folder = scene.cut_off(Scene::by(), 5_400);
    let copy: Vec<_> = files(&folder).into_iter().collect();
    let sealed = scene.seal(Scene::by(), &Resources::default()).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    copy.into_iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    let again = scene.seal(Scene::by(), &Resources::default()).unwrap();
    assert_eq!((again.outcome, &again.lists), (Outcome::Identical, &sealed.lists));
    assert!(scene.leftovers().is_empty());
    // And then it is a new seal.
    let third = scene.seal(Scene::by(), &Resources::default()).unwrap();
    assert_eq!((third.outcome, scene.operator.live()[0].manifest.sequence), (Outcome::Published, 2));
}

#[test]
fn a_damaged_spill_is_noticed_and_nothing_is_published() {
    let scene = Scene::new();
    let mut noticed = 0;
    for place in [0, 4, 10, 100, 5_000] {
        let spill = scene.cut_off(Scene::by(), 3_100).join("spill");
        let mut bytes = fs::read(&spill).unwrap();
        bytes[place] ^= 1;
        fs::write(&spill, bytes).unwrap();
        let error = scene.seal(Scene::by(), &Resources::default()).unwrap_err();
        assert!(matches!(error, Error::Store(StoreError::NotSealed { .. })), "{error}");
        assert!(scene.operator.live().is_empty() && scene.leftovers().is_empty());
        noticed += 1;
    }
    assert_eq!(noticed, 5);
    scene.seal(Scene::by(), &Resources::default()).unwrap();
}

/// [LAB-4]
#[test]
fn what_was_cut_off_is_taken_over_by_the_same_seal_alone() {
    let scene = Scene::new();
    let folder = scene.cut_off(Scene::by(), 3_100);
    let others = [
        Choices { title: "Autre".parse().unwrap(), ..choices("breach") },
        Choices { false_positive_bits: 41, ..choices("breach") },
        Choices { keep_evaluations: true, ..choices("breach") },
        choices("other"),
    ];
    for other in others {
        scene.seal(By::Choices(other), &Resources::default()).unwrap();
        assert!(folder.join("spill").exists());
    }
    // What was cut off before it had a plan goes.
    let empty = folder.with_file_name(".0.tmp");
    fs::create_dir(&empty).unwrap();
    // Nor by a list that has gone on, nor with other inputs.
    let sealed = scene.seal(Scene::by(), &Resources::default()).unwrap();
    assert!(!folder.ends_with(format!(".{}.tmp", sealed.lists[0].release)) && folder.exists() && !empty.exists());
    fs::remove_dir_all(&folder).unwrap();
    scene.cut_off(Scene::by(), 3_100);
    let one = std::slice::from_ref(&scene.inputs[0]);
    seal_with(&scene.operator.home, one, Scene::by(), &Resources::default()).unwrap();
    assert_eq!(scene.leftovers().len(), 1);
}

#[test]
fn a_plan_that_was_changed_does_not_take_what_another_has_evaluated() {
    let scene = Scene::new();
    let folder = scene.cut_off(Scene::by(), 3_100);
    let plan = fs::read_to_string(folder.join("plan.json")).unwrap();
    let edited = scene.operator.file("edited.json", &plan.replace("\"coverage\"", "\"coverage\",\n      \"iban\""));
    let sealed = scene.seal(By::Plan(edited), &Resources::default()).unwrap();
    assert_eq!((sealed.rows, sealed.people()), (5_500, 4_096));
    assert_eq!(categories(&scene.operator, "breach", &person(2)).as_deref(), Some("coverage"));
}

#[test]
fn the_report_adds_up() {
    let scene = Scene::new();
    let sealed = scene.seal(Scene::by(), &Resources::default()).unwrap();
    let text = fs::read(sealed.plan.with_file_name("seal-report.json")).unwrap();
    let account: Account = serde_json::from_slice(&text).unwrap();
    adds_up(&account);
    let plan = Plan::read(&sealed.plan).unwrap();
    assert!(account.inputs.iter().map(|input| input.sha256).eq(plan.inputs.iter().map(|input| input.sha256)));
    assert_eq!((account.rows, account.rejected, account.inputs[0].rejected[0].rows), (5_500, 8, 8));
    let [list] = &account.lists[..] else { panic!("one list") };
    assert_eq!((list.rows, list.people, list.merged, list.entries), (5_492, 4_096, 1_396, 4_100));
    assert_eq!(u64::from(scene.operator.live()[0].manifest.entries), list.entries);
}
