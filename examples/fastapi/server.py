import hashlib
import hmac
import os
import time
import uuid

import jwt
from fastapi import Body, FastAPI, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.middleware.sessions import SessionMiddleware

# Forgotten when the server stops: the user of each e-mail address.
users = {}
webhook = Webhook(os.environ["TOOL_SIGNING_SECRET"])
app = FastAPI()
app.add_middleware(SessionMiddleware, os.environ["SITE_COOKIE_SECRET"], same_site="lax")


def hashed(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


@app.post("/sign-in", status_code=204)
def sign_in(request: Request, email: str = Body(), password: str = Body()):
    name, salt = email.split("@")[0], os.urandom(16)
    new = {"id": str(uuid.uuid4()), "name": name, "salt": salt, "hash": hashed(password, salt)}
    # An unknown address signs up.
    user = users.setdefault(email, new)
    if not hmac.compare_digest(user["hash"], hashed(password, user["salt"])):
        raise HTTPException(401)
    request.session["email"] = email


@app.post("/sign-out", status_code=204)
def sign_out(request: Request):
    request.session.clear()


# The user token, for the user whom the site's cookie names.
@app.get("/chat-token")
def chat_token(request: Request):
    if not (user := users.get(request.session.get("email"))):
        raise HTTPException(401)
    claims = {"sub": user["id"], "name": user["name"], "exp": int(time.time()) + 300}
    token = jwt.encode(claims, os.environ["JWT_SECRET"], algorithm="HS256")
    return {"user": {"id": user["id"], "name": user["name"]}, "token": token}


@app.post("/chat-tools")
async def chat_tools(request: Request):
    try:
        call = webhook.verify(await request.body(), dict(request.headers))
    except (WebhookVerificationError, ValueError):
        return Response(status_code=401)
    # `user` is the signed-in user, verified by the backend; the model cannot change it.
    values, user = call["data"]["arguments"], call["data"]["user"]
    return {"output": {"asked": values["query"], "found": "blue mug, 12 EUR", "customer": user["name"]}}


app.mount("/", StaticFiles(directory="../page", html=True))
