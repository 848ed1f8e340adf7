//! Slices against the whole: generated policy stores, hierarchies and requests, where the answer
//! over the slice must be that of Cedar's own authorizer over every policy.

mod generate;
mod index;
mod radix;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cedar_policy::{
    Authorizer, Entities, EntityUid, Policy, PolicyId, PolicySet, Request, SlotId, Template,
};
use cedar_policy_core::ast;
use frontdoor::Scope;
use model::verified_permissions::types::Decision;

use self::generate::{Head, Random, entities, request};
use crate::cedar::asked::Asked;
use crate::cedar::compiled_policy::Bodies;
use crate::cedar::decide::decide;
use crate::cedar::snapshot::{Change, CompiledPolicy, Snapshot};
use crate::entity::{EntityRef, PolicyScope};

/// A policy store twice: as a snapshot, and as what Cedar's authorizer takes.
struct Twins {
    snapshot: Snapshot,
    set: PolicySet,
    /// Policies by id: of links, their template.
    policies: BTreeMap<String, Option<String>>,
    templates: BTreeMap<String, (Head, Template)>,
    made: usize,
}

impl Twins {
    /// `compiled` bytes for bodies: with few, they come and go.
    fn new(compiled: u64) -> Self {
        let scope = Scope {
            account: "111122223333".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
        };
        Self {
            snapshot: Snapshot::empty(scope, Arc::new(Bodies::new(compiled))),
            set: PolicySet::new(),
            policies: BTreeMap::new(),
            templates: BTreeMap::new(),
            made: 0,
        }
    }

    fn id(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}{}", self.made)
    }

    fn apply(&mut self, change: Change) {
        // As a writer does: readers keep what they have.
        let mut next = self.snapshot.clone();
        next.apply(change).unwrap();
        self.snapshot = next;
    }

    fn put_static(&mut self, id: &str, statement: &str) {
        let policy = Policy::parse(Some(PolicyId::new(id)), statement).unwrap();
        let compiled = CompiledPolicy::Static {
            statement: Arc::from(statement),
            scope: PolicyScope::from(&policy),
        };
        self.set.add(policy).unwrap();
        self.apply(Change::PutPolicy(Arc::from(id), compiled));
        self.policies.insert(id.to_owned(), None);
    }

    /// A new template, or another one under the id of an old one.
    fn put_template(&mut self, random: &mut Random, id: &str, head: Head) {
        let statement = head.statement(random);
        let template = Template::parse(Some(PolicyId::new(id)), statement).unwrap();
        let change = Change::PutTemplate(Arc::from(id), Arc::new(template.clone()));
        self.apply(change);
        self.templates.insert(id.to_owned(), (head, template));
        // Cedar's set has no update of a template that has links.
        let mut set = PolicySet::new();
        for (_, template) in self.templates.values() {
            set.add_template(template.clone()).unwrap();
        }
        for policy in self.set.policies() {
            match (policy.template_id(), policy.template_links()) {
                (Some(template), Some(slots)) => {
                    set.link(template.clone(), policy.id().clone(), slots)
                        .unwrap();
                }
                _ => set.add(policy.clone()).unwrap(),
            }
        }
        self.set = set;
    }

    fn link(&mut self, random: &mut Random, template_id: &str) {
        let id = self.id("l");
        let (_, template) = &self.templates[template_id];
        let slots: BTreeSet<String> = template.slots().map(ToString::to_string).collect();
        let value = |random: &mut Random, slot: &str| {
            slots
                .contains(slot)
                .then(|| random.entity(slot == "?principal"))
        };
        let (principal, resource) = (value(random, "?principal"), value(random, "?resource"));
        let mut values: HashMap<SlotId, EntityUid> = HashMap::new();
        values.extend(principal.clone().map(|uid| (SlotId::principal(), uid)));
        values.extend(resource.clone().map(|uid| (SlotId::resource(), uid)));
        let (template, policy) = (PolicyId::new(template_id), PolicyId::new(&id));
        self.set.link(template, policy, values).unwrap();
        let [principal, resource] =
            [&principal, &resource].map(|uid| uid.as_ref().map(EntityRef::from));
        let slots = (principal.as_ref(), resource.as_ref());
        let compiled = CompiledPolicy::linked(Arc::from(template_id), slots).unwrap();
        self.apply(Change::PutPolicy(Arc::from(id.as_str()), compiled));
        self.policies.insert(id, Some(template_id.to_owned()));
    }

    fn delete(&mut self, id: &str) {
        self.apply(Change::DeletePolicy(Arc::from(id)));
        match self.policies.remove(id).unwrap() {
            None => drop(self.set.remove_static(PolicyId::new(id)).unwrap()),
            Some(_) => drop(self.set.unlink(PolicyId::new(id)).unwrap()),
        }
    }

    /// One random change.
    fn change(&mut self, random: &mut Random) {
        let ids: Vec<String> = self.policies.keys().cloned().collect();
        let templates: Vec<String> = self.templates.keys().cloned().collect();
        match random.below(11) {
            0..4 => {
                let id = self.id("s");
                let head = Head::new(random, [false, false]);
                self.put_static(&id, &head.statement(random));
            }
            4 if templates.len() < 6 => {
                let slots = random.pick(&[[true, true], [true, false], [false, true]]);
                let (id, head) = (self.id("t"), Head::new(random, slots));
                self.put_template(random, &id, head);
            }
            5..8 if !templates.is_empty() => {
                let template = random.pick(&templates);
                self.link(random, &template);
            }
            8 if !ids.is_empty() => self.delete(&random.pick(&ids)),
            9 if !ids.is_empty() => {
                // An update: another text under the same id.
                let id = random.pick(&ids);
                if self.policies[&id].is_none() {
                    self.set.remove_static(PolicyId::new(&id)).unwrap();
                    let head = Head::new(random, [false, false]);
                    self.put_static(&id, &head.statement(random));
                }
            }
            10 if !templates.is_empty() => {
                // Other actions and conditions for all of its links.
                let id = random.pick(&templates);
                let (head, _) = self.templates[&id].clone();
                self.put_template(random, &id, head);
            }
            _ => {}
        }
    }

    /// The answer over the slice, and how many policies that has.
    fn sliced(&self, request: &Request, entities: &Entities) -> (Answer, usize) {
        let core: &ast::Request = request.as_ref();
        let uid = |entry: &ast::EntityUIDEntry| entry.uid().unwrap().clone();
        let entity = |entry| self.snapshot.entity(uid(entry), entities);
        let asked = Asked {
            principal: &entity(core.principal()),
            action: &self.snapshot.action(uid(core.action()), entities),
            resource: &entity(core.resource()),
            context: core.context().unwrap(),
        };
        let slice = self.snapshot.slice(&asked);
        let decided = decide(&self.snapshot, &slice, &asked, entities).unwrap();
        let answer = Answer {
            allows: decided.decision == Decision::Allow,
            policies: decided
                .determining_policies
                .into_iter()
                .map(|item| item.policy_id)
                .collect(),
            errors: decided
                .errors
                .into_iter()
                .map(|item| item.error_description)
                .collect(),
        };
        (answer, slice.0.len())
    }

    fn whole(&self, request: &Request, entities: &Entities) -> Answer {
        let response = Authorizer::new().is_authorized(request, &self.set, entities);
        let diagnostics = response.diagnostics();
        let mut answer = Answer {
            allows: response.decision() == cedar_policy::Decision::Allow,
            policies: diagnostics.reason().map(ToString::to_string).collect(),
            errors: diagnostics.errors().map(ToString::to_string).collect(),
        };
        answer.policies.sort_unstable();
        answer.errors.sort_unstable();
        answer
    }
}

#[derive(PartialEq, Eq, Debug)]
struct Answer {
    allows: bool,
    policies: Vec<String>,
    errors: Vec<String>,
}

/// What a run has seen.
#[derive(Default, Debug)]
struct Seen {
    requests: usize,
    allowed: usize,
    denied_by_policy: usize,
    failed: usize,
    /// Policies in all stores and in all slices.
    whole: usize,
    sliced: usize,
}

/// Compares the answers over one generated store that changes between the questions.
fn compare(seed: u64, seen: &mut Seen) {
    let random = &mut Random::new(seed);
    let mut twins = Twins::new(if random.one_in(3) { 0 } else { 1 << 20 });
    // Small stores have every shape; now and then one has crowded places in its index.
    let changes = if random.one_in(10) { 120 } else { 24 };
    for _ in 0..changes {
        twins.change(random);
    }
    for _ in 0..6 {
        let entities = entities(random);
        for _ in 0..8 {
            let request = request(random);
            let (answer, size) = twins.sliced(&request, &entities);
            let expected = twins.whole(&request, &entities);
            assert_eq!(answer, expected, "seed {seed}: {request:?}\n{}", twins.set);
            seen.requests += 1;
            seen.allowed += usize::from(answer.allows);
            seen.denied_by_policy += usize::from(!answer.allows && !answer.policies.is_empty());
            seen.failed += usize::from(!answer.errors.is_empty());
            seen.whole += twins.policies.len();
            seen.sliced += size;
        }
        twins.change(random);
    }
}

fn run(seeds: std::ops::Range<u64>) {
    let mut seen = Seen::default();
    for seed in seeds {
        compare(seed, &mut seen);
    }
    // The generator is of use only if it reaches everything, and the index only if it leaves out.
    let share = |part: usize, least: usize| part * 100 > seen.requests * least;
    assert!(share(seen.allowed, 10), "{seen:?}");
    assert!(share(seen.denied_by_policy, 5), "{seen:?}");
    assert!(share(seen.failed, 5), "{seen:?}");
    assert!(seen.sliced * 3 < seen.whole, "{seen:?}");
}

/// Tens of thousands of questions in all, in pieces that run at the same time.
macro_rules! pieces {
    ($($name:ident: $seeds:expr;)*) => {
        $(#[test]
        fn $name() {
            run($seeds);
        })*
    };
}

pieces! {
    the_slice_answers_as_the_whole_1: 0..150;
    the_slice_answers_as_the_whole_2: 150..300;
    the_slice_answers_as_the_whole_3: 300..450;
    the_slice_answers_as_the_whole_4: 450..600;
}

/// `cargo test --release -p verified_permissions slice -- --ignored`
#[test]
#[ignore = "takes minutes"]
fn the_slice_answers_as_the_whole_three_million_times() {
    run(1_000..64_000);
}
