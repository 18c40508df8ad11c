"""A local MonoCloud for tests and demos: a server on 127.0.0.1 that keeps users in memory.

    async with Emulator() as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            user = await client.phones.set_primary(USER_ID, PHONE_ID)

It can be made to fail, from code, with the options of ``monocloud emulator``, and over HTTP:

    emulator.faults.add(Fault(status=503, operation="phones.set_primary", times=2))
    emulator.faults.add(Fault(connection="reset", executed=True, probability=0.05))
    emulator.rate_limit = RateLimit(200, burst=20)

It answers as the API's pages say. Where they are silent, it does what the call says and no more,
and refuses nothing that they do not speak of:

- The key is checked before all else; then come the path, the body, the user, the phone, and last
  the rules for numbers.
- A phone that is not verified can be made primary, and one that is primary can be unverified.
- The primary phone can be removed, and so can the last one; no other phone takes its place.
- An added phone comes last and is not primary, not even the first. It has a random GUID,
  and its ``source`` and ``verification_source`` are null.
- Verifying and unverifying leave ``verification_source`` alone.
- What is set already can be set again: that is 200, an execution, and moves ``last_updated``.
- ``last_updated`` always moves forward, by a second at least, so it may run ahead of the clock.
- A number has to be E.164, and new to this user; another user may have it. Else the answer is 422
  with the codes ``InvalidPhoneNumber`` and ``DuplicatePhoneNumber``, which are the emulator's own.
- It has no block list, so ``skip_restriction_checks`` changes nothing.
- A body that is not ``application/json``, or no JSON object, is 400; a member of the wrong type,
  null included, is 422; members that the API does not know are passed over. Up to 1 MiB is read.
- Phones of disabled users can be changed like any others.
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
- ``GET /_emulator/requests`` is the last requests, ``GET /_emulator/users`` all users.

The parts: server.py and threaded.py are the emulator, with and without async; listener.py has its
port; service.py decides on a request, and delivery.py sends the answer; control.py is /_emulator;
routing.py finds the operation; handlers/ has a function for each, declared by answering.py; body.py
reads the fields, and listing.py pages, sorts and filters lists; tenant.py keeps the state;
problems.py says no; fault.py is what goes wrong, and faults.py when; rate_limit.py counts tokens,
and request_log.py requests; seed.py reads the state to begin with; pytest_plugin.py is the fixture.
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
