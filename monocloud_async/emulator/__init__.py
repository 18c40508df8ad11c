"""A local MonoCloud for tests and demos: a server that keeps a tenant in memory, on 127.0.0.1.

    async with Emulator() as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            user = await client.phones.set_primary(USER_ID, PHONE_ID)

Inject faults from code (as here), with options of ``monocloud emulator``, or over HTTP:

    emulator.faults.add(Fault(status=503, operation="phones.set_primary", times=2))
    emulator.faults.add(Fault(connection="reset", executed=True, probability=0.05))
    emulator.rate_limit = RateLimit(200, burst=20)

Add sessions, grants, blocked addresses and groups in the seed, or with methods:

    group_id = emulator.add_group("Staff", USER_ID)
    session = emulator.add_session(USER_ID, client_ids=["app"])

It behaves as the API's documentation says. Where the documentation is silent, it does what the call
says, nothing more, and rejects nothing:

- It checks the API key first, then the path, the body or query, the user, the user's phone, session
  or other part, and finally the identity rules.
- An unverified email address or phone can be made primary, and a primary one can be unverified.
- The primary one and the last one can be removed; no other then becomes primary.
- An email address or phone that is added comes last, and is not primary, even if it is the only
  one. It gets a random GUID as its id, and null as its ``source`` and ``verification_source``.
  Those that a user is created with are primary.
- Verifying and unverifying do not change ``verification_source``.
- Setting a value that is already set returns 200, counts as an execution and moves
  ``last_updated``. Assigning a member to the group again returns 201 and changes nothing.
  Unblocking an address that is not blocked returns 200.
- ``last_updated`` always moves forward by at least a second, so it may run ahead of the clock.
  Sessions, grants and groups do not change it.
- Phone numbers must be E.164. Email addresses, phone numbers and user names must be unique in the
  tenant, ignoring case (a seed may have duplicates). Violations return 422 with the emulator's own
  codes ``InvalidPhoneNumber``, ``DuplicatePhoneNumber``, ``InvalidEmail``, ``DuplicateEmail``,
  ``InvalidUserName`` and ``DuplicateUserName``.
- It has no block list and no profile rules, so options that skip them have no effect.
- A password needs 8 characters, including an upper-case letter and one that is neither letter nor
  digit. A wrong ``old_password`` returns 422 with ``PasswordMismatch``. Any ``old_password`` is
  accepted if the emulator does not know the current one, because it came as a hash or the seed only
  says that there is one. Changing a password makes it permanent. Reset and verification links lead
  nowhere and are valid for a day.
- Passwords are never recorded, shown or exported.
- ``external_providers.disconnect`` also accepts ``authenticator``, which older SDKs send.
- Ending a session revokes the tokens bound to it; nothing expires by itself.
- Lists are in the order of creation. Pages have at most 100 rows, even if ``size`` is larger; a
  page after the last one is empty. A ``page`` or ``size`` that is not a positive integer, or an
  unknown ``sort``, returns 400. Missing values sort first.
- ``filter`` supports terms, ``field:term``, quoted phrases, ``*`` and ``?``, AND, OR, NOT and
  parentheses, see search.py; anything else returns 400.
- A body that is not ``application/json`` or not a JSON object returns 400. A member of the wrong
  type, or null where the API does not allow it, returns 422. Unknown members are ignored. Bodies
  may have up to 1 MiB.
- Disabled users can be changed like any other.
- Ids and paths are case-sensitive, and dot segments are not resolved. Unknown query parameters are
  ignored.
- Paths that belong to no operation return 404. Titles and details of problems are the emulator's
  own.
- aiohttp itself responds in plain text to anything that is not HTTP; such requests are not
  recorded.

Faults and rate limits:

- The rate limit comes first, then the faults, then the API key. A request over the limit takes no
  token and reaches no fault. All requests count, whatever their key.
- A request is counted and recorded before its response is sent, even if none is sent. It is
  executed immediately, before any delay, even if the client then disconnects.
- ``executed`` does not execute a request that the emulator would reject, such as for an unknown
  user. If a fault responds to a request without executing it, the response has the unchanged
  user.
- An outage begins with the request that triggers it, and resets all other connections, too.
- ``reset`` restores the initial state: users, faults and rate limit, a full burst, the same random
  seeds, and all counts at zero.

The control API is for programs on this machine. It needs no key, never shows the key, and rejects
web pages. Its requests are not counted, recorded, rate limited or subject to faults:

- ``GET /_emulator`` returns the counts, the faults with their hit counts, and the rate limit. The
  changes below return the same.
- ``POST /_emulator/faults`` adds one, ``{"status": 503, "times": 2}``, or a list of them;
  ``DELETE`` removes all.
- ``PUT /_emulator/rate-limit`` sets the limit, ``{"per_second": 200, "burst": 20}`` or
  ``"200/s burst 20"``; ``DELETE`` removes it.
- ``POST /_emulator/reset`` restores the initial state.
- ``PUT /_emulator/seed`` replaces users and groups with a seed's JSON, also for later resets.
- ``GET /_emulator/health`` returns 200 while the emulator serves, to any machine.
- ``GET /_emulator/requests`` returns recent requests, ``GET /_emulator/users`` all users.

In a browser, ``/`` is a page with live requests, users and groups, and forms for faults, the rate
limit, the seed and a reset. That page and the paths under ``/_emulator`` are for this machine only,
even if ``host`` lets others connect, unless ``open_control`` opens them. The page then accepts an
IP address or a private name in ``Host``, such as ``emulator`` or ``emulator.internal``. Its forms
need its own token and origin, so no other web page can send them.

The modules: server.py and threaded.py are the emulator, async and blocking, on top of emulation.py;
additions.py adds data from code. listener.py owns the port, and certificate.py is for https.
service.py handles a request, delivery.py sends the reply (reply.py), access_log.py logs a line,
request_log.py keeps requests and counts, and attempts.py numbers attempts. control.py is
/_emulator, dashboard/ the page at /, hint.py what / says to a program, and peers.py decides who
is on this machine. routing.py finds the operation and answering.py its
handler in handlers/; body.py reads request bodies; listing.py pages and sorts lists, and search.py
filters them; identifiers.py, links.py and password_rules.py are shared by handlers. tenant.py keeps
the state: each account.py and the groups, as tenant_state.py; seed.py reads it from a file, and
seed_check.py validates it. problems.py has the error responses; fault.py defines a fault, and
faults.py decides when one applies; rate_limit.py is the token bucket; pytest_plugin.py is the
fixture.
"""

from .fault import Fault
from .faults import Faults
from .rate_limit import RateLimit
from .request_log import Counts, RecordedRequest
from .seed import PHONE_ID, USER_ID
from .server import Emulator

__all__ = [
    "PHONE_ID",
    "USER_ID",
    "Counts",
    "Emulator",
    "Fault",
    "Faults",
    "RateLimit",
    "RecordedRequest",
]
