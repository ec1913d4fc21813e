//! The OpenAPI document: the described handlers, and what they have in common.

use std::sync::LazyLock;

use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, RefOr, ResponseBuilder, Type};

use super::Described;
use super::problem::CODES;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_json().unwrap_or_default());

/// Paths that ask for no credential.
const OPEN: [&str; 7] =
    ["/healthz", "/readyz", "/metrics", "/api/openapi.json", "/api/docs", "/docs/problems", "/docs/problems/{code}"];

/// The document as JSON.
pub fn text() -> &'static str {
    &DOCUMENT
}

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Described::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    for (path, item) in &mut document.paths.paths {
        let (get, post, put) = (&mut item.get, &mut item.post, &mut item.put);
        for operation in [get, put, &mut item.delete, &mut item.patch].into_iter().flatten() {
            complete(path, operation);
        }
        if let Some(operation) = post {
            complete(path, operation);
            if path != "/api/session" {
                operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
            }
        }
    }
    let components = document.components.get_or_insert_default();
    components.schemas.insert("Problem".into(), problem_schema());
    components.security_schemes.extend([
        ("key".into(), bearer("An API key `ack_<id>_<secret>`.")),
        ("operator".into(), bearer("The operator token of the server.")),
        ("cron".into(), bearer("The secret of the scheduler outside, for all organisations.")),
        (
            "session".into(),
            RefOr::T(SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                super::credential::COOKIE_NAME,
                "A login. A change also needs our own `Origin` and the header `X-CSRF-Token`.",
            )))),
        ),
    ]);
    document
}

fn complete(path: &str, operation: &mut Operation) {
    // Handlers of different nouns share names, such as `list`; in the document an id is one operation's own.
    let tag = operation.tags.as_ref().and_then(|tags| tags.first()).cloned().unwrap_or_default();
    let name = operation.operation_id.take().unwrap_or_default();
    operation.operation_id = Some(format!("{}_{name}", tag.to_lowercase()));
    let needs = |name: &str| SecurityRequirement::new::<_, [&str; 0], &str>(name, []);
    operation.security = Some(match path {
        open if OPEN.contains(&open) => Vec::new(),
        operator if operator.starts_with("/api/operator/") => vec![needs("operator")],
        "/api/action-center/process" => vec![needs("key"), needs("session"), needs("cron")],
        _ if is_login(operation) => Vec::new(),
        _ => vec![needs("key"), needs("session")],
    });
    let problem = ContentBuilder::new().schema(Some(utoipa::openapi::Ref::from_schema_name("Problem"))).build();
    let answer = ResponseBuilder::new()
        .description("A problem (RFC 9457); `type` leads to the page of its code")
        .content("application/problem+json", problem);
    operation.responses.responses.insert("default".into(), RefOr::T(answer.build()));
}

fn is_login(operation: &Operation) -> bool {
    operation.operation_id.as_deref() == Some("session_login")
}

fn idempotency_key() -> utoipa::openapi::path::Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some("1 to 128 visible characters; for 24 hours the same key and body give the same answer"))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .build()
}

fn bearer(description: &str) -> RefOr<SecurityScheme> {
    RefOr::T(SecurityScheme::Http(
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build(),
    ))
}

fn problem_schema() -> RefOr<utoipa::openapi::Schema> {
    let codes: Vec<&str> = CODES.iter().map(|one| one.code).collect();
    let text = json!({ "type": "string" });
    let schema: Value = json!({
        "type": "object",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": { "type": "string", "description": "Where the page of the code is" },
            "title": text,
            "status": { "type": "integer" },
            "code": { "type": "string", "enum": codes },
            "detail": text,
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["pointer", "detail"],
                    "properties": { "pointer": { "type": "string", "description": "JSON Pointer into the body" }, "detail": text }
                }
            }
        }
    });
    serde_json::from_value(schema).unwrap_or_else(|_| RefOr::T(ObjectBuilder::new().build().into()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::ROUTES;

    fn parsed() -> Value {
        serde_json::from_str(text()).unwrap()
    }

    #[test]
    fn the_document_and_the_route_table_name_the_same_routes() {
        let document = parsed();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
            })
            .collect();
        let table: BTreeSet<(String, String)> =
            ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
        assert_eq!(described, table);
        assert_eq!(ROUTES.len(), table.len(), "a route is in the table twice");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = parsed();
        let mut missing = BTreeSet::new();
        visit(&document, &mut |value| {
            if let Some(reference) = value.get("$ref").and_then(Value::as_str)
                && document.pointer(reference.trim_start_matches('#')).is_none()
            {
                missing.insert(reference.to_owned());
            }
        });
        assert_eq!(missing, BTreeSet::new());
        assert!(document["openapi"].as_str().unwrap().starts_with("3."));
        assert!(
            document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array().unwrap().len() > 20
        );
    }

    #[test]
    fn every_operation_has_an_id_of_its_own_an_answer_and_a_problem() {
        let document = parsed();
        let mut ids = BTreeSet::new();
        for item in document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id.to_owned()), "{id} is there twice");
                let answers = operation["responses"].as_object().unwrap();
                assert!(answers.contains_key("default") && answers.len() > 1, "{id}");
            }
        }
    }

    fn visit(value: &Value, look: &mut impl FnMut(&Value)) {
        look(value);
        match value {
            Value::Array(items) => items.iter().for_each(|item| visit(item, look)),
            Value::Object(fields) => fields.values().for_each(|field| visit(field, look)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
