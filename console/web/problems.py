"""Problems as answers: a page for people, RFC 9457 for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web

from console.web.language import language_of
from console.web.pages import page
from words.problem import Problem

STATUS: dict[str, int] = {
    "sign_in.wrong": 401,
    "sign_in.needed": 401,
    "sign_in.too_many": 429,
    "sign_in.busy": 503,
    "factor.wrong": 401,
    "factor.too_many": 401,
    "step_up": 401,
    "account.disabled": 401,
    "role": 403,
    "four_eyes": 403,
    "forgery": 403,
    "officer.not_yourself": 403,
    "officer.not_found": 404,
    "officer.login_taken": 409,
    "officer.last_administrator": 409,
    "officer.already_enrolled": 409,
    "officer.not_enrolled": 409,
    "elevation.not_open": 409,
    "enrol.code": 404,
    "content_changed": 409,
    "order.unknown": 404,
    "order.newer_version": 409,
    "order.state": 409,
    "order.left": 409,
    "order.count_changed": 409,
    "order.nothing_to_look_at": 409,
    "template.key": 404,
    "dispatch.unknown": 404,
    "dispatch.aged": 410,
    "release.not_held": 409,
    "release.altered": 409,
    "release.at_most_once": 409,
    "release.count_changed": 409,
    "shelter.unknown": 404,
    "shelter.meanwhile": 409,
    "subscriber.too_many": 429,
    "watch.too_many": 503,
    "console.not_encrypted": 421,
    "api.key": 401,
    "api.too_many": 429,
    "api.media_type": 415,
    "api.idempotency_key": 400,
    "api.no_drills": 403,
    "api.not_yours": 403,
    "json.syntax": 400,
    "json.encoding": 400,
    "json.too_deep": 400,
}
"""The status of a problem, by its code; what is not here is input that was refused (422)."""
RETRY_AFTER = {429: "900", 503: "5"}


def status_of(problems: Sequence[Problem]) -> int:
    """Of several problems the gravest counts: what is about the asker goes before what is about the input."""
    return min(STATUS.get(problem.code, 422) for problem in problems)


def answer(request: web.Request, problems: Sequence[Problem], status: int | None = None) -> web.Response:
    """A page where a person asks, problem+json where a program does."""
    status = status_of(problems) if status is None else status
    return _document(request, problems, status) if is_program(request) else _page(request, problems, status)


def is_program(request: web.Request) -> bool:
    """The API, and whoever does not ask for a page."""
    return request.path.startswith("/api/") or "text/html" not in request.headers.get("Accept", "text/html")


def by_status(status: int, number: str = "") -> Problem:
    """For what goes wrong before anybody could say more: `number` is that of an entry in the log."""
    ja, en = _SENTENCES.get(status, _SENTENCES[400])
    return Problem(_CODES.get(status, "request.bad"), "", ja.format(number=number), en.format(number=number))


def _page(request: web.Request, problems: Sequence[Problem], status: int) -> web.Response:
    return page(request, "problem.html", status=status, problems=problems)


def _document(request: web.Request, problems: Sequence[Problem], status: int) -> web.Response:
    tongue = language_of(request)
    told = {
        "type": f"urn:todoke:problem:{problems[0].code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": problems[0].say(tongue),
        "errors": [{"code": each.code, "pointer": each.where, "ja": each.ja, "en": each.en} for each in problems],
    }
    return web.Response(
        text=json.dumps(told, ensure_ascii=False), status=status, content_type="application/problem+json"
    )


_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    408: "request.too_slow",
    413: "request.too_large",
    415: "request.encoded",
    500: "internal",
    503: "database.away",
}
_SENTENCES = {
    400: (
        "この要求は読めませんでした。画面を読み込み直して、もう一度操作してください。",
        "This request could not be read. Load the page again and repeat it.",
    ),
    404: (
        "このページはありません。アドレスを確かめるか、最初の画面に戻ってください。",
        "There is no such page. Check the address, or go back to the front page.",
    ),
    405: (
        "このアドレスでは、その操作はできません。画面のボタンから操作してください。",
        "That cannot be done at this address. Use the buttons of the page.",
    ),
    408: (
        "送信に時間がかかりすぎました。通信の状態を確かめて、もう一度送ってください。",
        "Sending took too long. Check your connection and send it again.",
    ),
    413: (
        "送られたものが大きすぎます(1 MiB まで)。小さくしてから送ってください。",
        "What was sent is too large; up to 1 MiB is taken. Make it smaller and send it again.",
    ),
    415: (
        "圧縮して送られたものは受け取りません。圧縮せずに送ってください。",
        "Compressed requests are not taken. Send it as it is.",
    ),
    500: (
        "予期しない問題が起きました(番号 {number})。続くときは、この番号を担当者に伝えてください。",
        "Something unexpected happened (number {number}). If it goes on, tell the people in charge this number.",
    ),
    503: (
        "データベースにつながりません。数秒待って、もう一度試してください。急ぐときは todoke emergency が使えます。",
        "The database cannot be reached. Wait a few seconds and try again; if it cannot wait, use todoke emergency.",
    ),
}
