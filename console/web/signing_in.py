"""The pages at the door: password, code, enrolment, a fresh code, out again, and the language."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web
from markupsafe import Markup

from console.accounts import totp
from console.accounts.enrolling import Enrolment
from console.accounts.staff import set_language
from console.web import cookie, language
from console.web.forms import field, query
from console.web.guard import anybody, half, take_code
from console.web.pages import local, page, see_other
from console.web.parts import CONSOLE, OFFICER, SIGN_IN, machine_of
from console.web.problems import answer, is_program, status_of
from words.problem import Refused

routes = web.RouteTableDef()


@routes.get("/sign-in")
@anybody
async def show_sign_in(request: web.Request) -> web.Response:
    return page(request, "accounts/sign_in.html", back=local(request.query.get("back")), login="")


@routes.post("/sign-in")
@anybody
async def sign_in(request: web.Request) -> web.Response:
    console, back, login = request.app[CONSOLE], local(await field(request, "back")), await field(request, "login")
    try:
        token = await console.door.give_password(login, await field(request, "password"), machine=machine_of(request))
    except Refused as refused:
        return _again(request, "accounts/sign_in.html", refused, back=back, login=login)
    await _leave(request)
    cookie.give(request, token)
    return see_other(_with_back("/sign-in/code", back))


@routes.get("/sign-in/code")
@half
async def show_code(request: web.Request) -> web.Response:
    return page(request, "accounts/code.html", back=local(request.query.get("back")))


@routes.post("/sign-in/code")
@half
async def give_code(request: web.Request) -> web.Response:
    """Also the way to a fresh code later on."""
    back = local(await field(request, "back"))
    try:
        await take_code(request, await field(request, "code"))
    except Refused as refused:
        if refused.problems[0].code == "factor.wrong":
            return _again(request, "accounts/code.html", refused, back=back)
        request.pop(SIGN_IN, None)
        return _again(request, "accounts/sign_in.html", refused, back=back, login="")
    return see_other(back)


@routes.post("/sign-out")
@half
async def sign_out(request: web.Request) -> web.Response:
    await _leave(request)
    return see_other("/sign-in")


@routes.post("/language")
@anybody
async def choose_language(request: web.Request) -> web.Response:
    tongue = language.read(await field(request, "language")) or language.language_of(request)
    if OFFICER in request:
        await set_language(request.app[CONSOLE].pool, request[OFFICER].id, tongue)
    response = see_other(local(await field(request, "back")))
    language.put(request, response, tongue)
    return response


@routes.get("/enrol")
@anybody
async def show_enrolment(request: web.Request) -> web.Response:
    code = query(request, "code")
    enrolment = await request.app[CONSOLE].enroller.find(code)
    return _enrolment(request, code, request.app[CONSOLE].enroller.sealed_secret(enrolment.officer), enrolment)


@routes.post("/enrol")
@anybody
async def enrol(request: web.Request) -> web.Response:
    """The picture stays the same while somebody corrects what they typed."""
    enroller, code, sealed = (
        request.app[CONSOLE].enroller,
        await field(request, "invitation"),
        await field(request, "sealed"),
    )
    enrolment = await enroller.find(code)
    try:
        await enroller.enrol(
            code,
            password=await field(request, "password"),
            again=await field(request, "again"),
            sealed=sealed,
            proof=await field(request, "code"),
        )
    except Refused as refused:
        if refused.problems[0].code == "enrol.code":
            raise
        return _enrolment(request, code, sealed, enrolment, refused)
    return page(request, "accounts/enrolled.html", login=enrolment.login)


async def _leave(request: web.Request) -> None:
    held = request.get(SIGN_IN)
    if held is not None:
        await request.app[CONSOLE].door.sign_out(held.officer.id, held.officer.session)


def _enrolment(
    request: web.Request, code: str, sealed: str, enrolment: Enrolment, refused: Refused | None = None
) -> web.Response:
    enroller = request.app[CONSOLE].enroller
    secret = enroller.secret(enrolment.officer, sealed)
    found = refused.problems if refused is not None else ()
    return page(
        request,
        "accounts/enrol.html",
        status=status_of(found) if found else 200,
        problems=found,
        invitation=code,
        sealed=sealed,
        name=enrolment.name,
        login=enrolment.login,
        secret=secret,
        picture=Markup(totp.picture(enroller.address(enrolment, secret))),  # noqa: S704 our own drawing
    )


def _again(request: web.Request, template: str, refused: Refused, **context: str) -> web.Response:
    """The same form, with what is wrong."""
    if is_program(request):
        return answer(request, refused.problems)
    return page(request, template, status=status_of(refused.problems), problems=refused.problems, **context)


def _with_back(path: str, back: str) -> str:
    return path if back == "/" else f"{path}?{urlencode({'back': back})}"
