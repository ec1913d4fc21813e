//! The small worlds that are gone through, each for a part of the table.

use serde_json::json;
use uuid::Uuid;

use super::{Act, Known, State, World};
use crate::domain::approvals::submit::SubmitApproval;
use crate::domain::capabilities::commands::RegisterCapability;
use crate::domain::testing::{Tenant, id, mia, olga, otto, policy, refund, refunding, submitting, tenant};
use crate::domain::time::HOUR_MS;

/// How many states each world has.
pub const COUNTS: [(&str, usize); 7] = [
    ("two steps and an owner", 1_207),
    ("a module that knows its keys", 287),
    ("unless somebody objects", 185),
    ("the same work twice", 2_273),
    ("done and taken back", 4_345),
    ("an effect of our own", 0),
    ("an effect of our own, later", 0),
];

/// The refusals that are met.
pub const REFUSALS: [&str; 15] = [
    "AlreadyDecided",
    "AlreadyRunning",
    "ApprovalExpired",
    "InsufficientAuthority",
    "Invalid",
    "NotFound",
    "NotUndoable",
    "NotYourRequest",
    "NotYourStep",
    "OwnBenefit",
    "OwnRequest",
    "PayloadChanged",
    "PeopleOnly",
    "UnknownCapability",
    "WrongStatus",
];

/// All of them.
pub const ALL: [fn() -> World; 7] =
    [two_steps, keyed, held, twice, taken_back, || own_effect(false), || own_effect(true)];

fn world(name: &'static str, tenant: Tenant, requests: Vec<Uuid>, hours: i64, acts: fn(&State) -> Vec<Act>) -> World {
    World { name, now: tenant.now, start: tenant.state, requests, hours, idempotent: false, acts }
}

fn decisions(people: &[&'static str], on: usize) -> Vec<Act> {
    let each = |who: &'static str| [true, false].map(|verdict| Act::Decide { who, on, verdict, stale: false });
    people.iter().flat_map(|who| each(who)).collect()
}

/// Every end of a try: what the module did, and what is known of it.
fn ends(on: usize) -> Vec<Act> {
    let known = [Known::All, Known::Nothing, Known::Stopped];
    [true, false].into_iter().flat_map(|did| known.map(|known| Act::Finish { on, did, known })).collect()
}

/// The ends of which something is known to the module or the server; a stop in the middle is as no answer where nothing is tried again.
fn plain_ends(on: usize) -> Vec<Act> {
    let is_plain = |act: &Act| !matches!(act, Act::Finish { known: Known::Stopped, .. });
    ends(on).into_iter().filter(is_plain).collect()
}

/// Olga owns the action; then one of the owners of the house decides. Mia asks, also with a key of hers. Everything that people can do.
fn two_steps() -> World {
    let mut tenant = tenant().with(refund());
    let steps = json!([{ "name": "owner", "who": "owner" }, { "name": "second", "who": "role:owner" }]);
    tenant.run(policy(json!({ "levels": { "medium": { "steps": steps } } })));
    let now = tenant.now;
    let after = |hours: i64| Some(now.plus_ms(hours * HOUR_MS));
    let request = SubmitApproval {
        owner: Some(id("olga")),
        scheduled_for: after(1),
        decide_by: after(2),
        run_by: after(3),
        ..refunding(80)
    };
    let request = tenant.caller(mia()).submit(request);
    world("two steps and an owner", tenant, vec![request], 3, |_| {
        let mut acts = decisions(&["mia", "mia's key", "olga", "otto", "oda", "stan", "key"], 0);
        acts.extend(ends(0));
        acts.extend(["olga", "otto"].map(|who| Act::Decide { who, on: 0, verdict: true, stale: true }));
        acts.extend(["mia", "otto", "stan"].map(|who| Act::Edit { who, on: 0 }));
        acts.extend(["mia's key", "stan"].map(|who| Act::Cancel { who, on: 0 }));
        acts.extend(["olga", "key", "stan"].map(|who| Act::Retry { who, on: 0 }));
        acts.extend(["mia", "otto", "stan"].map(|who| Act::Settle { who, on: 0 }));
        let demoted = Act::Change { who: "otto", to: Some("manager") };
        acts.extend([demoted, Act::Claim { on: 0 }, Act::Late { on: 0 }, Act::Undo { who: "olga", on: 0 }]);
        acts.extend([Act::Later, Act::Tick]);
        acts
    })
}

/// A module that knows its keys: stopped in the middle as often as there are tries.
fn keyed() -> World {
    let undo_window_s = Some(3_600);
    let mut tenant =
        tenant().with(RegisterCapability { idempotent: true, reversible: true, undo_window_s, ..refund() });
    let request = tenant.caller(mia()).submit(refunding(80));
    tenant.approve(request, olga());
    let world = world("a module that knows its keys", tenant, vec![request], 0, |state| {
        let mut acts = ends(0);
        let people = [Act::Retry { who: "olga", on: 0 }, Act::Settle { who: "otto", on: 0 }];
        acts.extend([Act::Claim { on: 0 }, Act::Late { on: 0 }, Act::Cancel { who: "mia", on: 0 }, Act::Remove]);
        acts.extend(people);
        if state.state.capabilities.is_empty() {
            acts.push(Act::Undo { who: "olga", on: 0 });
        }
        acts
    });
    World { idempotent: true, ..world }
}

/// It runs after an hour unless somebody objects; then there is a freeze for an hour. Mia may leave before.
fn held() -> World {
    let mut tenant = tenant().with(refund());
    tenant.run(policy(json!({
        "levels": { "medium": { "veto_minutes": 60, "steps": [{ "name": "owner", "who": "owner" }] } },
        // Friday 20:00 in Berlin
        "freezes": [{ "name": "dinner", "during": { "from": "21:00", "to": "22:00" } }],
    })));
    let run_by = Some(tenant.now.plus_ms(3 * HOUR_MS));
    let request = tenant.caller(mia()).submit(SubmitApproval { run_by, ..refunding(80) });
    world("unless somebody objects", tenant, vec![request], 3, |_| {
        let mut acts = decisions(&["mia", "mia's key", "olga", "stan"], 0);
        acts.extend([Act::Claim { on: 0 }, Act::Cancel { who: "olga", on: 0 }, Act::Change { who: "mia", to: None }]);
        acts.extend([Act::Finish { on: 0, did: true, known: Known::All }, Act::Later, Act::Tick, Act::Remove]);
        acts
    })
}

/// The same bill twice, one of them for later: whichever runs first.
fn twice() -> World {
    let mut tenant = tenant().with(refund());
    let (later, run_by) = (Some(tenant.now.plus_ms(HOUR_MS)), Some(tenant.now.plus_ms(2 * HOUR_MS)));
    let bill = || SubmitApproval { dedupe_key: Some("bill 3".into()), ..refunding(12) };
    let now = tenant.caller(mia()).submit(SubmitApproval { run_by, ..bill() });
    let then = tenant.caller(mia()).submit(SubmitApproval { scheduled_for: later, ..bill() });
    tenant.approve(now, olga()).approve(then, otto());
    world("the same work twice", tenant, vec![now, then], 2, |_| {
        let of_each = |on: usize| {
            let mut acts = plain_ends(on);
            acts.extend([Act::Claim { on }, Act::Settle { who: "oda", on }, Act::Retry { who: "oda", on }]);
            acts
        };
        let mut acts: Vec<Act> = [0, 1].into_iter().flat_map(of_each).collect();
        acts.extend([Act::Cancel { who: "mia", on: 0 }, Act::Later, Act::Tick, Act::Remove]);
        acts
    })
}

/// What was done is taken back, by as many undos as can be asked for: two.
fn taken_back() -> World {
    let mut tenant = tenant().with(RegisterCapability { reversible: true, undo_window_s: Some(3_600), ..refund() });
    let request = tenant.caller(mia()).submit(refunding(80));
    tenant.approve(request, olga()).claim_of(request);
    world("done and taken back", tenant, vec![request], 1, |state| {
        let mut acts = vec![Act::Finish { on: 0, did: true, known: Known::All }, Act::Later];
        if state.requests.len() < 3 {
            acts.extend(["mia", "olga"].map(|who| Act::Undo { who, on: 0 }));
        }
        for on in 1..state.requests.len() {
            acts.extend(plain_ends(on));
            acts.extend(["olga", "otto"].map(|who| Act::Decide { who, on, verdict: true, stale: false }));
            acts.extend([Act::Claim { on }, Act::Retry { who: "otto", on }, Act::Settle { who: "oda", on }]);
            acts.extend([Act::Edit { who: "mia", on }, Act::Cancel { who: "otto", on }, Act::Undo { who: "otto", on }]);
        }
        acts
    })
}

/// A block is placed by approval, at once or in an hour; oda, whom it blocks, is an owner of the house. Its undo takes the
/// authority of the block.
fn own_effect(later: bool) -> World {
    let name = if later { "an effect of our own, later" } else { "an effect of our own" };
    let mut tenant = tenant();
    let scheduled_for = later.then(|| tenant.now.plus_ms(HOUR_MS));
    let payload = json!({ "block_type": "comp_approval", "entity_id": "oda", "entity_type": "employee", "reason": "By approval",
        "override_authority": "gm" });
    let request = SubmitApproval { scheduled_for, ..submitting("blocks.place", payload) };
    let request = tenant.caller(mia()).submit(request);
    world(name, tenant, vec![request], 1, |state| {
        let mut acts = decisions(&["mia", "olga", "oda", "key"], 0);
        acts.extend([Act::Claim { on: 0 }, Act::Cancel { who: "mia", on: 0 }, Act::Later, Act::Tick]);
        acts.push(Act::Change { who: "olga", to: Some("staff") });
        if state.requests.len() == 1 {
            acts.push(Act::Undo { who: "olga", on: 0 });
        } else {
            acts.extend(decisions(&["mia", "otto", "oda", "gus"], 1));
            acts.push(Act::Claim { on: 1 });
        }
        acts
    })
}
