use std::collections::HashSet;

use cedar_policy::Schema;

use super::*;

fn uid(kind: &str, id: usize) -> EntityUID {
    format!(r#"{kind}::"{id}""#).parse().unwrap()
}

fn entity(uid: EntityUID, parents: Vec<EntityUID>) -> (EntityUID, Arc<Entity>) {
    let parents: HashSet<_> = parents.into_iter().collect();
    let entity = Entity::new_with_attr_partial_value(uid.clone(), [], HashSet::new(), parents, []);
    (uid, Arc::new(entity))
}

/// What Cedar makes of the same entities.
fn cedars(given: &Given, actions: Option<&Hierarchy>) -> Result<Hierarchy, String> {
    let actions = actions.into_iter().flat_map(Hierarchy::iter);
    Hierarchy::from_entities(
        given.values().map(AsRef::as_ref).chain(actions).cloned(),
        None::<&NoEntitiesSchema>,
        TCComputation::ComputeNow,
        Extensions::all_available(),
    )
    .map_err(|error| causes(&error))
}

/// Whether there is no cycle; the hierarchy is Cedar's.
fn agrees(given: &Given, actions: Option<&Hierarchy>) -> bool {
    let closure = closure(given, actions).unwrap();
    let ours = close(given.clone(), closure, actions);
    let cedars = cedars(given, actions);
    match (&ours, &cedars) {
        (Ok(ours), Ok(cedars)) => assert!(ours.deep_eq(cedars), "{ours:?}\n{cedars:?}"),
        (Err(_), Err(_)) => {}
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => panic!("{given:?}\n{ours:?}\n{cedars:?}"),
    }
    ours.is_ok()
}

/// Action 0 is in group 1, which is in group 2.
fn actions() -> Hierarchy {
    let schema = r#"
        entity E;
        action "2";
        action "1" in ["2"];
        action "0" in ["1"] appliesTo { principal: E, resource: E };
    "#;
    let (schema, _) = Schema::from_cedarschema_str(schema).unwrap();
    schema.action_entities().unwrap().as_ref().clone()
}

#[test]
fn hierarchies_are_closed_as_cedar_closes_them() {
    let actions = actions();
    let mut state = 1_u64;
    let mut below = |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let mut cycles = 0;
    for round in 0..3_000 {
        let size = 1 + below(7);
        let parents = |below: &mut dyn FnMut(usize) -> usize| {
            let parent = |below: &mut dyn FnMut(usize) -> usize| match below(5) {
                0 => uid("Action", below(4)),
                _ => uid("E", below(9)),
            };
            (0..below(3)).map(|_| parent(below)).collect()
        };
        let given = (0..size).map(|id| entity(uid("E", id), parents(&mut below)));
        let given: Given = given.collect();
        cycles += usize::from(!agrees(&given, (round % 2 == 0).then_some(&actions)));
    }
    assert!((100..2_900).contains(&cycles), "{cycles}");
}

#[test]
fn the_quota_counts_what_is_not_described_any_further_too() {
    let flat = |count: usize| -> Given {
        let parents = (1..=count).map(|id| uid("E", id)).collect();
        [entity(uid("E", 0), parents)].into_iter().collect()
    };
    assert!(agrees(&flat(TRANSITIVE_PARENTS), None));
    assert!(closure(&flat(TRANSITIVE_PARENTS + 1), None).is_err());
    let chain = |height: usize| -> Given {
        let link = |id| entity(uid("E", id), vec![uid("E", id + 1)]);
        (0..height).map(link).collect()
    };
    assert!(agrees(&chain(TRANSITIVE_PARENTS), None));
    assert!(closure(&chain(TRANSITIVE_PARENTS + 1), None).is_err());
    // The groups of actions count.
    let mut given = flat(TRANSITIVE_PARENTS - 3);
    assert!(agrees(&given, Some(&actions())));
    let grouped = |given: &Given, group| {
        let parents = given[&uid("E", 0)].parents().cloned();
        let parents = parents.chain([uid("Action", group)]).collect();
        [entity(uid("E", 0), parents)]
            .into_iter()
            .collect::<Given>()
    };
    assert!(agrees(&grouped(&given, 0), Some(&actions())));
    given = flat(TRANSITIVE_PARENTS - 2);
    assert!(agrees(&grouped(&given, 1), Some(&actions())));
    assert!(closure(&grouped(&given, 0), Some(&actions())).is_err());
}
