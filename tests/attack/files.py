"""Files: what is uploaded, and the addresses at which it lies."""

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from .attack import Attack
from .signature import signed_path
from .world import PRIVATE, bearer

ANYWHERE = False
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HTML = b"<!DOCTYPE html><script>alert(1)</script>"


def other_digit(found):
    return "Signature=" + ("1" if found[0].endswith("0") else "0")


def attacks(world):
    yield from forms(world)
    yield from addresses(world)


def forms(world):
    token = bearer(world.alice)
    for name, (disposition, kind, content) in {
        "a page": ('name="file"; filename="a"', "text/html", HTML),
        "a drawing with a script": ('name="file"; filename="a"', "image/svg+xml", b"<svg onload='alert(1)'/>"),
        "a program": ('name="file"; filename="a.exe"', "application/x-msdownload", b"MZ"),
        "no name": ('name="file"; filename=""', "image/png", PNG),
        "a name with NUL": ('name="file"; filename="a\0.png"', "image/png", PNG),
        "a name too long": (f'name="file"; filename="{"x" * 256}"', "image/png", PNG),
        "nothing": ('name="file"; filename="a.png"', "image/png", b""),
        "no file": ('name="other"; filename="a.png"', "image/png", PNG),
        "a type with a second one": ('name="file"; filename="a"', "image/png, text/html", PNG),
        "a page as a picture": ('name="file"; filename="a.png"', "image/png", HTML),
        "a page as a document": ('name="file"; filename="a.pdf"', "application/pdf", HTML),
        "a page as a document of Office": ('name="file"; filename="a.docx"', DOCX, HTML),
        "a sound as a picture": ('name="file"; filename="a.webp"', "image/webp", b"RIFF\0\0\0\0WAVEfmt "),
        "a picture as a text": ('name="file"; filename="a.txt"', "text/plain", PNG),
    }.items():
        yield form(f"a form with {name}", token, disposition, kind, content, code="bad_request")
    yield form(
        "a file larger than 4.4 MB",
        token,
        'name="file"; filename="a.txt"',
        "text/plain",
        b"x" * 4_500_000,
        status=413,
        code="payload_too_large",
    )
    yield form(
        "a form by nobody", [], 'name="file"; filename="a.png"', "image/png", PNG, status=401, code="unauthorized"
    )
    for kind in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "application/json",
        "text/plain",
        "multipart/mixed; boundary=x",
    ]:
        yield Attack(
            f"a form of the type {kind}",
            path="/chatkit/attachments",
            headers=[*token, ("content-type", kind)],
            body=b"--x--\r\n",
            status=(400, 415),
        )
    for name, body in {
        "no end": b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n',
        "no part": b"--x--\r\n",
        "a thousand parts": b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 1000 + b"--x--\r\n",
        "a header without end": b"--x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n--x--\r\n",
    }.items():
        yield Attack(
            f"a form with {name}",
            path="/chatkit/attachments",
            headers=[*token, ("content-type", "multipart/form-data; boundary=x")],
            body=body,
            code="bad_request",
        )
    # A path is a name like any other: it is not where the file lies.
    for name in [
        "../../../etc/passwd.png",
        "..\\\\..\\\\a.png",
        "C:\\\\a.png",
        "/etc/a.png",
        "https://evil.example/a.png",
    ]:
        yield form(
            f"the name {name}",
            token,
            f'name="file"; filename="{name}"',
            "image/png",
            PNG,
            status=200,
            having=('"id":"atc_',),
        )


def form(name, token, disposition, kind, content, **wanted):
    body = (
        b"--x\r\nContent-Disposition: form-data; "
        + disposition.encode()
        + b"\r\nContent-Type: "
        + kind.encode()
        + b"\r\n\r\n"
        + content
        + b"\r\n--x--\r\n"
    )
    headers = [*token, ("content-type", "multipart/form-data; boundary=x")]
    return Attack(name, path="/chatkit/attachments", headers=headers, body=body, **wanted)


def addresses(world):
    """An upload's address is a permission to send one file of one size and type, and to nothing else."""
    token = bearer(world.alice)
    created = world.chatkit(
        world.alice, "attachments.create", name="a.png", size=len(PNG), mime_type="image/png"
    ).json()
    upload = urlsplit(created["upload_descriptor"]["url"])
    host = ("host", upload.netloc)

    def at(attack):
        return replace(attack, port=upload.port)

    path = f"{upload.path}?{upload.query}"
    kind = ("content-type", "image/png")
    for name, (method, changed, headers, body) in {
        "of another type": ("PUT", path, [("content-type", "text/html")], PNG),
        "of no type": ("PUT", path, [], PNG),
        "of another size": ("PUT", path, [kind], PNG + b"x"),
        "by another method": ("POST", path, [kind], PNG),
        "to read": ("GET", path, [], None),
        "to delete": ("DELETE", path, [], None),
        "to another name": ("PUT", path.replace("atc_", "atc_0"), [kind], PNG),
        "with another signature": ("PUT", re.sub("Signature=.", other_digit, path), [kind], PNG),
        "without a signature": ("PUT", upload.path, [kind], PNG),
        "for longer": ("PUT", re.sub("Expires=[0-9]+", "Expires=604800", path), [kind], PNG),
        "with another key": ("PUT", re.sub("Credential=[^%]+", "Credential=other", path), [kind], PNG),
        "to list all": ("GET", f"/{upload.path.split('/')[1]}?list-type=2&{upload.query}", [], None),
        "to set its rights": ("PUT", f"{upload.path}?acl&{upload.query}", [kind], PNG),
        "from another path": (
            "PUT",
            upload.path.replace("/uploads/", "/uploads/../files/") + f"?{upload.query}",
            [kind],
            PNG,
        ),
    }.items():
        yield at(
            Attack(
                f"an upload {name}",
                method,
                changed,
                [host, *headers],
                body,
                status=(400, 403, 404, 405),
                without=(PRIVATE,),
            )
        )
    for name, (key_id, secret) in {
        "local": ("local", "local"),
        "no": ("local", ""),
        "a common": ("test", "test"),
    }.items():
        bucket = f"/{upload.path.split('/')[1]}"
        listing = signed_path("GET", upload.netloc, bucket, key_id, secret, {"list-type": "2"})
        yield at(Attack(f"a list of files by {name} key", "GET", listing, [host], status=403, without=("<Key>",)))
    copy = ("x-amz-copy-source", upload.path)
    for name, header in {
        "that is a copy": copy,
        "that is public": ("x-amz-acl", "public-read"),
        "with metadata": ("x-amz-meta-x", "y"),
        "kept for ever": ("x-amz-object-lock-mode", "GOVERNANCE"),
        "with tags": ("x-amz-tagging", "a=b"),
    }.items():
        yield at(Attack(f"an upload {name}", "PUT", path, [host, kind, header], PNG, status=403))
    for origin in ["http://evil.example", "null", "http://localhost:1"]:
        page = [host, kind, ("origin", origin)]
        yield at(
            Attack(
                f"an upload by a page of {origin}",
                "OPTIONS",
                path,
                [*page, ("access-control-request-method", "PUT")],
                status=(200, 204, 400, 403),
                without=("access-control-allow-origin",),
            )
        )
    foreign = [("host", "evil.example"), kind]
    yield at(Attack("an upload for another host", "PUT", path, foreign, PNG, status=(403, 421)))
    yield at(Attack("the upload", "PUT", path, [host, kind], PNG, status=200))
    preview = urlsplit(created["preview_url"])
    shown = f"{preview.path}?{preview.query}"
    yield at(Attack("the picture", "GET", shown, [("host", preview.netloc)], status=200))
    for name, (method, changed) in {
        "by nobody": ("GET", preview.path),
        "to write": ("PUT", shown),
        "to delete": ("DELETE", shown),
        "of another name": ("GET", shown.replace("atc_", "atc_0")),
        "as a page": ("GET", f"{shown}&response-content-type=text/html"),
        "for longer": ("GET", re.sub("Expires=[0-9]+", "Expires=604800", shown)),
    }.items():
        yield at(
            Attack(
                f"the picture {name}",
                method,
                changed,
                [("host", preview.netloc)],
                PNG if method == "PUT" else None,
                status=(400, 403, 404, 405),
            )
        )
    if not 0 < int(parse_qs(upload.query)["X-Amz-Expires"][0]) <= 900:
        raise AssertionError("an upload may come later than 15 minutes")
    message = {"content": [], "attachments": [created["id"]]}
    create = {"type": "threads.create", "params": {"input": message}}
    yield Attack("the picture in a message", headers=token, body=create, status=200, having=(created["id"],))
    yield Attack("the picture in a second message", headers=token, body=create, code="bad_request")
    yield Attack(
        "the picture of a message, deleted",
        headers=token,
        body={"type": "attachments.delete", "params": {"attachment_id": created["id"]}},
        code="bad_request",
    )


def drawings(world):
    """Where the operator takes all pictures, one with a program is saved, and does not open."""
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    uploaded = form(
        "a drawing", bearer(world.alice), 'name="file"; filename="a.svg"', "image/svg+xml", drawing, status=200
    )
    preview = urlsplit((yield uploaded).json()["preview_url"])
    path = f"{preview.path}?{preview.query}"
    saved = ("content-disposition: attachment",)
    yield Attack("a drawing", "GET", path, [("host", preview.netloc)], port=preview.port, status=200, having=saved)


PARTS = [({}, attacks), ({"FILES_TYPES": "image/*"}, drawings)]
