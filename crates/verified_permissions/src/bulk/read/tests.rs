use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Value, json};

use super::{Format, check, read};

/// What a file says, as JSON without the places.
fn said(format: Format, text: &str) -> Result<Value, String> {
    let mut items = Vec::new();
    read(format, "f", &mut text.as_bytes(), &mut |item| {
        items.push(item);
        ControlFlow::Continue(())
    })
    .map_err(|error| error.to_string())?;
    for item in &items {
        check(item).map_err(|error| error.to_string())?;
    }
    let items = items.iter().map(|item| json!(item)["what"].take());
    Ok(items.collect())
}

fn places(format: Format, text: &str) -> Vec<String> {
    let mut places = Vec::new();
    read(format, "f", &mut text.as_bytes(), &mut |item| {
        places.push(item.at().to_owned());
        ControlFlow::Continue(())
    })
    .unwrap();
    places
}

const STATIC: &str = "permit (principal, action, resource);";
const TEMPLATE: &str = "permit (principal == ?principal, action, resource == ?resource);";

#[test]
fn the_format_is_the_extension() {
    for (name, format) in [
        ("a.cedar", Some(Format::Cedar)),
        ("d/a.b.cedarschema", Some(Format::CedarSchema)),
        ("a.json", Some(Format::Json)),
        ("a.jsonl", Some(Format::Json)),
        ("a.ndjson", Some(Format::Json)),
        ("a.md", None),
        ("cedar", None),
        (".json", None),
    ] {
        assert_eq!(Format::of(Path::new(name)), format, "{name}");
    }
}

#[test]
fn cedar_text() {
    let named = format!("@id(\"x\")\n{STATIC}");
    for (text, expected) in [
        (String::new(), json!([])),
        (
            STATIC.to_owned(),
            json!([{ "static": { "statement": STATIC } }]),
        ),
        (
            format!("\n{TEMPLATE}\n// why\n{STATIC}\n"),
            json!([
                { "template": { "statement": TEMPLATE } },
                { "static": { "statement": format!("// why\n{STATIC}") } },
            ]),
        ),
        (
            named.clone(),
            json!([{ "static": { "name": "name/x", "statement": named } }]),
        ),
        (
            format!("@id(\"name/t\") {TEMPLATE}"),
            json!([{ "template": {
                "name": "name/t", "statement": format!("@id(\"name/t\") {TEMPLATE}"),
            } }]),
        ),
        (
            format!(
                "//@ {{\"policyId\":\"p\",\"description\":\"d\",\"after\":\"\\n\"}}\n{named}\n"
            ),
            json!([{ "static": {
                "id": "p", "description": "d", "statement": format!("{named}\n"),
            } }]),
        ),
        (
            format!("//@ {{\"policyTemplateId\":\"t\",\"name\":\"name/n\"}}\n{TEMPLATE}"),
            json!([{ "template": { "id": "t", "name": "name/n", "statement": TEMPLATE } }]),
        ),
    ] {
        assert_eq!(said(Format::Cedar, &text), Ok(expected), "{text}");
    }
}

#[test]
fn broken_cedar_text() {
    let deep = format!(
        "permit (principal, action, resource) when {{ {}true{} }};",
        "(".repeat(501),
        ")".repeat(501)
    );
    for (text, fault) in [
        (
            "permit".to_owned(),
            "f: the last statement has no `;` at its end",
        ),
        (
            "permit (principal);".to_owned(),
            "f:1: Failed to validate policy body.",
        ),
        (
            format!("{STATIC}\n\nforbid;\n"),
            "f:3: Failed to validate policy body.",
        ),
        (
            format!("//@ {{\n{STATIC}"),
            "f:2: the line `//@` above it: EOF while parsing",
        ),
        (
            format!("//@ {{\"policyid\":\"p\"}}\n{STATIC}"),
            "f:2: the line `//@` above it: unknown field `policyid`",
        ),
        (
            format!("//@ {{\"policyId\":\"p\"}}\n{TEMPLATE}"),
            "f:2: the line `//@` above it: the id of a template is its policyTemplateId",
        ),
        (
            format!("//@ {{\"policyId\":\"not an id\"}}\n{STATIC}"),
            "f:2: policyId: ",
        ),
        (
            format!("//@ {{\"policyId\":\"name/x\"}}\n{STATIC}"),
            "f:2: policyId: an id cannot begin with `name/`",
        ),
        (format!("@id(\"not a name\") {STATIC}"), "f:1: name: "),
        (
            deep,
            "f:1: Failed to validate policy body. A policy can be nested",
        ),
    ] {
        let error = said(Format::Cedar, &text).unwrap_err();
        assert!(error.starts_with(fault), "{error}");
    }
}

#[test]
fn outputs_and_inputs_of_the_api() {
    let alice = json!({ "entityType": "User", "entityId": "alice" });
    let link = json!({ "policyTemplateId": "t", "principal": alice });
    let linked = json!({ "template": "t", "principal": { "type": "User", "id": "alice" } });
    let mut known = linked.clone();
    known["id"] = json!("l");
    for (text, expected) in [
        // GetPolicy
        (
            json!({
                "policyStoreId": "s", "policyId": "p", "policyType": "STATIC", "effect": "Permit",
                "principal": alice, "actions": [], "name": "name/n",
                "definition": { "static": { "description": "d", "statement": STATIC } },
                "createdDate": "2026-01-01T00:00:00Z",
            }),
            json!([{ "static": {
                "id": "p", "name": "name/n", "description": "d", "statement": STATIC,
            } }]),
        ),
        // BatchGetPolicy
        (
            json!({ "errors": [], "results": [
                { "policyId": "p", "definition": { "static": { "statement": STATIC } } },
                { "policyId": "l", "definition": { "templateLinked": link } },
            ] }),
            json!([
                { "static": { "id": "p", "statement": STATIC } },
                { "link": known },
            ]),
        ),
        // ListPolicies
        (
            json!({ "nextToken": null, "policies": [
                { "policyId": "l", "policyType": "TEMPLATE_LINKED", "principal": alice,
                  "definition": { "templateLinked": link } },
            ] }),
            json!([{ "link": known }]),
        ),
        // GetPolicyTemplate
        (
            json!({
                "policyStoreId": "s", "policyTemplateId": "t", "name": "name/n",
                "description": "d", "statement": TEMPLATE,
            }),
            json!([{ "template": {
                "id": "t", "name": "name/n", "description": "d", "statement": TEMPLATE,
            } }]),
        ),
        // GetSchema, and what PutSchema takes
        (
            json!({ "policyStoreId": "s", "schema": "{\"N\":{}}" }),
            json!([{ "schema": "{\"N\":{}}" }]),
        ),
        (json!({ "cedarJson": "{}" }), json!([{ "schema": "{}" }])),
        // What CreatePolicy takes
        (
            json!({ "static": { "statement": STATIC } }),
            json!([{ "static": { "statement": STATIC } }]),
        ),
        (
            json!({ "policyStoreId": "s", "definition": { "templateLinked": link } }),
            json!([{ "link": linked }]),
        ),
        // A line of links
        (link.clone(), json!([{ "link": linked }])),
        (
            json!([link, link]),
            json!([{ "link": linked }, { "link": linked }]),
        ),
    ] {
        assert_eq!(
            said(Format::Json, &text.to_string()),
            Ok(expected.clone()),
            "{text}"
        );
        let pretty = format!("\n{text:#}\n\n{text}{text:#}");
        let thrice: Vec<Value> = (0..3)
            .flat_map(|_| expected.as_array().unwrap().clone())
            .collect();
        assert_eq!(
            said(Format::Json, &pretty),
            Ok(Value::Array(thrice)),
            "{pretty}"
        );
    }
}

#[test]
fn cedar_json() {
    let policy = json!({
        "effect": "permit", "principal": { "op": "All" }, "action": { "op": "All" },
        "resource": { "op": "All" }, "conditions": [], "annotations": { "id": "x" },
    });
    let mut template = policy.clone();
    template["principal"] = json!({ "op": "==", "slot": "?principal" });
    template["annotations"] = json!({});
    let mut nameless = policy.clone();
    nameless["annotations"] = json!({});
    let set = json!({
        "templates": { "t": template },
        "staticPolicies": { "policy0": nameless, "p": nameless },
        "templateLinks": [
            { "templateId": "t", "newId": "l", "values": { "?principal": { "type": "U", "id": "a" } } },
            { "templateId": "t", "newId": "policy1",
              "values": { "?principal": { "__entity": { "type": "U", "id": "b" } } } },
        ],
    });
    let said = said(Format::Json, &set.to_string()).unwrap();
    let at = |index: usize, member: &str| said[index][member].clone();
    assert_eq!(at(0, "template")["name"], "name/t");
    assert_eq!(at(0, "template")["key"], "f:1#t");
    assert_eq!(at(1, "static")["name"], "name/p");
    assert_eq!(at(2, "static")["name"], Value::Null);
    assert_eq!(
        at(3, "link"),
        json!({ "name": "name/l", "template": "f:1#t", "principal": { "type": "U", "id": "a" } })
    );
    assert_eq!(
        at(4, "link"),
        json!({ "template": "f:1#t", "principal": { "type": "U", "id": "b" } })
    );
    let alone = super::tests::said(Format::Json, &policy.to_string()).unwrap();
    assert_eq!(alone[0]["static"]["name"], "name/x");
    let text = alone[0]["static"]["statement"].as_str().unwrap();
    assert!(text.starts_with("@id(\"x\")\npermit("), "{text}");
}

#[test]
fn schemas() {
    let schema = json!({ "N": { "entityTypes": { "User": {} }, "actions": {} } });
    let text = format!("{schema:#}");
    assert_eq!(
        said(Format::Json, &text),
        Ok(json!([{ "schema": schema.to_string() }]))
    );
    let translated = said(Format::CedarSchema, "namespace N { entity User; }").unwrap();
    let json: Value = serde_json::from_str(translated[0]["schema"].as_str().unwrap()).unwrap();
    assert_eq!(json["N"]["entityTypes"], json!({ "User": {} }));
    for text in ["entity", "namespace N { entity User in [Nobody]; }"] {
        // The second is refused where the schema is compiled, if not here.
        let said = said(Format::CedarSchema, text);
        assert!(said.is_err() || text.contains("Nobody"), "{text}");
    }
}

#[test]
fn broken_json() {
    for (text, fault) in [
        ("{", "f:1: is no JSON: EOF while parsing"),
        ("{}\n{}", "f:1: is neither Cedar's"),
        ("\n\n[1]", "f:3[0]: is neither Cedar's"),
        ("\n{\"a\": 1,\n\n x}", "f:4: is no JSON: "),
        (
            "1",
            "f:1: is no JSON: invalid type: integer `1`, expected an object",
        ),
        (
            r#"{"policies":[{"policyId":"p","definition":{"static":{}}}]}"#,
            "f:1 policies[0]: a list of static policies has no statements",
        ),
        (
            r#"{"policyTemplates":[{"policyTemplateId":"t"}]}"#,
            "f:1 policyTemplates[0]: a list of templates has no statements",
        ),
        (
            r#"{"results":[],"errors":[{"code":"POLICY_NOT_FOUND"}]}"#,
            "f:1: the output lists errors",
        ),
        (
            r#"{"policies":[],"nextToken":"n"}"#,
            "f:1: the list is not complete: it has a nextToken: fetch all its pages",
        ),
        (
            r#"{"NextToken":"n","policyTemplates":[]}"#,
            "f:1: the list is not complete: it has a NextToken: fetch all its pages",
        ),
        (
            r#"{"policies":[],"templates":{}}"#,
            "f:1: a list with a member `templates` beside it",
        ),
        (r#"{"policyId":"p"}"#, "f:1: a policy without a definition"),
        (
            r#"{"policyTemplateId":"t","principal":{"entityType":"","entityId":"a"}}"#,
            "f:1: entityType: ",
        ),
        (r#"{"effect":"permit","action":{},"principal":{}}"#, "f:1: "),
        (
            r#"{"templateLinks":[{"templateId":"t","newId":"l","values":{"?action":{"type":"a","id":"b"}}}]}"#,
            "f:1: link `l`: the slot `?action`",
        ),
    ] {
        let error = said(Format::Json, text).unwrap_err();
        assert!(error.starts_with(fault), "{text}: {error}");
    }
}

#[test]
fn places_name_the_file_and_the_line() {
    let policies = format!("{STATIC}\n// c\n\n{STATIC} {STATIC}");
    assert_eq!(places(Format::Cedar, &policies), ["f:1", "f:2", "f:4"]);
    let link = r#"{"policyTemplateId":"t","principal":{"entityType":"U","entityId":"a"}}"#;
    let lines = format!("{link}\n{link}\n\n{link}");
    assert_eq!(places(Format::Json, &lines), ["f:1", "f:2", "f:4"]);
    let list = format!("\n[{link},{link}]");
    assert_eq!(places(Format::Json, &list), ["f:2[0]", "f:2[1]"]);
}

#[test]
fn reading_ends_when_nobody_takes_more() {
    for (format, text) in [
        (Format::Cedar, format!("{STATIC}{STATIC}broken;")),
        (
            Format::Json,
            format!("{{\"static\":{{\"statement\":{}}}}}\nbroken", json!(STATIC)),
        ),
    ] {
        let mut taken = 0;
        read(format, "f", &mut text.as_bytes(), &mut |_| {
            taken += 1;
            ControlFlow::Break(())
        })
        .unwrap();
        assert_eq!(taken, 1);
    }
}

#[test]
fn a_line_of_cedar_text_is_bounded() {
    let long = " ".repeat(super::split::MOST + 1);
    let error = said(Format::Cedar, &format!("\n{long}")).unwrap_err();
    assert_eq!(error, "f:2: a line has more than 1048576 bytes");
    let lines = format!("{STATIC}\n").repeat(40_000);
    assert_eq!(places(Format::Cedar, &lines).len(), 40_000);
}
