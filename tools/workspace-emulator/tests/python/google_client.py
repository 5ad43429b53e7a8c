"""Drives the emulator with Google's own Python client, unchanged but for its endpoint.

Usage: google_client.py URL ADMIN < key.json. Exits 0 if everything is as live Google would do it.
"""

import base64
import email
import email.policy
import json
import sys
import urllib.parse
import urllib.request

from google.auth.exceptions import RefreshError
from google.oauth2 import service_account
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

URL, ADMIN = sys.argv[1:3]
KEY = json.load(sys.stdin)
AUTH = "https://www.googleapis.com/auth/"


def service(name, version, subject, *scopes):
    credentials = service_account.Credentials.from_service_account_info(
        KEY, scopes=[AUTH + scope for scope in scopes], subject=subject
    )
    options = {"api_endpoint": URL}
    return build(name, version, credentials=credentials, client_options=options)


def gmail(user, scope="gmail.readonly"):
    return service("gmail", "v1", user, scope).users()


def emulator(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(URL + path, data, headers, method=method)
    return json.load(urllib.request.urlopen(request))


def pages(resource, request, key):
    """Everything that list requests give, by the client's own paging."""
    found, count = [], 0
    while request is not None:
        answer = request.execute(num_retries=3)
        found += answer.get(key, [])
        request, count = resource.list_next(request, answer), count + 1
    return found, count


def refused(call, status, reason):
    try:
        call()
    except HttpError as error:
        details = error.error_details
        assert error.resp.status == status, error
        assert details[0]["reason"] == reason, details
        return
    raise AssertionError(f"{status} {reason} expected")


def directory():
    admin = service("admin", "directory_v1", ADMIN, "admin.directory.domain.readonly",
                    "admin.directory.user.readonly")
    domains = admin.domains().list(customer="my_customer").execute()["domains"]
    users = {}
    for domain in (item["domainName"] for item in domains):
        users[domain], count = pages(
            admin.users(), admin.users().list(domain=domain, maxResults=7, orderBy="email"), "users")
        assert count == -(-len(users[domain]) // 7), count
        addresses = [user["primaryEmail"] for user in users[domain]]
        assert addresses == sorted(addresses)
    one = admin.users().get(userKey=addresses[0]).execute()
    assert one["name"]["fullName"] and one["kind"] == "admin#directory#user"
    refused(lambda: admin.users().list(domain="nowhere.example").execute(), 404, "notFound")
    refused(lambda: admin.users().list().execute(), 400, "badRequest")
    lay = service("admin", "directory_v1", addresses[0], "admin.directory.user.readonly")
    refused(lambda: lay.users().list(customer="my_customer").execute(), 403, "forbidden")
    return users


def search(users, query, limit):
    """What the task does: all domains, all users, all pages, compared with the emulator's truth."""
    parameters = urllib.parse.urlencode({"query": query, "maxResults": limit})
    truth = emulator("GET", "/_admin/truth?" + parameters)
    assert [item["domain"] for item in truth["domains"]] == list(users)
    total = 0
    for domain in truth["domains"]:
        for user in domain["users"]:
            messages = gmail(user["email"]).messages()
            request = messages.list(userId=user["email"], q=query, maxResults=100)
            found, _ = pages(messages, request, "messages")
            ids = [message["id"] for message in found][:limit]
            assert ids == user["messageIds"], (user["email"], len(ids), user["messageCount"])
            total += len(ids)
    assert total == truth["summary"]["totalMessagesFound"] > 0, total
    assert sum(map(len, users.values())) == truth["summary"]["totalUsers"]
    return total


def formats(user):
    messages = gmail(user).messages()
    listed = messages.list(userId="me", q="has:attachment").execute()["messages"]
    assert len(listed) > 5, listed
    for item in listed:
        get = lambda **more: messages.get(userId=user, id=item["id"], **more).execute()
        full, minimal, raw = get(), get(format="minimal"), get(format="raw")
        metadata = get(format="metadata", metadataHeaders=["subject", "FROM", "Date"])
        assert "payload" not in minimal and "raw" not in full and "payload" not in raw
        assert minimal["internalDate"].isdigit() and minimal["threadId"] and minimal["snippet"]
        names = [header["name"].lower() for header in metadata["payload"]["headers"]]
        assert set(names) <= {"subject", "from", "date"} and "from" in names, names
        # The raw form, read by another parser, must say what the parsed form says.
        parsed = email.message_from_bytes(
            base64.urlsafe_b64decode(raw["raw"]), policy=email.policy.default)
        headers = {h["name"].lower(): h["value"] for h in full["payload"]["headers"]}
        assert parsed["subject"] == headers.get("subject"), headers
        assert len(parsed.get_all("received", [])) == sum(
            h["name"] == "Received" for h in full["payload"]["headers"])
        part = full["payload"]["parts"][-1]
        data = messages.attachments().get(
            userId=user, messageId=item["id"], id=part["body"]["attachmentId"]).execute()
        content = base64.urlsafe_b64decode(data["data"])
        assert len(content) == data["size"] == part["body"]["size"]
        attached = list(parsed.iter_attachments())[-1]
        assert attached.get_filename() == part["filename"]
        assert attached.get_payload(decode=True) == content
    partial = messages.get(userId=user, id=item["id"], fields="id,payload(headers/name)").execute()
    assert set(partial) == {"id", "payload"} and set(partial["payload"]["headers"][0]) == {"name"}


def retries(user):
    call = gmail(user).getProfile(userId="me")
    call.execute()
    for status in (429, 503, 403):
        match = {"method": "gmail.users.getProfile", "user": user}
        emulator("DELETE", "/_admin/requests")
        emulator("POST", "/_admin/faults", {"match": match, "times": 1, "status": status})
        assert call.execute(num_retries=3)["emailAddress"] == user
        log = emulator("GET", "/_admin/requests")["requests"]
        assert [line["status"] for line in log] == [status, 200], log
    emulator("POST", "/_admin/faults", {"match": {"user": user}, "status": 404})
    refused(lambda: call.execute(num_retries=3), 404, "notFound")
    # A token that stopped counting is fetched anew by the client itself.
    emulator("DELETE", "/_admin/tokens")
    assert call.execute()["emailAddress"] == user


def refusals(user, other):
    refused(lambda: gmail(user).getProfile(userId=other).execute(), 403, "forbidden")
    refused(lambda: gmail(user).messages().get(userId="me", id="0").execute(), 404, "notFound")
    modify = gmail(user).messages().modify(userId="me", id="0", body={})
    refused(lambda: modify.execute(), 403, "insufficientPermissions")
    emulator("POST", "/_admin/people", {"noMailbox": [other]})
    refused(lambda: gmail(other).getProfile(userId=other).execute(), 400, "failedPrecondition")
    emulator("POST", "/_admin/people", {"suspended": [other]})
    for subject, scope, code in (
        (other, "gmail.readonly", "invalid_grant"),
        ("nobody@alpha.example", "gmail.readonly", "invalid_grant"),
        (user, "calendar.readonly", "unauthorized_client"),
    ):
        try:
            gmail(subject, scope).getProfile(userId="me").execute()
            raise AssertionError(code)
        except RefreshError as error:
            assert error.args[1]["error"] == code, error
    emulator("DELETE", "/_admin/people")


def effects(user):
    users = service("gmail", "v1", user, "gmail.modify", "gmail.send").users()
    raw = b"From: x@x.example\r\nTo: Bo <bo@b.example>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nzyzzyva"
    body = {"raw": base64.urlsafe_b64encode(raw).decode()}
    sent = users.messages().send(userId="me", body=body).execute()
    found = users.messages().list(userId="me", q="in:sent zyzzyva subject:café").execute()
    assert [item["id"] for item in found["messages"]] == [sent["id"]]
    users.messages().trash(userId="me", id=sent["id"]).execute()
    gone = users.messages().list(userId="me", q="zyzzyva").execute()
    assert "messages" not in gone and gone["resultSizeEstimate"] == 0, gone
    kinds = [effect["kind"] for effect in emulator("GET", "/_admin/effects")["effects"]]
    assert kinds == ["send", "trash"], kinds
    emulator("DELETE", "/_admin/effects")


def main():
    users = directory()
    assert sum(map(len, users.values())) > 20
    first, second = [item["primaryEmail"] for item in users["beta.example"]][:2]
    total = search(users, "", 500) + search(users, "invoice -in:sent newer_than:1y", 20)
    formats(first)
    retries(first)
    refusals(first, second)
    effects(first)
    labels = gmail(first).labels().list(userId="me").execute()["labels"]
    threads = gmail(first).threads()
    thread = threads.list(userId="me", maxResults=5).execute()["threads"][0]
    messages = threads.get(userId="me", id=thread["id"], format="minimal").execute()["messages"]
    assert labels and all(message["threadId"] == thread["id"] for message in messages)
    print(f"ok: {total} messages listed")


main()
