//! Tests: active faults, and the decision which of them act on a request.

use super::super::subject::Subject;
use super::active::{Faults, FaultsFull, MAX_FAULTS};
use super::code::FaultCode;
use super::fault::Fault;
use super::injection::{End, InjectedError, Injection};
use super::prefer::Prefer;

fn set(faults: &Faults, text: &str) -> String {
    faults.add(Fault::from_option(text).unwrap()).unwrap().id
}

fn search(domain: &str) -> Subject {
    let body = format!(r#"{{"domain_id":"{domain}"}}"#);
    Subject::from_request("POST", "/inventory/v1/jobs/search", "", body.as_bytes())
}

fn used(faults: &Faults) -> Vec<(u64, usize)> {
    let list = faults.list(None);
    list.iter().map(|one| (one.used, one.holding)).collect()
}

/// Polls every wait once, and returns whether all are over.
fn is_over(waits: &mut Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>>) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    waits.retain_mut(|wait| wait.as_mut().poll(&mut context).is_pending());
    waits.is_empty()
}

fn waiting(injection: &mut Injection) -> Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>> {
    let waits = injection.take_waits().into_iter();
    waits.map(|wait| Box::pin(wait.finish()) as _).collect()
}

#[test]
fn a_fault_is_used_as_often_as_its_times_say() {
    let faults = Faults::default();
    let id = set(&faults, "code=503,times=2,domain_id=d");
    assert!(faults.inject(&search("e"), None).end.is_none());
    for _ in 0..2 {
        let injection = faults.inject(&search("d"), None);
        assert_eq!(injection.faults, [id.as_str()]);
        let refusal = InjectedError {
            status: 503,
            code: "ERROR_UNAVAILABLE",
            message: "injected by fault-1".to_owned(),
        };
        assert_eq!(injection.end, Some(End::Refuse(refusal)));
    }
    let injection = faults.inject(&search("d"), None);
    assert!(injection.faults.is_empty() && injection.end.is_none());
    assert_eq!(used(&faults), [(2, 0)]);
}

#[test]
fn the_first_end_counts_and_the_header_comes_first() {
    let faults = Faults::default();
    set(&faults, "delay=600");
    set(&faults, "drop,times=1");
    set(&faults, "truncate=5");
    let mut injection = faults.inject(&search("d"), None);
    assert_eq!(injection.faults, ["fault-1", "fault-2"]);
    assert_eq!(injection.end, Some(End::Drop));
    assert_eq!(injection.take_waits().len(), 1);
    let injection = faults.inject(&search("d"), None);
    assert_eq!(injection.faults, ["fault-1", "fault-3"]);
    assert_eq!(injection.end, Some(End::Truncate(5)));
    drop(injection);
    let prefer = Prefer::parse(["code=404, delay=5"]).unwrap();
    let mut injection = faults.inject(&search("d"), prefer.as_ref());
    assert_eq!(injection.faults, ["prefer", "fault-1"]);
    assert!(matches!(&injection.end, Some(End::Refuse(refusal)) if refusal.status == 404));
    assert_eq!(injection.take_waits().len(), 2);
    drop(injection);
    assert_eq!(used(&faults), [(3, 0), (1, 0), (1, 0)]);
}

#[test]
fn a_gate_holds_until_its_fault_is_released_removed_or_cleared() {
    let open: [fn(&Faults); 5] = [
        |faults| assert_eq!(faults.release("fault-1", None), Some(2)),
        |faults| assert!(faults.remove("fault-1", None)),
        |faults| assert_eq!(faults.clear(None), 1),
        |faults| assert_eq!(faults.clear(Some("d")), 1),
        Faults::release_all,
    ];
    for open in open {
        let faults = Faults::default();
        set(&faults, "hold,domain_id=d");
        let mut injections = [
            faults.inject(&search("d"), None),
            faults.inject(&search("d"), None),
        ];
        let mut waits: Vec<_> = injections.iter_mut().flat_map(waiting).collect();
        assert!(!is_over(&mut waits));
        assert_eq!(used(&faults), [(2, 2)]);
        assert_eq!(faults.clear(Some("e")), 0);
        assert!(!is_over(&mut waits));
        open(&faults);
        assert!(is_over(&mut waits));
        let mut late = faults.inject(&search("d"), None);
        assert!(is_over(&mut waiting(&mut late)), "nothing waits any more");
    }
}

#[test]
fn a_client_that_leaves_does_not_wait_any_more() {
    let faults = Faults::default();
    set(&faults, "hold");
    let mut injection = faults.inject(&search("d"), None);
    let mut waits = waiting(&mut injection);
    assert!(!is_over(&mut waits));
    drop(waits);
    assert_eq!(used(&faults), [(1, 0)]);
}

#[test]
fn a_released_fault_keeps_its_other_effects() {
    let faults = Faults::default();
    let gate = set(&faults, "hold");
    let both = set(&faults, "hold,code=503");
    assert_eq!(faults.release(&gate, None), Some(0));
    assert_eq!(faults.release(&both, None), Some(0));
    assert_eq!(faults.release(&gate, None), None);
    let list = faults.list(None);
    let shown = serde_json::to_string(&list).unwrap();
    assert_eq!(
        shown,
        r#"[{"id":"fault-2","code":503,"used":0,"holding":0}]"#
    );
}

#[tokio::test(start_paused = true)]
async fn delays_follow_each_other() {
    let faults = Faults::default();
    set(&faults, "delay=100");
    let prefer = Prefer::parse(["delay=20"]).unwrap();
    let start = tokio::time::Instant::now();
    for wait in faults.inject(&search("d"), prefer.as_ref()).take_waits() {
        wait.finish().await;
    }
    assert_eq!(start.elapsed().as_secs(), 120);
}

#[test]
fn the_delay_of_a_header_is_cleared_with_its_domain() {
    let faults = Faults::default();
    let prefer = Prefer::parse(["delay=600"]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let mut waits = waiting(&mut faults.inject(&search("d"), prefer.as_ref()));
    assert!(!is_over(&mut waits));
    faults.clear(Some("e"));
    assert!(!is_over(&mut waits));
    faults.clear(Some("d"));
    assert!(is_over(&mut waits));
}

#[test]
fn a_reset_marks_the_waiting_requests_and_sets_the_initial_faults() {
    let faults = Faults::default();
    let initial: Vec<_> = ["code=500", "code=501,domain_id=d", "code=502,domain_id=e"]
        .map(|text| Fault::from_option(text).unwrap())
        .into();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let prefer = Prefer::parse(["delay=600"]).unwrap();
    set(&faults, "hold,domain_id=d");
    let held = |faults: &Faults| {
        let mut injection = faults.inject(&search("d"), prefer.as_ref());
        let waits = waiting(&mut injection);
        (injection, waits)
    };
    let (injection, mut waits) = held(&faults);
    faults.reset(Some("e"), &initial);
    assert!(!is_over(&mut waits) && !injection.was_reset());
    faults.reset(Some("d"), &initial);
    assert!(is_over(&mut waits) && injection.was_reset());
    let codes = |faults: &Faults| {
        let list = faults.list(None).into_iter();
        list.map(|one| one.fault.code.map(FaultCode::status))
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(&faults), [Some(502), Some(501)]);
    assert!(!faults.inject(&search("d"), None).was_reset());

    set(&faults, "hold,domain_id=d");
    let (injection, mut waits) = held(&faults);
    faults.clear(Some("d"));
    assert!(
        is_over(&mut waits) && !injection.was_reset(),
        "clearing is not a reset"
    );
    // A request that waits at the gate of another scope is marked, too.
    set(&faults, "hold");
    let (injection, mut waits) = held(&faults);
    faults.reset(Some("d"), &initial);
    assert!(!is_over(&mut waits) && injection.was_reset());
    faults.reset(None, &initial);
    assert!(is_over(&mut waits));
    assert_eq!(codes(&faults), [Some(500), Some(501), Some(502)]);

    // The initial faults are set, however many there are.
    let many = vec![initial[0].clone(); MAX_FAULTS + 1];
    faults.reset(None, &many);
    assert_eq!(faults.list(None).len(), MAX_FAULTS + 1);
}

#[test]
fn each_domain_has_room_for_a_number_of_faults() {
    let faults = Faults::default();
    set(&faults, "code=503");
    set(&faults, "code=503,times=1,route=stat");
    set(&faults, "drop,times=1,route=search");
    while faults.list(None).len() < MAX_FAULTS {
        set(&faults, "code=503,route=about");
    }
    let one_more = || faults.add(Fault::from_option("code=504").unwrap());
    assert_eq!(
        one_more().unwrap_err().to_string(),
        "there are 1000 faults without a domain, and no more are allowed; clear some"
    );
    faults.remove("fault-1", None);
    let last = set(&faults, "code=503,route=about");
    assert_eq!(last, "fault-1001");
    faults.inject(&search("d"), None);
    assert_eq!(one_more().unwrap().id, "fault-1002");
    let ids: Vec<_> = faults.list(None).into_iter().map(|one| one.id).collect();
    assert_eq!((ids[0].as_str(), ids[1].as_str()), ("fault-2", "fault-4"));
    assert_eq!(one_more().unwrap_err(), FaultsFull(None));
    // Each domain has its own.
    for _ in 0..MAX_FAULTS {
        set(&faults, "code=503,domain_id=d");
    }
    let of = |domain: &str| {
        faults.add(Fault::from_option(&format!("code=503,domain_id={domain}")).unwrap())
    };
    assert_eq!(of("d").unwrap_err(), FaultsFull(Some("d".to_owned())));
    assert!(of("e").is_ok());
}
