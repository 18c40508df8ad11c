"""A local MonoCloud for tests and demos: a server that keeps a tenant in memory, on 127.0.0.1.

    async with Emulator() as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            user = await client.phones.set_primary(USER_ID, PHONE_ID)

It can be made to fail, from code, with the options of ``monocloud emulator``, and over HTTP:

    emulator.faults.add(Fault(status=503, operation="phones.set_primary", times=2))
    emulator.faults.add(Fault(connection="reset", executed=True, probability=0.05))
    emulator.rate_limit = RateLimit(200, burst=20)

Sessions, grants, blocked addresses and groups come from the seed, or from methods:

    group_id = emulator.add_group("Staff", USER_ID)
    session = emulator.add_session(USER_ID, client_ids=["app"])

It answers as the API's pages say. Where they are silent, it does what the call says and no more,
and refuses nothing that they do not speak of:

- The key is checked before all else; then come the path, the body or the query, the user, what
  the call concerns of the user's, and last the rules for identities.
- An email address or a phone that is not verified can be made primary, and one that is primary can
  be unverified.
- The primary one can be removed, and so can the last one; no other takes its place.
- An added one comes last and is not primary, not even the first. It has a random GUID, and its
  ``source`` and ``verification_source`` are null. Those that a user is created with are primary.
- Verifying and unverifying leave ``verification_source`` alone.
- What is set already can be set again: that is 200, an execution, and moves ``last_updated``.
  A member can be assigned to the group again, which is 201 and changes nothing. Unblocking an
  address that is not blocked is 200.
- ``last_updated`` always moves forward, by a second at least, so it may run ahead of the clock.
  Sessions, grants and groups leave it alone.
- A number has to be E.164. Email addresses, numbers and user names have to be new to the tenant,
  whatever their case; a seed may have one twice. Else the answer is 422 with the emulator's own
  codes ``InvalidPhoneNumber``, ``DuplicatePhoneNumber``, ``InvalidEmail``, ``DuplicateEmail``,
  ``InvalidUserName`` and ``DuplicateUserName``.
- It has no block list and no rules for profiles: what skips them changes nothing.
- A password needs 8 characters, one of them upper-case, and one neither letter nor digit. A wrong
  ``old_password`` is 422 with ``PasswordMismatch``. Any is right where the emulator does not know
  the present one: it came as a hash, or the seed only says that there is one. Changing a password
  makes it permanent. Links for resets and verification lead nowhere, and work for a day.
- No password is recorded, shown or exported.
- ``external_providers.disconnect`` also takes ``authenticator``, as older SDKs send it.
- Ending a session revokes the tokens that are bound to it; nothing ends by itself.
- Lists come in the order in which their rows were made. Pages have at most 100 rows, and a larger
  ``size`` gets 100; a page after the last one is empty; a ``page`` or ``size`` that is no whole
  number of 1 or more, and an unknown ``sort``, are 400. What a row does not have sorts before all
  that others have.
- ``filter`` takes terms, ``field:term``, phrases in quotation marks, ``*`` and ``?``, AND, OR, NOT
  and brackets, see search.py; what it does not know is 400.
- A body that is not ``application/json``, or no JSON object, is 400; a member of the wrong type is
  422, as null is where the API does not take it; members that the API does not know are passed
  over. Up to 1 MiB is read.
- Disabled users can be changed like any others.
- Ids and paths are case-sensitive, and dots in them mean nothing. Parameters of the query
  that an operation does not have are passed over.
- Paths of no operation are 404. Titles and details are the emulator's own.
- aiohttp answers anything but HTTP, as plain text, and nothing is recorded.

Where things go wrong on demand:

- The rate limit comes before the faults, and these before the key. A request over the limit costs
  nothing of it, and no fault gets to see it. All requests count, whatever their key.
- A request is counted and recorded before its answer goes out, whether or not one does. What is
  carried out is so at once, before any delay, and stays so where the client has gone away.
- What the emulator would refuse, as for an unknown user, ``executed`` does not carry out either.
  Where a fault has a request answered but not carried out, a user is answered as it still is.
- An outage begins with the request that it strikes, and resets all other connections too.
- ``reset`` goes back to how the emulator was made: its users, faults and rate limit, a whole burst,
  the same chances, and all counts at zero.

Over HTTP, for programs of this machine, without a key; web pages are refused, and the key is never
shown. These requests are not counted, recorded, limited or struck:

- ``GET /_emulator``: the counts, the faults and how often each struck, the rate limit. The changes
  below answer with the same.
- ``POST /_emulator/faults`` adds one, ``{"status": 503, "times": 2}``, or a list of them;
  ``DELETE`` removes all.
- ``PUT /_emulator/rate-limit`` sets it, ``{"per_second": 200, "burst": 20}`` or
  ``"200/s burst 20"``; ``DELETE`` lifts it.
- ``POST /_emulator/reset`` goes back to the beginning.
- ``PUT /_emulator/seed`` replaces users and groups by a seed's JSON, also for later resets.
- ``GET /_emulator/health`` is 200 while the emulator serves; any machine may ask it.
- ``GET /_emulator/requests`` is the last requests, ``GET /_emulator/users`` all users.

At ``/`` a browser gets a page: the requests as they come, users and groups, and forms for faults,
the rate limit, the seed and a reset. That page, and the paths under ``/_emulator``, are for this
machine only, even where ``host`` lets others in, unless ``open_control`` opens them. The page then
takes an IP address or a private name in ``Host``, such as ``emulator`` or ``emulator.internal``.
Its forms need its own token and origin, so no other web page can send them.

The parts: server.py and threaded.py are the emulator, with and without async, over emulation.py;
additions.py has what code may add. listener.py has the port, and certificate.py what https needs.
service.py decides on a request, delivery.py sends the reply.py; access_log.py prints a line,
request_log.py keeps requests and counts; attempts.py numbers attempts.
control.py is /_emulator, and dashboard/ the page at /.
routing.py finds the operation, answering.py its function, and handlers/ has these functions;
body.py reads what they take; listing.py pages and sorts lists, and search.py filters them;
identifiers.py, links.py and password_rules.py are what handlers share. tenant.py keeps the state:
each account.py and the groups, as tenant_state.py; seed.py reads it from a file, and seed_check.py
checks that.
problems.py says no; fault.py is what goes wrong, and faults.py when; rate_limit.py counts tokens.
pytest_plugin.py is the fixture.
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
