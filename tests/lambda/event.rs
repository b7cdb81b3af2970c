//! The event that the test gateway makes of a request.

use axum::http::Request;
use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequest;
use serde_json::{Map, Value, json};

use crate::gateway::{Arrival, proxy_event};

fn arrival() -> Arrival<'static> {
    Arrival {
        id: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        address: "203.0.113.7".parse().unwrap(),
        at: "2026-11-20T10:20:30.456Z".parse().unwrap(),
        resource: "/words/{word}",
    }
}

#[test]
fn gateway_makes_the_proxy_event_of_a_request() {
    let request = Request::post("/prod/words/yes?tag=a&tag=b%20c&page=2")
        .header("host", "example.com")
        .header("user-agent", "test")
        .header("content-length", "11")
        .header("accept", "text/plain")
        .header("accept", "text/html")
        .header("x-forwarded-for", "10.0.0.1");
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let parameters = Map::from_iter([("word".to_owned(), json!("yes"))]);

    let event = proxy_event(&arrival(), &parts, parameters, br#"{"a": "b"}"#);

    let expected = json!({
        "resource": "/words/{word}",
        "path": "/words/yes",
        "httpMethod": "POST",
        "headers": {
            "accept": "text/html",
            "host": "example.com",
            "user-agent": "test",
            "x-forwarded-for": "10.0.0.1, 203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "multiValueHeaders": {
            "accept": ["text/plain", "text/html"],
            "host": ["example.com"],
            "user-agent": ["test"],
            "x-forwarded-for": ["10.0.0.1, 203.0.113.7"],
            "x-forwarded-port": ["443"],
            "x-forwarded-proto": ["https"],
        },
        "queryStringParameters": { "tag": "b c", "page": "2" },
        "multiValueQueryStringParameters": { "tag": ["a", "b c"], "page": ["2"] },
        "pathParameters": { "word": "yes" },
        "stageVariables": null,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "deploymentId": "d1e2p3",
            "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "extendedRequestId": "x-c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "httpMethod": "POST",
            "identity": {
                "accessKey": null,
                "accountId": null,
                "caller": null,
                "cognitoAuthenticationProvider": null,
                "cognitoAuthenticationType": null,
                "cognitoIdentityId": null,
                "cognitoIdentityPoolId": null,
                "principalOrgId": null,
                "sourceIp": "203.0.113.7",
                "user": null,
                "userAgent": "test",
                "userArn": null,
            },
            "path": "/prod/words/yes",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTime": "20/Nov/2026:10:20:30 +0000",
            "requestTimeEpoch": 1_795_170_030_456_i64,
            "resourceId": "r1s2t3",
            "resourcePath": "/words/{word}",
            "stage": "prod",
        },
        "body": "{\"a\": \"b\"}",
        "isBase64Encoded": false,
    });
    assert_eq!(event, expected);
    let read: ApiGatewayProxyRequest = serde_json::from_value(event).unwrap();
    assert_eq!(read.request_context.identity.source_ip.as_deref(), Some("203.0.113.7"));
}

#[test]
fn gateway_sets_missing_parts_of_the_event_to_null() {
    let (parts, ()) = Request::get("/prod/words/yes").body(()).unwrap().into_parts();

    let event = proxy_event(&arrival(), &parts, Map::new(), b"");

    let absent = ["queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "body"];
    assert_eq!(absent.map(|name| &event[name]), [&Value::Null; 4]);
}

#[test]
fn gateway_encodes_a_binary_body_as_base64() {
    let (parts, ()) = Request::post("/prod/words/yes").body(()).unwrap().into_parts();

    let event = proxy_event(&arrival(), &parts, Map::new(), &[0xff, 0x00]);

    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
}
