use model::OperationModel;

/// Asserts that `scenarios` names, for every one of `operations` and in their order, a module below
/// `folder` (a crate's `tests/scenarios`) that calls it, through the SDK or by its name.
///
/// # Panics
/// When an operation has none.
pub fn assert_every_operation_has_a_scenario(
    scenarios: &[(&str, &str)],
    operations: &[OperationModel],
    folder: &str,
) {
    let named: Vec<&str> = scenarios.iter().map(|(name, _)| *name).collect();
    let modelled: Vec<&str> = operations.iter().map(|operation| operation.name).collect();
    assert_eq!(
        named, modelled,
        "write scenarios for every operation, and name their module in tests/scenarios/coverage.rs"
    );
    for (operation, module) in scenarios {
        let text = std::fs::read_to_string(format!("{folder}/{module}.rs")).expect(module);
        let called = [
            format!(".{}()", snake_case(operation)),
            format!("\"{operation}\""),
        ];
        assert!(
            called.iter().any(|call| text.contains(call)),
            "{module} does not call {operation}"
        );
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
