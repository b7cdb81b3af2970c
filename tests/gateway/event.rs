//! An HTTP request as API Gateway's REST proxy event, version 1.0 (API Gateway developer guide, "Input format of a
//! Lambda function for proxy integration").

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::http::request::Parts;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::STAGE;

/// What API Gateway knows of a request besides what the client sent.
pub(crate) struct Arrival<'a> {
    /// The id of the request.
    pub(crate) id: &'a str,
    /// The client's address.
    pub(crate) address: IpAddr,
    /// When it came.
    pub(crate) at: Timestamp,
    /// The path of the API's resource, with its parameters in braces.
    pub(crate) resource: &'a str,
}

/// The event. A body that is not UTF-8 is sent as Base64, as for a media type that the API declares binary.
pub(crate) fn proxy_event(arrival: &Arrival<'_>, parts: &Parts, parameters: Map<String, Value>, body: &[u8]) -> Value {
    let full_path = parts.uri.path();
    let path = full_path.strip_prefix(&format!("/{STAGE}")).unwrap_or(full_path);
    let (body, is_base64) = match std::str::from_utf8(body) {
        Ok(text) => (Some(text.to_owned()).filter(|text| !text.is_empty()), false),
        Err(_) => (Some(BASE64_STANDARD.encode(body)), true),
    };
    let headers = headers(arrival, parts);
    let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned();
    let query = grouped(query);
    json!({
        "resource": arrival.resource,
        "path": path,
        "httpMethod": parts.method.as_str(),
        "headers": last(&headers),
        "multiValueHeaders": all(&headers),
        "queryStringParameters": last(&query),
        "multiValueQueryStringParameters": all(&query),
        "pathParameters": Some(parameters).filter(|parameters| !parameters.is_empty()),
        "stageVariables": null,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "deploymentId": "d1e2p3",
            "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "extendedRequestId": format!("x-{}", arrival.id),
            "httpMethod": parts.method.as_str(),
            "identity": {
                "accessKey": null,
                "accountId": null,
                "caller": null,
                "cognitoAuthenticationProvider": null,
                "cognitoAuthenticationType": null,
                "cognitoIdentityId": null,
                "cognitoIdentityPoolId": null,
                "principalOrgId": null,
                "sourceIp": arrival.address,
                "user": null,
                "userAgent": headers.get("user-agent").and_then(|values| values.last()),
                "userArn": null,
            },
            "path": full_path,
            "protocol": "HTTP/1.1",
            "requestId": arrival.id,
            "requestTime": arrival.at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "requestTimeEpoch": arrival.at.as_millisecond(),
            "resourceId": "r1s2t3",
            "resourcePath": arrival.resource,
            "stage": STAGE,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

/// The client's headers and those that API Gateway adds; what belongs to the connection stays behind.
fn headers(arrival: &Arrival<'_>, parts: &Parts) -> BTreeMap<String, Vec<String>> {
    let sent = parts.headers.iter().filter(|(name, _)| !super::answer::belongs_to_connection(name.as_str()));
    let mut headers =
        grouped(sent.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())));
    // A client may have sent the header itself: its claim comes first, and nobody may believe it.
    let mut forwarded_for = headers.remove("x-forwarded-for").unwrap_or_default();
    forwarded_for.push(arrival.address.to_string());
    headers.insert("x-forwarded-for".to_owned(), vec![forwarded_for.join(", ")]);
    headers.insert("x-forwarded-port".to_owned(), vec!["443".to_owned()]);
    headers.insert("x-forwarded-proto".to_owned(), vec!["https".to_owned()]);
    headers
}

fn grouped(pairs: impl Iterator<Item = (String, String)>) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs {
        groups.entry(name).or_default().push(value);
    }
    groups
}

/// The single-value half of a pair of fields: the last value of each name; null when there is none.
fn last(groups: &BTreeMap<String, Vec<String>>) -> Value {
    if groups.is_empty() {
        return Value::Null;
    }
    groups.iter().map(|(name, values)| (name.clone(), json!(values.last()))).collect()
}

/// The multi-value half.
fn all(groups: &BTreeMap<String, Vec<String>>) -> Value {
    if groups.is_empty() { Value::Null } else { json!(groups) }
}
