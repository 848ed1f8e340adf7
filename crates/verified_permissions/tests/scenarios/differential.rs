//! The service against Cedar's own authorizer over the same policies: thousands of questions
//! about generated policies and entities, with policies that come, change and go in between.

use std::collections::BTreeMap;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, Policy, PolicyId, PolicySet, Request,
};
use serde_json::{Value, json};

use crate::random::Random;
use crate::scene::{Scene, entity, redefinition};

const ROUNDS: usize = 30;
const QUESTIONS: usize = 30;

/// A scope: of a static policy, or with a slot.
fn scope(random: &mut Random, var: &str, kinds: [&str; 2], slot: bool) -> String {
    let [kind, group] = kinds;
    let (kind_id, group_id) = (random.below(4), random.below(4));
    let (one, many) = match slot {
        true => (format!("?{var}"), format!("?{var}")),
        false => (
            format!(r#"{kind}::"{kind_id}""#),
            format!(r#"{group}::"{group_id}""#),
        ),
    };
    match random.below(if slot { 3 } else { 6 }) {
        0 => format!("{var} == {one}"),
        1 => format!("{var} in {many}"),
        2 => format!("{var} is {kind} in {many}"),
        3 => format!("{var} is {kind}"),
        _ => var.to_owned(),
    }
}

fn action(random: &mut Random) -> String {
    let id = random.below(3);
    match random.below(5) {
        0 => format!(r#"action == Action::"{id}""#),
        1 => format!(r#"action in Action::"{id}""#),
        2 => format!(r#"action in [Action::"{id}", N::Action::"x"]"#),
        _ => "action".to_owned(),
    }
}

const CONDITIONS: [&str; 14] = [
    "principal.level > 2",
    "principal has level && principal.level >= resource.level",
    "resource has owner && resource.owner == principal",
    "resource.owner.level == 1",
    r#"principal in G::"1""#,
    r#"resource in [F::"0", F::"2"]"#,
    "context.mfa",
    "context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\"))",
    "context.count + 9223372036854775800 > 0",
    r#"principal.hasTag("t") && principal.getTag("t") == "1""#,
    r#"principal.getTag("t") like "*1*""#,
    r#"resource.names.contains("a") || resource.names.containsAll(["b", "c"])"#,
    "if context has mfa then context.mfa else principal.level == 0",
    r#"[1, "a", principal].containsAny([context.count, resource])"#,
];

/// The head without the effect and the principal's and resource's slots, and the conditions.
fn text(random: &mut Random, slots: [bool; 2]) -> String {
    let effect = if random.one_in(4) { "forbid" } else { "permit" };
    let principal = scope(random, "principal", ["U", "G"], slots[0]);
    let resource = scope(random, "resource", ["D", "F"], slots[1]);
    let mut text = format!("{effect}({principal}, {}, {resource})", action(random));
    for _ in 0..random.below(3) {
        let clause = if random.one_in(3) { "unless" } else { "when" };
        text.push_str(&format!(" {clause} {{ {} }}", random.pick(&CONDITIONS)));
    }
    text + ";"
}

/// The service's policies, by id, as the plain authorizer gets them: links are written out.
struct World {
    scene: Scene,
    policies: BTreeMap<String, String>,
}

impl World {
    async fn create(&mut self, random: &mut Random) {
        if random.one_in(2) {
            let text = text(random, [false, false]);
            let id = self.scene.policy(&text).await;
            self.policies.insert(id, text);
            return;
        }
        let slots = *random.pick(&[[true, true], [true, false], [false, true]]);
        let text = text(random, slots);
        let (status, body) = self
            .scene
            .call("CreatePolicyTemplate", json!({"statement": text}))
            .await;
        if status != 200 {
            // Its scope is open.
            assert!(
                text.contains("(principal,") || text.contains("resource)"),
                "{text} {body}"
            );
            return;
        }
        for _ in 0..=random.below(2) {
            let principal = (*random.pick(&["U", "G"]), random.below(4).to_string());
            let resource = (*random.pick(&["D", "F"]), random.below(4).to_string());
            let mut input = json!({"policyTemplateId": body["policyTemplateId"]});
            let mut written = text.clone();
            for (slot, name, (kind, id)) in [
                (slots[0], "principal", principal),
                (slots[1], "resource", resource),
            ] {
                if slot {
                    input[name] = entity(kind, &id);
                    written = written.replace(&format!("?{name}"), &format!(r#"{kind}::"{id}""#));
                }
            }
            self.policies.insert(self.scene.link(input).await, written);
        }
    }

    async fn change(&mut self, random: &mut Random) {
        let ids: Vec<_> = self.policies.keys().cloned().collect();
        let id = random.pick(&ids).clone();
        if random.one_in(2) {
            self.scene.ok("DeletePolicy", json!({"policyId": id})).await;
            self.policies.remove(&id);
            return;
        }
        let text = self.policies[&id].clone();
        let text = format!(
            "{} when {{ {} }};",
            text.trim_end_matches(';'),
            random.pick(&CONDITIONS)
        );
        let (status, _) = self
            .scene
            .call("UpdatePolicy", redefinition(&id, &text))
            .await;
        // A link cannot be updated.
        if status == 200 {
            self.policies.insert(id, text);
        }
    }

    fn set(&self) -> PolicySet {
        let mut set = PolicySet::new();
        for (id, text) in &self.policies {
            set.add(Policy::parse(Some(PolicyId::new(id)), text).unwrap())
                .unwrap();
        }
        set
    }
}

/// The same entities on the wire and in Cedar's JSON.
fn entities(random: &mut Random) -> (Value, Value) {
    let (mut wire, mut cedar) = (Vec::new(), Vec::new());
    for (kind, group, count) in [("U", "G", 4), ("G", "G", 4), ("D", "F", 4), ("F", "F", 4)] {
        for at in 0..count {
            if random.one_in(5) {
                continue;
            }
            let first = if kind == group { at + 1 } else { 0 };
            let parents: Vec<_> = (first..4).filter(|_| random.one_in(3)).collect();
            let (level, tag) = (random.below(4), random.below(3).to_string());
            let owner = random.below(4).to_string();
            let mut item = json!({
                "identifier": entity(kind, &at.to_string()),
                "parents": parents.iter().map(|at| entity(group, &at.to_string())).collect::<Vec<_>>(),
                "attributes": {
                    "names": {"set": [{"string": "b"}, {"string": random.pick(&["a", "c", "d"])}]},
                },
            });
            let name = item["attributes"]["names"]["set"][1]["string"].clone();
            let mut node = json!({
                "uid": {"type": kind, "id": at.to_string()},
                "parents": parents.iter().map(|at| json!({"type": group, "id": at.to_string()})).collect::<Vec<_>>(),
                "attrs": {"names": ["b", name]},
            });
            if !random.one_in(3) {
                item["attributes"]["level"] = json!({"long": level});
                node["attrs"]["level"] = json!(level);
                item["tags"]["t"] = json!({"string": tag});
                node["tags"]["t"] = json!(tag);
            }
            if !random.one_in(3) {
                item["attributes"]["owner"] = json!({"entityIdentifier": entity("U", &owner)});
                node["attrs"]["owner"] = json!({"__entity": {"type": "U", "id": owner}});
            }
            wire.push(item);
            cedar.push(node);
        }
    }
    (Value::from(wire), Value::from(cedar))
}

fn context(random: &mut Random) -> (Value, Value) {
    let (mut wire, mut cedar) = (json!({}), json!({}));
    if !random.one_in(3) {
        let mfa = random.one_in(2);
        wire["mfa"] = json!({"boolean": mfa});
        cedar["mfa"] = json!(mfa);
    }
    if !random.one_in(3) {
        let count = random.below(20);
        wire["count"] = json!({"long": count});
        cedar["count"] = json!(count);
    }
    if !random.one_in(3) {
        let ip = format!("{}.0.0.1", 9 + random.below(3));
        wire["ip"] = json!({"ipaddr": ip});
        cedar["ip"] = json!({"__extn": {"fn": "ip", "arg": ip}});
    }
    (wire, cedar)
}

fn uid(kind: &str, id: &str) -> EntityUid {
    EntityUid::from_json(json!({"type": kind, "id": id})).unwrap()
}

/// A question on the wire, and the plain authorizer's answer to it.
fn question(random: &mut Random, set: &PolicySet, entities: &Entities) -> (Value, Value) {
    let [action, resource] = [3, 4].map(|end| random.below(end).to_string());
    let principal_kind = random.pick(&["U", "U", "G"]);
    let (wire, cedar) = context(random);
    let request = Request::new(
        uid(principal_kind, "0"),
        uid("Action", &action),
        uid("D", &resource),
        Context::from_json_value(cedar.clone(), None).unwrap(),
        None,
    )
    .unwrap();
    let response = Authorizer::new().is_authorized(&request, set, entities);
    let mut policies: Vec<_> = response
        .diagnostics()
        .reason()
        .map(ToString::to_string)
        .collect();
    policies.sort_unstable();
    let mut errors: Vec<_> = response
        .diagnostics()
        .errors()
        .map(ToString::to_string)
        .collect();
    errors.sort_unstable();
    let decision = match response.decision() {
        Decision::Allow => "ALLOW",
        Decision::Deny => "DENY",
    };
    let context = match random.one_in(2) {
        true => json!({"contextMap": wire}),
        false => json!({"cedarJson": cedar.to_string()}),
    };
    let question = json!({
        "principal": entity(principal_kind, "0"),
        "action": {"actionType": "Action", "actionId": action},
        "resource": entity("D", &resource),
        "context": context,
    });
    let answer = json!({
        "decision": decision,
        "determiningPolicies": policies.iter().map(|id| json!({"policyId": id})).collect::<Vec<_>>(),
        "errors": errors.iter().map(|text| json!({"errorDescription": text})).collect::<Vec<_>>(),
    });
    (question, answer)
}

#[tokio::test]
async fn decisions_policies_and_errors_are_those_of_cedars_authorizer() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 1..=4 {
        let random = &mut Random::new(seed);
        let mut world = World {
            scene: Scene::off().await,
            policies: BTreeMap::new(),
        };
        for round in 0..ROUNDS {
            world.create(random).await;
            world.create(random).await;
            if round % 2 == 1 && !world.policies.is_empty() {
                world.change(random).await;
            }
            let set = world.set();
            let (wire, cedar) = entities(random);
            let plain = Entities::from_json_value(cedar.clone(), None).unwrap();
            let given = match random.one_in(2) {
                true => json!({"entityList": wire}),
                false => json!({"cedarJson": cedar.to_string()}),
            };
            let asked: Vec<_> = (0..QUESTIONS)
                .map(|_| question(random, &set, &plain))
                .collect();
            let mut input = asked[0].0.clone();
            input["entities"] = given.clone();
            let answer = world.scene.ok("IsAuthorized", input.clone()).await;
            assert_eq!(answer, asked[0].1, "seed {seed} round {round} {input}");
            for kind in ["U", "G"] {
                // A batch has one principal.
                let of_kind =
                    |(question, _): &&(Value, Value)| question["principal"]["entityType"] == kind;
                let asked: Vec<_> = asked.iter().filter(of_kind).collect();
                if asked.is_empty() {
                    continue;
                }
                let questions: Vec<_> = asked.iter().map(|(question, _)| question).collect();
                let input = json!({"requests": questions, "entities": given});
                let answers = world.scene.ok("BatchIsAuthorized", input).await;
                for (at, (question, answer)) in asked.iter().enumerate() {
                    let mut expected = answer.clone();
                    expected["request"] = question.clone();
                    assert_eq!(
                        answers["results"][at], expected,
                        "seed {seed} round {round}"
                    );
                    let errors = expected["errors"].as_array().unwrap().len().min(1);
                    let decision = expected["decision"].as_str().unwrap();
                    *seen.entry(format!("{decision} {errors}")).or_default() += 1;
                }
            }
        }
    }
    // The generator is of use only if it reaches everything.
    for kind in ["ALLOW 0", "ALLOW 1", "DENY 0", "DENY 1"] {
        assert!(seen.get(kind).is_some_and(|times| *times > 50), "{seen:?}");
    }
}
