"""Makes a phone primary, on the emulator that runs in another container."""

from monocloud_async.emulator import PHONE_ID, USER_ID
from monocloud_sync import MonoCloudClient


def main() -> None:
    """Make the phone primary, and print its number."""
    # The emulator is another host on the containers' network, and serves plain HTTP.
    with MonoCloudClient(allow_insecure_http=True) as client:
        user = client.phones.set_primary(USER_ID, PHONE_ID)
        phone = user.primary_phone
        print(f"The primary phone of {user.user_id} is {phone.phone if phone else 'gone'}.")


if __name__ == "__main__":
    main()
