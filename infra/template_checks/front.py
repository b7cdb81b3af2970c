"""The optional resources in front of the API: the firewall's rules, with and without CloudFront, and the domain's record."""

CLOUDFRONT = {"CloudFront": "true", "Firewall": "true"}


def errors(template):
    yield from of_firewall(template)
    yield from of_distribution(template)
    yield from of_record(template)
    yield from of_users(template)


def of_firewall(template):
    for parameters, expected in (
        ({"Firewall": "true"}, ["requests-of-one-address", "addresses-of-ill-repute"]),
        (CLOUDFRONT, ["only-through-cloudfront", "requests-of-one-address", "addresses-of-ill-repute"]),
    ):
        rules = template.with_parameters(template.properties("WebAcl")["Rules"], **parameters)
        in_order = sorted(rules, key=lambda rule: rule["Priority"])
        if (found := [rule["Name"] for rule in in_order]) != expected or len({rule["Priority"] for rule in rules}) != len(rules):
            yield f"WebAcl: with {parameters} the rules are {found}, not {expected}"
        rate = next(rule for rule in rules if rule["Name"] == "requests-of-one-address")["Statement"]["RateBasedStatement"]
        # Behind CloudFront every request comes from one of CloudFront's addresses.
        header = rate.get("ForwardedIPConfig", {}).get("HeaderName")
        told = (rate["AggregateKeyType"], header)
        if told != (("FORWARDED_IP", "x-client-address") if parameters is CLOUDFRONT else ("IP", None)):
            yield f"WebAcl: with {parameters} addresses are told by {told}"


def of_distribution(template):
    """CloudFront keeps errors of GETs for ten seconds, whatever they say of themselves, and shows them to everyone."""
    kept = template.properties("Distribution")["DistributionConfig"]["CustomErrorResponses"]
    if {each["ErrorCode"]: each["ErrorCachingMinTTL"] for each in kept} != dict.fromkeys((500, 502, 503, 504), 0):
        yield f"Distribution: keeps errors as {kept}"


def of_record(template):
    """One record of each type, which is changed and never created a second time: its name is unique in the zone."""
    records = template.of_type("AWS::Route53::RecordSet")
    kinds = {name: (each["Properties"]["Type"], each["Condition"]) for name, each in records.items()}
    # The name of a regional API has no IPv6.
    if kinds != {"DomainRecord": ("A", "HasRecord"), "DomainRecordIpv6": ("AAAA", "HasEdgeRecord")}:
        yield f"the name's records are {kinds}"
    for cloudfront, expected in (("true", "Distribution"), ("false", "ApiDomain")):
        target = template.with_parameters(records["DomainRecord"]["Properties"]["AliasTarget"], CloudFront=cloudfront)
        if expected not in str(target["DNSName"]):
            yield f"the name's record leads to {target['DNSName']} with CloudFront {cloudfront}"


def of_users(template):
    for opened in ("true", "false"):
        users = template.with_parameters(template.properties("Users"), UserPoolSignUp=opened)
        if users["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is (opened == "true"):
            yield f"Users: with UserPoolSignUp {opened}, sign-up is open when it should be closed, or closed when it should be open"
    for metadata, is_used in (("", False), ("https://id.example/metadata", True)):
        client = template.with_parameters(template.properties("UsersClient"), UserPool="true", SamlMetadataUrl=metadata)
        if ("saml" in client["SupportedIdentityProviders"]) is not is_used:
            yield f"UsersClient: with SamlMetadataUrl `{metadata}` it signs in by SAML where it should not, or not where it should"
