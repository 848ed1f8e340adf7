//! Random policies, hierarchies and requests over few names, so that they meet.

use std::collections::HashMap;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression,
};

/// A small generator of random numbers (SplitMix64): each seed gives its own sequence.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % end as u64) as usize
    }

    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// A user or group, or a document or folder; now and then what nobody would expect there.
    pub(super) fn entity(&mut self, principal: bool) -> EntityUid {
        let kinds: &[&str] = if principal { &PRINCIPALS } else { &RESOURCES };
        let kind = match self.below(12) {
            0 => self.pick(&["N::U", "Z", "F", "G", "Action"]),
            _ => self.pick(kinds),
        };
        uid(kind, self.pick(&IDS))
    }
}

const PRINCIPALS: [&str; 4] = ["U", "U", "G", "N::U"];
const RESOURCES: [&str; 3] = ["D", "D", "F"];
const IDS: [&str; 5] = [
    "0",
    "1",
    "2",
    "a\"\\\n\u{1f332}",
    "an id that is longer than others",
];
const ACTIONS: [&str; 5] = ["read", "write", "all", "some", "N"];

const CONDITIONS: [&str; 13] = [
    "principal.level > 1",
    "principal has level && resource has level && principal.level >= resource.level",
    "resource.owner == principal",
    r#"principal in G::"1""#,
    r#"resource in [F::"0", F::"2"]"#,
    r#"action in Action::"all""#,
    "context.mfa",
    "!context.mfa",
    "context.count + 9223372036854775800 > 0",
    "context.count",
    r#"principal is N::U || resource is D in F::"1""#,
    "if context has mfa then context.mfa else resource.level == 0",
    "true",
];

fn uid(kind: &str, id: &str) -> EntityUid {
    let kind: EntityTypeName = kind.parse().unwrap();
    EntityUid::from_type_name_and_id(kind, EntityId::new(id))
}

/// What an update of a policy cannot change.
#[derive(Clone)]
pub(super) struct Head {
    effect: &'static str,
    principal: String,
    resource: String,
}

impl Head {
    /// Of a policy, or of a template with these slots.
    pub(super) fn new(random: &mut Random, [principal, resource]: [bool; 2]) -> Self {
        Self {
            effect: if random.one_in(3) { "forbid" } else { "permit" },
            principal: scope(random, "principal", principal),
            resource: scope(random, "resource", resource),
        }
    }

    /// A statement with this head.
    pub(super) fn statement(&self, random: &mut Random) -> String {
        let Self {
            effect,
            principal,
            resource,
        } = self;
        let action = action(random);
        let mut text = format!("{effect}({principal}, {action}, {resource})");
        for _ in 0..random.below(3) {
            let clause = if random.one_in(3) { "unless" } else { "when" };
            text.push_str(&format!(" {clause} {{ {} }}", random.pick(&CONDITIONS)));
        }
        text + ";"
    }
}

fn scope(random: &mut Random, variable: &str, slot: bool) -> String {
    let is_principal = variable == "principal";
    let kind = match is_principal {
        true => random.pick(&PRINCIPALS),
        false => random.pick(&RESOURCES),
    };
    let entity = match slot {
        true => format!("?{variable}"),
        false => random.entity(is_principal).to_string(),
    };
    match random.below(if slot { 3 } else { 6 }) {
        0 => format!("{variable} == {entity}"),
        1 => format!("{variable} in {entity}"),
        2 => format!("{variable} is {kind} in {entity}"),
        3 => format!("{variable} is {kind}"),
        _ => variable.to_owned(),
    }
}

fn action(random: &mut Random) -> String {
    let one = |random: &mut Random| match random.one_in(8) {
        true => r#"N::Action::"read""#.to_owned(),
        false => format!(r#"Action::"{}""#, random.pick(&ACTIONS)),
    };
    match random.below(5) {
        0 => format!("action == {}", one(random)),
        1 => format!("action in {}", one(random)),
        2 => {
            let many: Vec<String> = (0..random.below(4)).map(|_| one(random)).collect();
            format!("action in [{}]", many.join(", "))
        }
        _ => "action".to_owned(),
    }
}

/// Entities with parents of their own level and above, and groups of actions.
pub(super) fn entities(random: &mut Random) -> Entities {
    let mut all = Vec::new();
    for (kind, group) in [
        ("U", "G"),
        ("N::U", "G"),
        ("G", "G"),
        ("D", "F"),
        ("F", "F"),
    ] {
        for (at, id) in IDS.iter().enumerate() {
            if random.one_in(4) {
                continue;
            }
            let first = if kind == group { at + 1 } else { 0 };
            let mut parents: Vec<EntityUid> =
                IDS.iter().skip(first).map(|id| uid(group, id)).collect();
            parents.retain(|_| random.one_in(3));
            let mut attributes = HashMap::new();
            if !random.one_in(3) {
                let level = RestrictedExpression::new_long(random.below(4) as i64);
                attributes.insert("level".to_owned(), level);
            }
            if !random.one_in(3) {
                let owner = RestrictedExpression::new_entity_uid(random.entity(true));
                attributes.insert("owner".to_owned(), owner);
            }
            all.push(
                Entity::new(uid(kind, id), attributes, parents.into_iter().collect()).unwrap(),
            );
        }
    }
    for (id, group) in [("read", "some"), ("write", "all"), ("some", "all")] {
        let parents = [uid("Action", group)];
        let parents = parents.into_iter().filter(|_| !random.one_in(4));
        all.push(Entity::new_no_attrs(uid("Action", id), parents.collect()));
    }
    Entities::from_entities(all, None).unwrap()
}

pub(super) fn request(random: &mut Random) -> Request {
    let mut context = Vec::new();
    if !random.one_in(3) {
        let mfa = RestrictedExpression::new_bool(random.one_in(2));
        context.push(("mfa".to_owned(), mfa));
    }
    if !random.one_in(3) {
        let count = RestrictedExpression::new_long(random.below(20) as i64);
        context.push(("count".to_owned(), count));
    }
    let action = match random.one_in(8) {
        true => uid("N::Action", "read"),
        false => uid("Action", random.pick(&ACTIONS)),
    };
    let (principal, resource) = (random.entity(true), random.entity(false));
    let context = Context::from_pairs(context).unwrap();
    Request::new(principal, action, resource, context, None).unwrap()
}
