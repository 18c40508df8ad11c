"""Makes one call to the emulator with what is installed, and nothing of the repository."""

from pathlib import Path

import monocloud_async
import monocloud_sync
from monocloud_async.emulator import PHONE_ID, USER_ID
from monocloud_sync.emulator import Emulator

for package in (monocloud_async, monocloud_sync):
    if Path.cwd() in Path(package.__file__).parents:
        raise SystemExit(f"{package.__name__} was imported from {package.__file__}")

with (
    Emulator() as emulator,
    monocloud_sync.MonoCloudClient(emulator.url, emulator.api_key) as client,
):
    user = client.phones.set_primary(USER_ID, PHONE_ID)
    if not (user.primary_phone and user.primary_phone.id == PHONE_ID):
        raise SystemExit("the emulator did not make the phone primary")
