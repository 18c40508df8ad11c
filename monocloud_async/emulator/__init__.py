"""A local MonoCloud for tests and demos: a server on 127.0.0.1 that keeps users in memory.

    async with Emulator() as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            user = await client.phones.set_primary(USER_ID, PHONE_ID)

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
- There is no block list, so ``skip_restriction_checks`` changes nothing.
- A body that is not ``application/json``, or no JSON object, is 400; a member of the wrong type,
  null included, is 422; members that the API does not know are passed over. Up to 1 MiB is read.
- Phones of disabled users can be changed like any others.
- Ids and paths are case-sensitive, dots in them mean nothing, and the query is passed over.
- Operations that the SDK does not have yet are 404. Titles and details are the emulator's own.
- What is not HTTP is answered by aiohttp, as plain text, and is not recorded.

The parts: server.py talks HTTP, and is the only one that does; routes.py finds the operation;
body.py reads its fields; tenant.py keeps the users; phones.py changes one; problems.py says no;
seed.py reads the users to begin with; pytest_plugin.py is the fixture.
"""

from .fault import Fault
from .faults import Faults
from .journal import Counts, RecordedRequest
from .rate_limit import RateLimit
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
